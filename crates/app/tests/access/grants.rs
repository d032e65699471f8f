use curfew_app::grants::{self, GrantFilter};
use curfew_app::{AppError, requests};
use curfew_domain::assignment::{Baseline, Observed, Phase};
use curfew_domain::grant::{GrantStatus, ProvisioningStatus};
use curfew_domain::{
    BuiltInRole, DoneBy, ErrorCode, GrantId, PageLimit, PageRequest, Scope, Seconds, Timestamp,
};
use curfew_store::on_both_databases;

use crate::world::*;

/// What was seen of an assignment in each phase.
pub(crate) fn seen(phase: Phase, now: Timestamp) -> Observed {
    let base = Observed::default();
    let created = Observed { created_at: Some(now), ..base.clone() };
    let observed = match phase {
        Phase::Unseen => base,
        Phase::Creating => created,
        Phase::Present => Observed { present_at: Some(now), ..created },
        Phase::Deleting => Observed { deletion_sent_at: Some(now + Seconds::of(1)), ..created },
        Phase::Standing => Observed { baseline: Some(Baseline { at: now, present: true }), ..base },
        Phase::Gone => Observed { gone_at: Some(now), ..created },
    };
    assert_eq!(observed.phase(), phase);
    observed
}

on_both_databases! {
    async fn a_grant_is_revoked_by_its_grantee_or_with_the_right_to(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(auto(), PERMIT_ALL).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let bob = world.person("bob", BuiltInRole::User, None).await;
        let ada = world.person("ada", BuiltInRole::Approver, None).await;
        let app = &world.test.app;
        let first = world.submit(&alice, to_read(account(DEV))).await.unwrap().grant.unwrap();
        let second = world.submit(&alice, to_read(account(PROD))).await.unwrap().grant.unwrap();
        assert_eq!(code(grants::revoke(app, &bob, first, None).await), ErrorCode::NotFound);
        assert_eq!(code(grants::revoke(app, &ada, first, None).await), ErrorCode::Forbidden);
        let own = grants::revoke(app, &alice, first, None).await.unwrap();
        assert_eq!(own.grant.times.status(app.now()), GrantStatus::Revoked);
        let reason = "no longer needed".parse().unwrap();
        let other = grants::revoke(app, &world.admin, second, Some(reason)).await.unwrap();
        assert_eq!(other.grant.revoked_by, Some(DoneBy::Person(world.admin.user)));
        assert_eq!(other.grant.revoke_reason.unwrap().as_str(), "no longer needed");
        assert!(matches!(
            grants::revoke(app, &alice, first, None).await,
            Err(AppError::InvalidState { state, .. }) if state == "revoked"
        ));
        world.test.clock.advance(Seconds::of(4_000));
        world.identity_center_knows("alice").await;
        let third = world.submit(&alice, to_read(account(DEV))).await.unwrap().grant.unwrap();
        world.test.clock.advance(Seconds::of(4_000));
        assert!(matches!(
            grants::revoke(app, &alice, third, None).await,
            Err(AppError::InvalidState { state, .. }) if state == "expired"
        ));
    }

    async fn a_revocation_makes_its_assignments_due_at_once(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(auto(), PERMIT_ALL).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let app = &world.test.app;
        let grant = world.submit(&alice, to_read(unit(LAB))).await.unwrap().grant.unwrap();
        let far = app.now() + Seconds::of(3_000);
        for due in app.store.due_for(&[world.tenant], app.now(), 10).await.unwrap() {
            let unit = app.store.tenant(world.tenant).write().await.unwrap();
            assert!(unit.settle_due(due.assignment, due.generation, Some(far), None).await.unwrap());
            unit.commit().await.unwrap();
        }
        assert!(app.store.due_for(&[world.tenant], app.now(), 10).await.unwrap().is_empty());
        grants::revoke(app, &alice, grant, None).await.unwrap();
        assert_eq!(app.store.due_for(&[world.tenant], app.now(), 10).await.unwrap().len(), 2);
    }

    async fn auditing_a_grant_takes_its_scope(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(auto(), PERMIT_ALL).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let app = &world.test.app;
        let grant = world.submit(&alice, to_read(account(DEV))).await.unwrap().grant.unwrap();
        assert!(grants::get(app, &alice, grant).await.unwrap().grant.audit_enabled);
        assert_eq!(code(grants::set_audit(app, &alice, grant, false).await), ErrorCode::Forbidden);
        assert!(!grants::set_audit(app, &world.admin, grant, false).await.unwrap().grant.audit_enabled);
        assert!(!grants::get(app, &alice, grant).await.unwrap().grant.audit_enabled);
        let unknown = GrantId::new(app.now(), app.entropy.as_ref());
        assert_eq!(code(grants::set_audit(app, &world.admin, unknown, true).await), ErrorCode::NotFound);
    }

    async fn whoever_may_end_or_change_anybodys_grants_needs_no_right_to_read_them(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(auto(), PERMIT_ALL).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let app = &world.test.app;
        let grant = world.submit(&alice, to_read(account(DEV))).await.unwrap().grant.unwrap();
        let with = |scope: Scope| {
            let mut key = world.admin.clone();
            key.scopes = [scope].into_iter().collect();
            key
        };
        assert!(!grants::set_audit(app, &with(Scope::GrantsUpdate), grant, false).await.unwrap().grant.audit_enabled);
        let refused = grants::revoke(app, &with(Scope::GrantsUpdate), grant, None).await;
        assert_eq!(code(refused), ErrorCode::Forbidden);
        let revoked = grants::revoke(app, &with(Scope::GrantsDelete), grant, None).await.unwrap();
        assert_eq!(revoked.grant.times.status(app.now()), GrantStatus::Revoked);
    }

    async fn everybody_sees_their_own_grants_and_those_with_the_right_all(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(auto(), PERMIT_ALL).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let bob = world.person("bob", BuiltInRole::User, None).await;
        let app = &world.test.app;
        let of_alice = world.submit(&alice, to_read(unit(LAB))).await.unwrap().grant.unwrap();
        let of_bob = world.submit(&bob, to_read(account(PROD))).await.unwrap().grant.unwrap();
        let list = async |caller, filter| {
            let page = grants::list(app, caller, filter, PageRequest::default()).await.unwrap();
            page.items.into_iter().map(|view| view.grant.id).collect::<Vec<_>>()
        };
        let all = GrantFilter::default;
        assert_eq!(list(&alice, all()).await, [of_alice]);
        assert_eq!(list(&world.admin, all()).await, [of_bob, of_alice]);
        let spied = GrantFilter { grantee: Some(alice.user), ..all() };
        assert!(list(&bob, spied.clone()).await.is_empty());
        assert_eq!(list(&world.admin, spied).await, [of_alice]);
        for (id, expected) in [(DEV, vec![of_alice]), (PROD, vec![of_bob]), ("444444444444", vec![])] {
            let filter = GrantFilter { account: Some(id.parse().unwrap()), ..all() };
            assert_eq!(list(&world.admin, filter).await, expected, "{id}");
        }
        assert_eq!(code(grants::get(app, &bob, of_alice).await), ErrorCode::NotFound);
        let mut key = alice.clone();
        key.scopes = [Scope::AwsRead].into_iter().collect();
        assert_eq!(code(grants::list(app, &key, all(), PageRequest::default()).await), ErrorCode::Forbidden);
    }

    async fn a_filter_finds_what_is_shown_in_every_state(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(auto(), PERMIT_ALL).await;
        let app = &world.test.app;
        let phases =
            [Phase::Unseen, Phase::Creating, Phase::Present, Phase::Deleting, Phase::Standing, Phase::Gone];
        let people = ["ann", "ben", "cat", "dan", "eve", "fay"];
        let mut made = Vec::new();
        for (name, phase) in people.iter().zip(phases) {
            let person = world.person(name, BuiltInRole::User, None).await;
            for resource in [account(DEV), unit(LAB), account(STAGING), account(PROD)] {
                let grant = world.submit(&person, to_read(resource)).await.unwrap().grant.unwrap();
                let before = app.store.due_for(&[world.tenant], app.now(), 1_000).await.unwrap();
                made.push(grant);
                for due in before {
                    let unit = app.store.tenant(world.tenant).write().await.unwrap();
                    let work = unit.lock_assignment_work(due.assignment).await.unwrap().unwrap();
                    if work.grants.iter().any(|linked| linked.id == grant) {
                        unit.save_observed(work.id, &seen(phase, app.now()), 1, app.now()).await.unwrap();
                        unit.commit().await.unwrap();
                    }
                }
            }
        }
        for (number, grant) in made.iter().enumerate() {
            let unit = app.store.tenant(world.tenant).write().await.unwrap();
            let kept = unit.lock_grant(*grant).await.unwrap().unwrap();
            let now = app.now();
            let times = match number % 4 {
                0 => kept.times,
                1 => kept.times.revoked(now).unwrap(),
                2 => kept.times.failed(now),
                _ => kept.times.started(now),
            };
            unit.save_grant_times(*grant, &times, None, now).await.unwrap();
            unit.commit().await.unwrap();
        }
        for wait in [0, 1_000, 4_000] {
            world.test.clock.advance(Seconds::of(wait));
            let mut found = 0;
            for status in ProvisioningStatus::ALL {
                let filter = GrantFilter { provisioning: Some(status), ..GrantFilter::default() };
                let page = PageRequest { limit: PageLimit::MAX, after: None };
                let views = grants::list(app, &world.admin, filter, page).await.unwrap().items;
                let now = app.now();
                for view in &views {
                    assert_eq!(view.provisioning(now), status, "{view:?}");
                }
                found += views.len();
            }
            assert_eq!(found, made.len(), "each grant has one provisioning status");
            let mut found = 0;
            for status in GrantStatus::ALL {
                let filter = GrantFilter { status: Some(status), ..GrantFilter::default() };
                let page = PageRequest { limit: PageLimit::MAX, after: None };
                let views = grants::list(app, &world.admin, filter, page).await.unwrap().items;
                assert!(views.iter().all(|view| view.grant.times.status(app.now()) == status));
                found += views.len();
            }
            assert_eq!(found, made.len(), "each grant has one status");
        }
    }

    async fn a_request_has_one_grant(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(auto(), PERMIT_ALL).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let app = &world.test.app;
        let request = world.submit(&alice, to_read(account(DEV))).await.unwrap();
        assert_eq!(code(requests::approve(app, &world.admin, request.id, None).await), ErrorCode::InvalidState);
        let unit = app.store.tenant(world.tenant).write().await.unwrap();
        let mut twin = unit.lock_grant(request.grant.unwrap()).await.unwrap().unwrap();
        twin.id = GrantId::new(app.now(), app.entropy.as_ref());
        assert!(unit.insert_grant(&twin).await.is_err());
    }
}
