//! Grants that are to last longer.

use curfew_app::grants::{self, Extended, Extension};
use curfew_app::{AppError, Caller, Made, Once, requests, settings, users};
use curfew_domain::grant::{GrantStatus, GrantTimes};
use curfew_domain::request::RequestStatus;
use curfew_domain::{
    AccessRequest, BuiltInRole, DiscoveredAttributes, DoneBy, ErrorCode, GrantId, PageRequest, Seconds,
};
use curfew_store::on_both_databases;

use crate::world::*;

const HALF_AN_HOUR: Seconds = Seconds::of(1_800);

pub(crate) fn by(seconds: u32) -> Extension {
    Extension { by: Seconds::of(seconds), reason: Some("INC-7 is not over yet".parse().unwrap()) }
}

/// AWS has all of a grant now.
pub(crate) async fn aws_has(world: &World, grant: GrantId) {
    let app = &world.test.app;
    let unit = app.store.tenant(world.tenant).write().await.unwrap();
    let times = unit.lock_grant(grant).await.unwrap().unwrap().times;
    let now = app.now();
    unit.save_grant_times(grant, &times.started(now).succeeded(now), None, now).await.unwrap();
    unit.commit().await.unwrap();
}

pub(crate) async fn times(world: &World, grant: GrantId) -> GrantTimes {
    grants::get(&world.test.app, &world.admin, grant).await.unwrap().grant.times
}

async fn extend(
    world: &World,
    caller: &Caller,
    grant: GrantId,
    more: Extension,
) -> Result<Extended, AppError> {
    let extended = grants::extend(&world.test.app, caller, &Once::unkeyed(), grant, more).await?;
    Ok(extended.into_inner())
}

/// Somebody with a grant of an hour, which AWS has.
async fn an_hour(world: &World) -> (Caller, GrantId) {
    let alice = world.person("alice", BuiltInRole::User, None).await;
    let mut wanted = to_read(account(DEV));
    wanted.duration = Some(Seconds::of(3_600));
    let grant = world.submit(&alice, wanted).await.unwrap().grant.unwrap();
    aws_has(world, grant).await;
    (alice, grant)
}

fn asked(extended: Extended) -> AccessRequest {
    match extended {
        Extended::Asked(request) => *request,
        Extended::Grant(view) => panic!("extended at once: {view:?}"),
    }
}

/// A policy by which a person must approve what lasts longer than an hour; the rest is given at once.
async fn long_ones_by_people(world: &World) {
    world
        .policy(auto(), "permit (principal, action, resource) when { context.duration_seconds <= 3600 };")
        .await;
    world
        .policy(
            by_people(1),
            "permit (principal, action, resource) when { context.duration_seconds > 3600 };",
        )
        .await;
}

async fn all_requests(world: &World) -> Vec<AccessRequest> {
    let all = requests::list(
        &world.test.app,
        &world.admin,
        None,
        requests::RequestFilter::default(),
        PageRequest::default(),
    );
    all.await.unwrap().items
}

async fn grants_there(world: &World) -> usize {
    let filter = grants::GrantFilter::default();
    grants::list(&world.test.app, &world.admin, filter, PageRequest::default()).await.unwrap().items.len()
}

on_both_databases! {
    async fn what_policy_approves_moves_the_end_at_once(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(auto(), PERMIT_ALL).await;
        let (alice, grant) = an_hour(&world).await;
        let before = times(&world, grant).await;
        let Extended::Grant(view) = extend(&world, &alice, grant, by(1_800)).await.unwrap() else { panic!() };
        assert_eq!(view.grant.times.expires_at, before.expires_at.map(|end| end + HALF_AN_HOUR));
        assert_eq!(view.grant.times.duration, Seconds::of(5_400));
        assert_eq!(view.grant.times, times(&world, grant).await);
        let [extension, first] = &all_requests(&world).await[..] else { panic!("two requests") };
        assert_eq!((extension.extends, extension.grant), (Some(grant), Some(grant)));
        assert_eq!((first.extends, extension.duration), (None, Some(Seconds::of(5_400))));
        let unit = world.test.app.store.tenant(world.tenant).read().await.unwrap();
        let decisions = unit.decisions(extension.id).await.unwrap();
        assert_eq!(decisions[0].context["duration"], 5_400, "policy was asked about the whole");
        drop(unit);
        let log = world.logged().await;
        let last: Vec<&str> = log.iter().rev().take(4).rev().map(String::as_str).collect();
        assert_eq!(last, ["request.submitted", "request.evaluated", "request.approved", "grant.extended"]);
        assert_eq!(grants_there(&world).await, 1);
    }

    async fn one_that_aws_does_not_have_yet_will_last_longer(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(auto(), PERMIT_ALL).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let grant = world.submit(&alice, to_read(account(DEV))).await.unwrap().grant.unwrap();
        let before = times(&world, grant).await;
        extend(&world, &alice, grant, by(60)).await.unwrap();
        let after = times(&world, grant).await;
        assert_eq!((after.expires_at, after.start_by), (None, before.start_by));
        aws_has(&world, grant).await;
        let times = times(&world, grant).await;
        assert_eq!(times.expires_at, times.succeeded_at.map(|at| at + before.duration + Seconds::of(60)));
    }

    async fn the_whole_is_held_against_every_maximum(db: &TestStore) {
        let world = World::new(db).await;
        let terms = curfew_domain::policy::PolicyTerms { maximum: Seconds::of(5_000), ..auto() };
        world.policy(terms, PERMIT_ALL).await;
        let (alice, grant) = an_hour(&world).await;
        let before = times(&world, grant).await;
        let Err(AppError::Forbidden { details, .. }) = extend(&world, &alice, grant, by(1_800)).await else { panic!() };
        assert_eq!(details["max_duration_seconds"], 5_000);
        let denied = &all_requests(&world).await[0];
        assert_eq!(denied.decided_status, RequestStatus::Denied);
        assert_eq!(denied.extends, Some(grant), "the denial is recorded");
        settings::change(&world.test.app, &world.admin, settings::SettingKey::MaxGrant, 4_000.into()).await.unwrap();
        assert_eq!(fields(extend(&world, &alice, grant, by(1_800)).await), ["duration_seconds"]);
        assert_eq!(fields(extend(&world, &alice, grant, by(0)).await), ["duration_seconds"]);
        assert_eq!(fields(extend(&world, &alice, grant, Extension { by: Seconds::MAX, reason: None }).await), ["duration_seconds"]);
        assert_eq!(times(&world, grant).await, before);
        extend(&world, &alice, grant, by(400)).await.unwrap();
    }

    async fn what_people_must_approve_waits_and_then_moves_the_end(db: &TestStore) {
        let world = World::new(db).await;
        long_ones_by_people(&world).await;
        let (alice, grant) = an_hour(&world).await;
        let ada = world.person("ada", BuiltInRole::Approver, None).await;
        let before = times(&world, grant).await;
        let request = asked(extend(&world, &alice, grant, by(1_800)).await.unwrap());
        assert_eq!((request.decided_status, request.extends), (RequestStatus::Pending, Some(grant)));
        assert_eq!(times(&world, grant).await, before, "nothing changes before somebody approves");
        let Err(AppError::Conflict { details, .. }) = extend(&world, &alice, grant, by(60)).await else { panic!() };
        assert_eq!(details["request_id"], request.id.to_string());
        let app = &world.test.app;
        let approved = requests::approve(app, &ada, request.id, None).await.unwrap();
        assert_eq!((approved.decided_status, approved.grant), (RequestStatus::Approved, Some(grant)));
        assert_eq!(times(&world, grant).await.expires_at, before.expires_at.map(|end| end + HALF_AN_HOUR));
        assert_eq!(grants_there(&world).await, 1);
        assert_eq!(world.logged().await.last().unwrap(), "grant.extended");
        extend(&world, &alice, grant, by(60)).await.unwrap();
    }

    async fn what_is_approved_after_the_end_is_denied_and_makes_no_grant(db: &TestStore) {
        let world = World::new(db).await;
        long_ones_by_people(&world).await;
        let (alice, grant) = an_hour(&world).await;
        let ada = world.person("ada", BuiltInRole::Approver, None).await;
        let app = &world.test.app;
        let request = asked(extend(&world, &alice, grant, by(1_800)).await.unwrap());
        grants::revoke(app, &world.admin, grant, None).await.unwrap();
        let denied = requests::approve(app, &ada, request.id, None).await.unwrap();
        assert_eq!(denied.decided_status, RequestStatus::Denied);
        assert_eq!(denied.decided_by, Some(DoneBy::System));
        assert_eq!(denied.decision_reasoning.unwrap().as_str(), "the grant is revoked, no longer active");
        assert_eq!(denied.grant, None);
        let kept = requests::get(app, &alice, request.id).await.unwrap();
        assert_eq!(kept.decided_status, RequestStatus::Denied);
        assert_eq!(grants_there(&world).await, 1);
        assert_eq!(world.logged().await.last().unwrap(), "request.denied");
        assert_eq!(times(&world, grant).await.status(app.now()), GrantStatus::Revoked);
    }

    async fn what_is_over_can_not_be_extended(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(auto(), PERMIT_ALL).await;
        let (alice, grant) = an_hour(&world).await;
        world.test.clock.advance(Seconds::of(3_600));
        let over = extend(&world, &alice, grant, by(60)).await;
        assert!(matches!(over, Err(AppError::InvalidState { ref state, .. }) if state == "expired"), "{over:?}");
        world.discover().await;
        world.identity_center_knows("alice").await;
        let second = world.submit(&alice, to_read(account(DEV))).await.unwrap().grant.unwrap();
        grants::revoke(&world.test.app, &alice, second, None).await.unwrap();
        let over = extend(&world, &alice, second, by(60)).await;
        assert!(matches!(over, Err(AppError::InvalidState { ref state, .. }) if state == "revoked"), "{over:?}");
        let third = world.submit(&alice, to_read(account(DEV))).await.unwrap().grant.unwrap();
        let unit = world.test.app.store.tenant(world.tenant).write().await.unwrap();
        let now = world.test.app.now();
        let failed = unit.lock_grant(third).await.unwrap().unwrap().times.failed(now);
        unit.save_grant_times(third, &failed, Some("no"), now).await.unwrap();
        unit.commit().await.unwrap();
        let over = extend(&world, &alice, third, by(60)).await;
        assert!(matches!(over, Err(AppError::InvalidState { ref state, .. }) if state == "failed"), "{over:?}");
    }

    async fn an_end_that_was_told_is_not_taken_back_by_a_slower_clock(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(auto(), PERMIT_ALL).await;
        let (alice, grant) = an_hour(&world).await;
        let unit = world.test.app.store.tenant(world.tenant).write().await.unwrap();
        unit.note_grant_ends(&[grant], world.test.app.now()).await.unwrap();
        unit.commit().await.unwrap();
        assert_eq!(code(extend(&world, &alice, grant, by(60)).await), ErrorCode::Conflict);
    }

    async fn only_whoever_has_the_access_asks_for_more_of_it(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(auto(), PERMIT_ALL).await;
        let (alice, grant) = an_hour(&world).await;
        let bob = world.person("bob", BuiltInRole::User, None).await;
        assert_eq!(code(extend(&world, &bob, grant, by(60)).await), ErrorCode::NotFound);
        assert_eq!(code(extend(&world, &world.admin, grant, by(60)).await), ErrorCode::Forbidden);
        let mut key = alice.clone();
        key.scopes = [curfew_domain::Scope::GrantsRead].into_iter().collect();
        assert_eq!(code(extend(&world, &key, grant, by(60)).await), ErrorCode::Forbidden);
        users::suspend(&world.test.app, &world.admin, alice.user).await.unwrap();
        assert_eq!(code(extend(&world, &alice, grant, by(60)).await), ErrorCode::InvalidState, "it was revoked");
    }

    async fn a_unit_is_extended_by_the_accounts_that_the_grant_covers(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(auto(), PERMIT_ALL).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let grant = world.submit(&alice, to_read(unit(LAB))).await.unwrap().grant.unwrap();
        let lab = vec![LAB.parse().unwrap()];
        world.discovered(account(PROD), "Prod", lab, DiscoveredAttributes::default()).await;
        world.policy(auto(), &format!("forbid (principal, action, resource == AwsAccount::\"{PROD}\");")).await;
        extend(&world, &alice, grant, by(60)).await.unwrap();
        assert_eq!(world.due_assignments().await, 2, "no account comes in with more time");
        world.discovered(account(DEV), "Dev", Vec::new(), DiscoveredAttributes::default()).await;
        let before = times(&world, grant).await;
        assert_eq!(code(extend(&world, &alice, grant, by(60)).await), ErrorCode::Conflict, "Dev has left the unit");
        assert_eq!(times(&world, grant).await, before);
    }

    async fn the_same_key_extends_once(db: &TestStore) {
        let world = World::new(db).await;
        long_ones_by_people(&world).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let mut short = to_read(account(DEV));
        short.duration = Some(Seconds::of(600));
        let grant = world.submit(&alice, short).await.unwrap().grant.unwrap();
        let app = &world.test.app;
        let with = async |key, seconds| {
            let body = u32::to_be_bytes(seconds);
            let once = Once::keyed(&app.keyring, &alice, "POST /v1/grants/{id}/extend", key, &body);
            grants::extend(app, &alice, &once, grant, by(seconds)).await
        };
        let Made::Now(Extended::Grant(_)) = with("first", 600).await.unwrap() else { panic!() };
        let Made::Before(Extended::Grant(again)) = with("first", 600).await.unwrap() else { panic!() };
        assert_eq!(again.grant.times.duration, Seconds::of(1_200));
        assert_eq!(code(with("first", 700).await), ErrorCode::Conflict);
        let Made::Now(Extended::Asked(first)) = with("second", 6_000).await.unwrap() else { panic!() };
        let Made::Before(Extended::Asked(again)) = with("second", 6_000).await.unwrap() else { panic!() };
        assert_eq!(first.id, again.id);
        assert_eq!(times(&world, grant).await.duration, Seconds::of(1_200));
    }

    async fn two_extensions_at_once_add_up(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(auto(), PERMIT_ALL).await;
        let (alice, grant) = an_hour(&world).await;
        let (one, other) =
            tokio::join!(extend(&world, &alice, grant, by(60)), extend(&world, &alice, grant, by(60)));
        one.unwrap();
        other.unwrap();
        assert_eq!(times(&world, grant).await.duration, Seconds::of(3_720));
    }

    async fn an_extension_and_a_revocation_at_once_leave_it_revoked(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(auto(), PERMIT_ALL).await;
        for round in 0..6 {
            let alice = world.person(&format!("alice-{round}"), BuiltInRole::User, None).await;
            let grant = world.submit(&alice, to_read(account(DEV))).await.unwrap().grant.unwrap();
            aws_has(&world, grant).await;
            let app = &world.test.app;
            let (extended, revoked) = tokio::join!(
                extend(&world, &alice, grant, by(60)),
                grants::revoke(app, &world.admin, grant, None),
            );
            revoked.unwrap();
            if let Err(refused) = extended {
                assert_eq!(refused.code(), ErrorCode::InvalidState, "{refused:?}");
            }
            assert_eq!(times(&world, grant).await.status(app.now()), GrantStatus::Revoked);
            let due = app.store.due_for(&[world.tenant], app.now(), 100).await.unwrap();
            assert!(!due.is_empty(), "its assignment is due at once");
        }
    }
}
