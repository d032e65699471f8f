//! Lockdowns: what they end, what they keep from being given, and who may start and lift them.

use curfew_app::grants::{self, GrantFilter};
use curfew_app::lockdowns::{self, NewLockdown};
use curfew_app::{App, AppError, Caller, Once, requests, settings, users};
use curfew_domain::grant::GrantStatus;
use curfew_domain::request::RequestStatus;
use curfew_domain::{
    AccountSet, BuiltInRole, DoneBy, ErrorCode, GrantId, Lockdown, LockdownOf, PageRequest, ScopeSet,
    Seconds, UserId,
};
use curfew_store::on_both_databases;
use curfew_store::testing::TestStore;
use uuid::Uuid;

use crate::world::*;

async fn start(world: &World, of: LockdownOf) -> Result<Lockdown, AppError> {
    let ask = NewLockdown { of, reason: "INC-9: a laptop of Dana's was stolen".parse().unwrap() };
    let made = lockdowns::start(&world.test.app, &world.admin, ask, &Once::unkeyed()).await?;
    Ok(made.into_inner())
}

fn of_account(id: &str) -> LockdownOf {
    LockdownOf::Account(id.parse().unwrap())
}

async fn granted(world: &World, caller: &Caller, resource: curfew_domain::ResourceRef) -> GrantId {
    world.submit(caller, to_read(resource)).await.unwrap().grant.unwrap()
}

async fn status(world: &World, grant: GrantId) -> GrantStatus {
    let view = grants::get(&world.test.app, &world.admin, grant).await.unwrap();
    view.grant.times.status(world.test.app.now())
}

/// How often sessions were asked to end.
async fn ends_asked(world: &World) -> usize {
    world.logged().await.iter().filter(|action| *action == "aws_sessions.end_asked").count()
}

/// Everybody's grants that are live.
async fn live(app: &App, admin: &Caller, account: &str) -> usize {
    let filter = GrantFilter {
        status: Some(GrantStatus::Active),
        account: Some(account.parse().unwrap()),
        ..GrantFilter::default()
    };
    grants::list(app, admin, filter, PageRequest::default()).await.unwrap().items.len()
}

/// The lockdown that a refusal names.
fn locked_by<T: std::fmt::Debug>(result: Result<T, AppError>) -> String {
    match result {
        Err(AppError::LockedDown { message, details }) => {
            assert!(!message.contains("INC-9"), "why is not everybody's business: {message}");
            details["lockdown_id"].as_str().unwrap().to_owned()
        }
        other => panic!("not locked down: {other:?}"),
    }
}

on_both_databases! {
    async fn a_lockdown_ends_the_live_grants_that_it_covers_and_no_others(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(auto(), PERMIT_ALL).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let bob = world.person("bob", BuiltInRole::User, None).await;
        let at_dev = granted(&world, &alice, account(DEV)).await;
        let of_lab = granted(&world, &bob, unit(LAB)).await;
        let at_prod = granted(&world, &bob, account(PROD)).await;
        let ended_before = granted(&world, &alice, account(PROD)).await;
        grants::revoke(&world.test.app, &alice, ended_before, None).await.unwrap();

        let lockdown = start(&world, of_account(DEV)).await.unwrap();
        assert_eq!(lockdown.grants_revoked, 2);
        assert_eq!(status(&world, at_dev).await, GrantStatus::Revoked);
        assert_eq!(status(&world, of_lab).await, GrantStatus::Revoked, "a grant over a unit ends whole");
        assert_eq!(status(&world, at_prod).await, GrantStatus::Active);
        let own = grants::get(&world.test.app, &alice, ended_before).await.unwrap().grant;
        assert_eq!(own.revoke_reason, None);

        let of_person = start(&world, LockdownOf::User(bob.user)).await.unwrap();
        assert_eq!(of_person.grants_revoked, 1);
        assert_eq!(status(&world, at_prod).await, GrantStatus::Revoked);
    }

    async fn what_a_lockdown_ends_is_due_at_once_and_told_in_the_log(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(auto(), PERMIT_ALL).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let grant = granted(&world, &alice, unit(LAB)).await;
        let app = &world.test.app;
        assert_eq!(app.store.owed_since(&[world.tenant], app.now()).await.unwrap(), 0);
        let lockdown = start(&world, LockdownOf::Tenant).await.unwrap();
        assert_eq!(app.store.owed_since(&[world.tenant], app.now()).await.unwrap(), 2);
        let ended = grants::get(app, &alice, grant).await.unwrap().grant;
        assert_eq!(ended.revoked_by, Some(DoneBy::Person(world.admin.user)));
        let why = ended.revoke_reason.unwrap();
        assert_eq!(why.as_str(), format!("lockdown {}", lockdown.id), "why is not the grantee's to read");
        let log = world.logged().await;
        assert_eq!(log[log.len() - 2..], ["lockdown.started", "grant.revoked"]);
        lockdowns::lift(app, &world.admin, lockdown.id).await.unwrap();
        assert_eq!(world.logged().await.last().unwrap(), "lockdown.ended");
        assert_eq!(status(&world, grant).await, GrantStatus::Revoked, "what ended stays ended");
    }

    async fn what_ended_by_time_and_is_there_still_has_its_sessions_ended(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(auto(), PERMIT_ALL).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let app = &world.test.app;
        let key = "end_sessions".parse().unwrap();
        settings::change(app, &world.admin, key, true.into()).await.unwrap();
        let grant = granted(&world, &alice, account(DEV)).await;
        db.tamper("UPDATE assignment SET phase = 'present'").await;
        world.test.clock.advance(Seconds::of(86_400));
        assert_eq!(status(&world, grant).await, GrantStatus::Expired);
        for (nth, of) in [LockdownOf::User(alice.user), of_account(DEV), LockdownOf::Tenant].into_iter().enumerate() {
            assert_eq!(start(&world, of).await.unwrap().grants_revoked, 0);
            assert_eq!(ends_asked(&world).await, nth + 1);
        }
        users::suspend(app, &world.admin, alice.user).await.unwrap();
        assert_eq!(ends_asked(&world).await, 4);
    }

    async fn nothing_that_a_lockdown_covers_is_given_until_it_is_lifted(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(auto(), PERMIT_ALL).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let bob = world.person("bob", BuiltInRole::User, None).await;
        let app = &world.test.app;
        // So that what decides is remembered.
        granted(&world, &alice, account(DEV)).await;
        let of_account = start(&world, of_account(DEV)).await.unwrap();
        for resource in [account(DEV), unit(LAB)] {
            assert_eq!(locked_by(world.submit(&alice, to_read(resource)).await), of_account.id.to_string());
        }
        granted(&world, &alice, account(PROD)).await;
        let of_person = start(&world, LockdownOf::User(alice.user)).await.unwrap();
        assert_eq!(locked_by(world.submit(&alice, to_read(account(PROD))).await), of_person.id.to_string());
        granted(&world, &bob, account(PROD)).await;
        let of_all = start(&world, LockdownOf::Tenant).await.unwrap();
        assert_eq!(locked_by(world.submit(&bob, to_read(account(PROD))).await), of_all.id.to_string());
        for lockdown in [of_account, of_person, of_all] {
            lockdowns::lift(app, &world.admin, lockdown.id).await.unwrap();
        }
        granted(&world, &alice, account(DEV)).await;
    }

    async fn a_request_that_waits_is_not_approved_during_a_lockdown_and_waits_on(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(by_people(2), PERMIT_ALL).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let ada = world.person("ada", BuiltInRole::Approver, None).await;
        let app = &world.test.app;
        let asked = world.submit(&alice, to_read(unit(LAB))).await.unwrap();
        let lockdown = start(&world, of_account(STAGING)).await.unwrap();
        let refused = requests::approve(app, &ada, asked.id, None).await;
        assert_eq!(locked_by(refused), lockdown.id.to_string());
        let waiting = requests::get(app, &alice, asked.id).await.unwrap();
        assert_eq!((waiting.status(app.now()), waiting.approvals.len()), (RequestStatus::Pending, 0));
        lockdowns::lift(app, &world.admin, lockdown.id).await.unwrap();
        requests::approve(app, &ada, asked.id, None).await.unwrap();
        let lockdown = start(&world, of_account(STAGING)).await.unwrap();
        let refused = requests::approve(app, &world.admin, asked.id, None).await;
        assert_eq!(locked_by(refused), lockdown.id.to_string(), "the last approval too");
        lockdowns::lift(app, &world.admin, lockdown.id).await.unwrap();
        let approved = requests::approve(app, &world.admin, asked.id, None).await.unwrap();
        assert_eq!(status(&world, approved.grant.unwrap()).await, GrantStatus::Active);
    }

    async fn one_thing_is_locked_down_once_at_a_time(db: &TestStore) {
        let world = World::new(db).await;
        let app = &world.test.app;
        for of in [of_account(DEV), LockdownOf::User(world.admin.user), LockdownOf::Tenant] {
            let first = start(&world, of.clone()).await.unwrap();
            match start(&world, of.clone()).await {
                Err(AppError::Conflict { details, .. }) => {
                    assert_eq!(details["lockdown_id"], first.id.to_string());
                }
                other => panic!("not a conflict: {other:?}"),
            }
            if of == LockdownOf::User(world.admin.user) {
                assert_eq!(code(lockdowns::lift(app, &world.admin, first.id).await), ErrorCode::Forbidden);
                continue;
            }
            lockdowns::lift(app, &world.admin, first.id).await.unwrap();
            assert_eq!(code(lockdowns::lift(app, &world.admin, first.id).await), ErrorCode::InvalidState);
            start(&world, of).await.unwrap();
        }
        let page = lockdowns::list(app, &world.admin, Some(true), &PageRequest::default()).await.unwrap();
        assert_eq!(page.items.len(), 3);
        let page = lockdowns::list(app, &world.admin, Some(false), &PageRequest::default()).await.unwrap();
        assert_eq!(page.items.len(), 2);
        let nobody = LockdownOf::User(UserId::from_uuid(Uuid::from_u128(9)));
        assert_eq!(fields(start(&world, nobody).await), ["id"]);
    }

    async fn nobody_lifts_their_own_also_by_an_account_that_they_made(db: &TestStore) {
        let world = World::new(db).await;
        let app = &world.test.app;
        let ada = world.person("ada", BuiltInRole::Admin, None).await;
        world.the_admin_can_sign_in().await;
        let made = AccountSet { by: ada.user, at: app.now() };
        let puppet = world.person("puppet", BuiltInRole::Admin, Some(made)).await;
        let lockdown = start(&world, LockdownOf::User(ada.user)).await.unwrap();
        for caller in [&ada, &puppet] {
            assert_eq!(code(lockdowns::lift(app, caller, lockdown.id).await), ErrorCode::Forbidden);
        }
        // Nor are they rid of it under another id.
        assert_eq!(code(users::delete(app, &puppet, ada.user).await), ErrorCode::Conflict);
        lockdowns::lift(app, &world.admin, lockdown.id).await.unwrap();
        users::delete(app, &puppet, ada.user).await.unwrap();
    }

    async fn lockdowns_take_their_scopes_and_stay_in_their_tenant(db: &TestStore) {
        let world = World::new(db).await;
        let theirs = World::beside(world.test.clone(), 2).await;
        theirs.policy(auto(), PERMIT_ALL).await;
        let app = &world.test.app;
        let lockdown = start(&world, LockdownOf::Tenant).await.unwrap();
        let tess = theirs.person("tess", BuiltInRole::User, None).await;
        granted(&theirs, &tess, account(DEV)).await;
        assert_eq!(code(lockdowns::get(app, &theirs.admin, lockdown.id).await), ErrorCode::NotFound);
        assert_eq!(code(lockdowns::lift(app, &theirs.admin, lockdown.id).await), ErrorCode::NotFound);
        assert_eq!(fields(start(&world, LockdownOf::User(tess.user)).await), ["id"]);
        for role in [BuiltInRole::User, BuiltInRole::Approver] {
            let weak = world.person(role.as_str(), role, None).await;
            let ask = || NewLockdown { of: of_account(DEV), reason: "because".parse().unwrap() };
            let refusals = [
                code(lockdowns::list(app, &weak, None, &PageRequest::default()).await),
                code(lockdowns::get(app, &weak, lockdown.id).await),
                code(lockdowns::start(app, &weak, ask(), &Once::unkeyed()).await),
                code(lockdowns::lift(app, &weak, lockdown.id).await),
            ];
            assert_eq!(refusals, [ErrorCode::Forbidden; 4], "{role:?}");
        }
        let keyed = Caller { scopes: ScopeSet::default(), ..world.admin.clone() };
        assert_eq!(code(lockdowns::lift(app, &keyed, lockdown.id).await), ErrorCode::Forbidden);
    }
}

/// However many ask while it starts: after it has started nobody has what it covers.
async fn nothing_slips_by(db: &TestStore) {
    let world = World::new(db).await;
    world.policy(auto(), PERMIT_ALL).await;
    let mut people = Vec::new();
    for n in 0..8 {
        people.push(world.person(&format!("person-{n}"), BuiltInRole::User, None).await);
    }
    for round in 0..6 {
        let mut asking = tokio::task::JoinSet::new();
        for (n, person) in people.iter().enumerate() {
            let (world, person) = (world.clone(), person.clone());
            asking.spawn(async move {
                let mut refusals = Vec::new();
                for turn in 0..6 {
                    let resource = if (n + turn) % 3 == 0 { unit(LAB) } else { account(DEV) };
                    refusals.extend(world.submit(&person, to_read(resource)).await.err());
                }
                refusals
            });
        }
        tokio::task::yield_now().await;
        let of = if round % 2 == 0 { of_account(DEV) } else { LockdownOf::Tenant };
        let lockdown = start(&world, of).await.unwrap();
        for refused in asking.join_all().await.into_iter().flatten() {
            let expected = [ErrorCode::LockedDown, ErrorCode::Unavailable, ErrorCode::Conflict];
            assert!(expected.contains(&refused.code()), "{refused:?}");
        }
        assert_eq!(live(&world.test.app, &world.admin, DEV).await, 0, "round {round}");
        lockdowns::lift(&world.test.app, &world.admin, lockdown.id).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_submission_slips_by_a_lockdown_that_starts_on_postgres() {
    let Some(db) = TestStore::postgres().await else { return };
    nothing_slips_by(&db).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_submission_slips_by_a_lockdown_that_starts_on_sqlite() {
    nothing_slips_by(&TestStore::sqlite().await).await;
}
