//! Deciding that AWS's sessions end, and keeping it.

use std::time::Duration;

use curfew_domain::assignment::{AssignmentKey, Observed};
use curfew_domain::grant::GrantTimes;
use curfew_domain::session_end::{
    Behind, LONGEST_SESSION, PolicyProblem, SessionEnd, SessionEndCause, SessionEndOutcome, SessionEndState,
};
use curfew_domain::{
    Action, AssignmentId, CachedResourceId, Discovered, DiscoveredAttributes, Grant, GrantId, LockdownOf,
    NodeId, ResourceRef, Seconds, TenantId, Timestamp,
};
use curfew_store::testing::World;
use curfew_store::{StoreError, on_both_databases};

const DEV: &str = "100000000005";
const MANAGEMENT: &str = "100000000001";
const READ: &str = "arn:aws:sso:::permissionSet/ssoins-1234567890abcdef/ps-1234567890abcdef";
const STRANGE: &str = "arn:aws:sso:::permissionSet/ssoins-1234567890abcdef/ps-fedcba0987654321";

fn key(account: &str, set: &str) -> AssignmentKey {
    AssignmentKey {
        instance: "arn:aws:sso:::instance/ssoins-1234567890abcdef".parse().unwrap(),
        region: "eu-central-1".parse().unwrap(),
        identity_store: "d-1234567890".parse().unwrap(),
        account: account.parse().unwrap(),
        permission_set: set.parse().unwrap(),
        principal: "p-1".parse().unwrap(),
    }
}

/// What AWS told of the accounts and of one of the permission sets.
async fn discover(world: &World<'_>, tenant: TenantId) {
    let unit = world.db.store.tenant(tenant).write().await.unwrap();
    let account = |id: &str| ResourceRef::from(id.parse::<curfew_domain::AccountId>().unwrap());
    let read = ResourceRef::from(key(DEV, READ).permission_set);
    for (resource, name) in [(account(DEV), "dev"), (account(MANAGEMENT), "acme"), (read, "ReadOnly")] {
        let now = world.now();
        let discovered = Discovered {
            name: name.to_owned(),
            units: vec![],
            tags: [].into(),
            state: None,
            attributes: DiscoveredAttributes {
                is_management: name == "acme",
                ..DiscoveredAttributes::default()
            },
            seen_at: now,
            gone_at: None,
        };
        let id = CachedResourceId::new(now, &world.entropy);
        unit.save_discovered(id, &key(DEV, READ).instance, &resource, None, &discovered).await.unwrap();
    }
    unit.commit().await.unwrap();
}

/// A live grant of what AWS has.
async fn give(world: &World<'_>, tenant: TenantId, key: &AssignmentKey) -> GrantId {
    let now = world.now();
    let unit = world.db.store.tenant(tenant).write().await.unwrap();
    let grant = Grant {
        id: GrantId::new(now, &world.entropy),
        request: None,
        grantee: world.user(),
        resource: ResourceRef::from(key.account.clone()),
        action: Action::Assume,
        account: Some(key.account.clone()),
        permission_set: key.permission_set.clone(),
        times: GrantTimes::decided(now, Seconds::of(3_600)).started(now).succeeded(now),
        revoked_by: None,
        revoke_reason: None,
        failure: None,
        audit_enabled: true,
        metadata: serde_json::Map::new(),
        created_at: now,
        updated_at: now,
    };
    unit.insert_grant(&grant).await.unwrap();
    let new = AssignmentId::new(now, &world.entropy);
    let assignment = unit.hold_assignment(new, key, now).await.unwrap();
    unit.link_grant(grant.id, assignment.id).await.unwrap();
    unit.commit().await.unwrap();
    world.db.tamper("UPDATE assignment SET phase = 'present'").await;
    grant.id
}

/// Ends it, and its sessions. Answers why some can't be.
async fn end(world: &World<'_>, tenant: TenantId, grant: GrantId) -> Vec<Option<SessionEndOutcome>> {
    end_at(world, tenant, grant, world.now()).await
}

/// The same by whoever read the clock then.
async fn end_at(
    world: &World<'_>,
    tenant: TenantId,
    grant: GrantId,
    now: Timestamp,
) -> Vec<Option<SessionEndOutcome>> {
    let unit = world.db.store.tenant(tenant).write().await.unwrap();
    let mut ended = unit.lock_grant(grant).await.unwrap().unwrap();
    ended.times = ended.times.revoked(now).unwrap();
    unit.save_revocation(&ended).await.unwrap();
    unit.touch_due_of_grant(grant, now).await.unwrap();
    let cause = SessionEndCause::Revoked;
    let asked = unit.ask_session_ends(&[grant], cause, now, &world.entropy).await.unwrap();
    unit.commit().await.unwrap();
    asked.into_iter().map(|end| end.cannot).collect()
}

async fn held(world: &World<'_>, tenant: TenantId) -> Vec<SessionEnd> {
    world.db.store.tenant(tenant).read().await.unwrap().held_session_ends().await.unwrap()
}

/// How many are denied for all times.
async fn shut_out(world: &World<'_>, tenant: TenantId) -> u64 {
    let unit = world.db.store.tenant(tenant).read().await.unwrap();
    unit.session_ends_without_cut_off(world.now()).await.unwrap()
}

async fn save(world: &World<'_>, tenant: TenantId, end: &SessionEnd) {
    let unit = world.db.store.tenant(tenant).write().await.unwrap();
    unit.save_session_end(end).await.unwrap();
    unit.commit().await.unwrap();
}

/// Ends all sessions of what is covered. Answers of how many.
async fn end_all(world: &World<'_>, tenant: TenantId, covered: &LockdownOf) -> usize {
    let unit = world.db.store.tenant(tenant).write().await.unwrap();
    let cause = SessionEndCause::TakenBack;
    let asked = unit.ask_session_ends_of_all(covered, &[], cause, world.now(), &world.entropy).await.unwrap();
    unit.commit().await.unwrap();
    asked.len()
}

/// All access was proved gone at this moment.
async fn is_gone(world: &World<'_>, at: Timestamp) {
    let mut observed = Observed::default();
    observed.gone(at);
    let (observed, now) = (serde_json::to_string(&observed).unwrap(), world.now().micros());
    let gone = format!("UPDATE assignment SET phase = 'gone', observed = '{observed}', updated_at = {now}");
    world.db.tamper(&gone).await;
}

/// Time ends a grant; then the sessions end of those that it kept alive. Answers of how many.
async fn left_over(world: &World<'_>, tenant: TenantId, grant: GrantId) -> usize {
    let now = world.now();
    let (at, id) = (now.micros(), world.literal(grant.uuid()));
    world.db.tamper(&format!("UPDATE access_grant SET expires_at = {at} WHERE id = {id}")).await;
    let unit = world.db.store.tenant(tenant).write().await.unwrap();
    let cause = SessionEndCause::Revoked;
    let asked = unit.ask_session_ends_left_over(&[grant], cause, now, &world.entropy).await.unwrap();
    unit.commit().await.unwrap();
    asked.len()
}

on_both_databases! {
    async fn sessions_end_with_the_last_grant_that_needs_the_access(db: &TestStore) {
        let world = World::new(db);
        let (ours, theirs) = (world.tenant("ours").await, world.tenant("theirs").await);
        for tenant in [ours, theirs] {
            discover(&world, tenant).await;
        }
        let (first, second) = (give(&world, ours, &key(DEV, READ)).await, give(&world, ours, &key(DEV, READ)).await);
        give(&world, theirs, &key(DEV, READ)).await;
        assert_eq!(end(&world, ours, first).await, []);
        assert_eq!(end(&world, ours, second).await, [None]);
        let ends = held(&world, ours).await;
        assert_eq!(ends.len(), 1);
        assert_eq!((ends[0].sessions.set.as_str(), ends[0].times.state()), ("ReadOnly", SessionEndState::Asked));
        assert_eq!(held(&world, theirs).await, [], "another tenant's same access is another");
        save(&world, theirs, &SessionEnd { place: Some("taken".to_owned()), ..ends[0].clone() }).await;
        assert_eq!(held(&world, ours).await, ends);
        let due = db.store.due_sessions(&[ours, theirs]).await.unwrap();
        assert_eq!(due.iter().map(|due| due.tenant).collect::<Vec<_>>(), [ours]);
    }

    async fn of_two_that_end_together_the_end_comes_after_both(db: &TestStore) {
        let world = World::new(db);
        let tenant = world.tenant("ours").await;
        discover(&world, tenant).await;
        let (first, second) = (give(&world, tenant, &key(DEV, READ)).await, give(&world, tenant, &key(DEV, READ)).await);
        let (earlier, later) = (world.now(), world.now());
        assert_eq!(end_at(&world, tenant, first, later).await, []);
        assert_eq!(end_at(&world, tenant, second, earlier).await, [None]);
        assert_eq!(held(&world, tenant).await[0].times.asked_at, later);
    }

    async fn what_cannot_be_denied_is_over_at_once(db: &TestStore) {
        let world = World::new(db);
        let tenant = world.tenant("ours").await;
        discover(&world, tenant).await;
        let (root, strange) =
            (give(&world, tenant, &key(MANAGEMENT, READ)).await, give(&world, tenant, &key(DEV, STRANGE)).await);
        assert_eq!(end(&world, tenant, root).await, [Some(SessionEndOutcome::ManagementAccount)]);
        assert_eq!(end(&world, tenant, strange).await, [Some(SessionEndOutcome::UnknownSet)]);
        assert_eq!(held(&world, tenant).await, []);
    }

    async fn a_later_end_takes_the_place_of_an_earlier_one(db: &TestStore) {
        let world = World::new(db);
        let tenant = world.tenant("ours").await;
        discover(&world, tenant).await;
        let grant = give(&world, tenant, &key(DEV, READ)).await;
        end(&world, tenant, grant).await;
        let mut first = held(&world, tenant).await.remove(0);
        first.times = first.times.written(None, world.now());
        first.place = Some("curfew-sessions-2".to_owned());
        save(&world, tenant, &first).await;
        assert_eq!(shut_out(&world, tenant).await, 1);

        let grant = give(&world, tenant, &key(DEV, READ)).await;
        end(&world, tenant, grant).await;
        let mut second = held(&world, tenant).await.remove(0);
        assert_ne!(second.id, first.id);
        assert_eq!((second.times.state(), &second.place), (SessionEndState::Denied, &first.place), "all are denied still");
        second.times = second.times.turned(Behind::Gone { at: None }, world.now());
        save(&world, tenant, &second).await;
        assert_eq!(shut_out(&world, tenant).await, 1);
        let cut_off = second.times.cut_off;
        let written = SessionEnd { times: second.times.written(cut_off, world.now()), ..second.clone() };
        save(&world, tenant, &written).await;
        assert_eq!(shut_out(&world, tenant).await, 0);

        let grant = give(&world, tenant, &key(DEV, READ)).await;
        end(&world, tenant, grant).await;
        let third = held(&world, tenant).await.remove(0);
        assert_eq!((third.times.state(), &third.place), (SessionEndState::Asked, &first.place), "later ones are not");
        save(&world, tenant, &first).await;
        assert_eq!(held(&world, tenant).await, [third], "what is over stays over");
    }

    async fn what_is_denied_still_is_inherited_also_while_its_cut_off_is_on_its_way(db: &TestStore) {
        let world = World::new(db);
        let tenant = world.tenant("ours").await;
        discover(&world, tenant).await;
        let grant = give(&world, tenant, &key(DEV, READ)).await;
        end(&world, tenant, grant).await;
        assert_eq!(shut_out(&world, tenant).await, 1, "it may have been sent");
        let mut first = held(&world, tenant).await.remove(0);
        first.times = first.times.written(None, world.now()).turned(Behind::Gone { at: None }, world.now());
        assert_eq!(first.times.state(), SessionEndState::CuttingOff);
        save(&world, tenant, &first).await;
        let grant = give(&world, tenant, &key(DEV, READ)).await;
        end(&world, tenant, grant).await;
        assert_eq!(held(&world, tenant).await[0].times.state(), SessionEndState::Denied);
        assert_eq!(shut_out(&world, tenant).await, 1);
    }

    async fn what_cannot_have_been_sent_shuts_nobody_out(db: &TestStore) {
        let world = World::new(db);
        let tenant = world.tenant("ours").await;
        discover(&world, tenant).await;
        let grant = give(&world, tenant, &key(DEV, READ)).await;
        end(&world, tenant, grant).await;
        for (problem, shuts_out) in [(PolicyProblem::NoPolicy, 0), (PolicyProblem::AwsFailed, 1)] {
            let unit = db.store.tenant(tenant).write().await.unwrap();
            unit.note_session_policies(Some(problem), world.now()).await.unwrap();
            unit.commit().await.unwrap();
            assert_eq!(shut_out(&world, tenant).await, shuts_out, "{problem:?}");
        }
    }

    async fn all_that_somebody_may_still_use_ends_however_its_grant_has_ended(db: &TestStore) {
        let world = World::new(db);
        let (ours, theirs) = (world.tenant("ours").await, world.tenant("theirs").await);
        for tenant in [ours, theirs] {
            discover(&world, tenant).await;
        }
        let grant = give(&world, ours, &key(DEV, READ)).await;
        give(&world, theirs, &key(DEV, READ)).await;
        let account = |id: &str| LockdownOf::Account(id.parse().unwrap());
        assert_eq!(end_all(&world, ours, &account(DEV)).await, 0, "a live grant needs it");
        db.tamper("UPDATE access_grant SET expires_at = 1").await;
        assert_eq!(end_all(&world, ours, &account(MANAGEMENT)).await, 0);
        assert_eq!(end_all(&world, ours, &LockdownOf::User(world.user())).await, 0);
        assert_eq!(end_all(&world, ours, &account(DEV)).await, 1, "it is there still");
        assert_eq!(end_all(&world, ours, &LockdownOf::Tenant).await, 1);
        let unit = db.store.tenant(ours).read().await.unwrap();
        let theirs_it_was = unit.grant(grant, world.now()).await.unwrap().unwrap().grant.grantee;
        drop(unit);
        assert_eq!(end_all(&world, ours, &LockdownOf::User(theirs_it_was)).await, 1);
        assert_eq!(held(&world, ours).await.len(), 1);
        assert_eq!(held(&world, theirs).await, []);
    }

    async fn what_went_lately_ends_too_unless_it_is_denied_already(db: &TestStore) {
        let world = World::new(db);
        let tenant = world.tenant("ours").await;
        discover(&world, tenant).await;
        give(&world, tenant, &key(DEV, READ)).await;
        db.tamper("UPDATE access_grant SET expires_at = 1").await;
        let gone_at = world.now();
        is_gone(&world, gone_at).await;
        assert_eq!(end_all(&world, tenant, &LockdownOf::Tenant).await, 1);
        assert_eq!(end_all(&world, tenant, &LockdownOf::Tenant).await, 0, "all are denied");
        let mut end = held(&world, tenant).await.remove(0);
        end.times = end.times.turned(Behind::Gone { at: Some(gone_at) }, world.now());
        save(&world, tenant, &end).await;
        assert_eq!(end_all(&world, tenant, &LockdownOf::Tenant).await, 0, "those from before are denied");
        end.times = end.times.ended(SessionEndOutcome::LeftOut, world.now());
        save(&world, tenant, &end).await;
        assert_eq!(end_all(&world, tenant, &LockdownOf::Tenant).await, 1, "it is newer now");
        db.tamper("UPDATE session_end SET over_at = 1, outcome = 'left_out'").await;
        is_gone(&world, world.now() - LONGEST_SESSION - Seconds::of(60)).await;
        assert_eq!(end_all(&world, tenant, &LockdownOf::Tenant).await, 0, "no session can be left");
    }

    async fn what_was_revoked_beside_another_grant_ends_with_the_last_by_time_too(db: &TestStore) {
        let world = World::new(db);
        let tenant = world.tenant("ours").await;
        discover(&world, tenant).await;
        let lone = give(&world, tenant, &key(DEV, READ)).await;
        assert_eq!(left_over(&world, tenant, lone).await, 0, "it was the only one");
        let revoked = give(&world, tenant, &key(DEV, READ)).await;
        let (first, last) =
            (give(&world, tenant, &key(DEV, READ)).await, give(&world, tenant, &key(DEV, READ)).await);
        assert_eq!(end(&world, tenant, revoked).await, []);
        assert_eq!(left_over(&world, tenant, first).await, 0, "another one needs it");
        assert_eq!(left_over(&world, tenant, last).await, 1);
        assert_eq!(left_over(&world, tenant, last).await, 0, "they were asked to end");
    }

    async fn a_connection_is_owned_as_long_as_sessions_are_denied_and_its_former_owner_is_refused(db: &TestStore) {
        let world = World::new(db);
        let tenant = world.tenant("ours").await;
        discover(&world, tenant).await;
        let grant = give(&world, tenant, &key(DEV, READ)).await;
        end(&world, tenant, grant).await;
        db.tamper("DELETE FROM due").await;
        let node = NodeId::new(world.now(), &world.entropy);
        assert_eq!(db.store.tenants_without_owner(node).await.unwrap(), [tenant]);
        let lasting = Duration::from_secs(15);
        assert_eq!(db.store.take_lease(tenant, node, lasting).await.unwrap(), Some(1));
        assert_eq!(db.store.renew_leases(node, lasting).await.unwrap(), [(tenant, 1)]);
        let unit = db.store.tenant(tenant).read().await.unwrap();
        let due = unit.sessions_due().await.unwrap().unwrap();
        drop(unit);
        db.tamper("UPDATE connection_lease SET fence = 2").await;
        let unit = db.store.tenant(tenant).write().await.unwrap();
        assert!(matches!(unit.check_fence(1).await, Err(StoreError::Fenced)));
        unit.check_fence(2).await.unwrap();
        unit.settle_sessions(due.generation + 1, None).await.unwrap();
        assert_eq!(unit.sessions_due().await.unwrap(), Some(due), "somebody has touched it meanwhile");
        unit.settle_sessions(due.generation, None).await.unwrap();
        unit.commit().await.unwrap();
        assert_eq!(db.store.renew_leases(node, lasting).await.unwrap(), []);
    }
}
