//! What time alone does to requests, also where people are at it at the same moment.

use std::sync::Arc;

use curfew_app::requests::{self, Deadlines, keep_deadlines};
use curfew_app::testing::{TestApp, TestParts};
use curfew_app::{App, AppError, Caller, users};
use curfew_domain::request::RequestStatus;
use curfew_domain::{AccessRequest, BuiltInRole, DoneBy, ErrorCode, RequestId, Seconds};
use curfew_store::on_both_databases;
use curfew_store::testing::TestStore;
use tokio_util::sync::CancellationToken;

use crate::world::*;

/// A world in which requests wait a minute for one person.
async fn hasty(db: &TestStore) -> (World, Caller, AccessRequest) {
    let world = World::new(db).await;
    let mut terms = by_people(1);
    terms.approval_timeout = Some(Seconds::of(60));
    world.policy(terms, PERMIT_ALL).await;
    let alice = world.person("alice", BuiltInRole::User, None).await;
    let request = world.submit(&alice, to_read(account(DEV))).await.unwrap();
    (world, alice, request)
}

/// Another node on the same database, by the same clock.
pub(crate) fn another_node(world: &World, seed: u64) -> Arc<App> {
    let parts = TestParts { clock: Arc::clone(&world.test.clock), seed, ..TestParts::default() };
    Arc::clone(&TestApp::with(&world.test.app.store, parts).app)
}

async fn told(world: &World, action: &str) -> usize {
    world.logged().await.iter().filter(|logged| *logged == action).count()
}

async fn kept(world: &World, id: RequestId) -> AccessRequest {
    requests::get(&world.test.app, &world.admin, id).await.unwrap()
}

on_both_databases! {
    async fn what_nobody_decides_in_time_is_written_down_as_expired_once(db: &TestStore) {
        let (world, _, request) = hasty(db).await;
        let app = &world.test.app;
        assert_eq!(app.store.next_due_request().await.unwrap(), request.expires_at);
        assert_eq!(keep_deadlines(app).await.unwrap(), 0, "its time has not come");
        world.test.clock.advance(Seconds::of(60));
        assert_eq!(kept(&world, request.id).await.decided_status, RequestStatus::Pending, "time alone turned it");
        let others = [another_node(&world, 2), another_node(&world, 3)];
        let (one, two, three) =
            tokio::join!(keep_deadlines(app), keep_deadlines(&others[0]), keep_deadlines(&others[1]));
        assert!(one.is_ok() && two.is_ok() && three.is_ok());
        let expired = kept(&world, request.id).await;
        assert_eq!((expired.decided_status, expired.decided_by), (RequestStatus::Expired, Some(DoneBy::System)));
        assert_eq!(expired.decided_at, request.expires_at);
        assert_eq!(told(&world, "request.expired").await, 1);
        assert!(app.store.next_due_request().await.unwrap().is_none());
    }

    async fn what_was_decided_in_time_does_not_expire(db: &TestStore) {
        let (world, alice, request) = hasty(db).await;
        let app = &world.test.app;
        let other = world.submit(&alice, to_read(account(STAGING))).await.unwrap();
        requests::approve(app, &world.admin, request.id, None).await.unwrap();
        requests::cancel(app, &alice, other.id).await.unwrap();
        world.test.clock.advance(Seconds::of(60));
        assert_eq!(keep_deadlines(app).await.unwrap(), 2, "they are looked at once more");
        assert_eq!(keep_deadlines(app).await.unwrap(), 0);
        assert_eq!(told(&world, "request.expired").await, 0);
        assert_eq!(kept(&world, request.id).await.decided_status, RequestStatus::Approved);
        assert_eq!(kept(&world, other.id).await.decided_status, RequestStatus::Cancelled);
    }

    async fn what_was_written_before_its_time_is_looked_at_again_at_its_time(db: &TestStore) {
        let (world, _, request) = hasty(db).await;
        let app = &world.test.app;
        // As a node whose clock was ahead would have left it.
        let unit = app.store.tenant(world.tenant).write().await.unwrap();
        unit.set_request_due(request.id, Some(app.now())).await.unwrap();
        unit.commit().await.unwrap();
        assert_eq!(keep_deadlines(app).await.unwrap(), 1);
        assert_eq!(app.store.next_due_request().await.unwrap(), request.expires_at);
        assert_eq!(kept(&world, request.id).await.decided_status, RequestStatus::Pending);
    }

    async fn a_request_that_can_not_be_read_keeps_no_other_from_its_turn(db: &TestStore) {
        let (world, alice, broken) = hasty(db).await;
        let sound = world.submit(&alice, to_read(account(STAGING))).await.unwrap();
        db.tamper("UPDATE access_request SET action = 'nonsense' WHERE resource_id = '111111111111'").await;
        world.test.clock.advance(Seconds::of(60));
        let app = &world.test.app;
        assert_eq!(keep_deadlines(app).await.unwrap(), 2);
        assert_eq!(kept(&world, sound.id).await.decided_status, RequestStatus::Expired);
        assert_eq!(keep_deadlines(app).await.unwrap(), 0, "it is put off");
        db.tamper("UPDATE access_request SET action = 'read' WHERE resource_id = '111111111111'").await;
        world.test.clock.advance(Seconds::of(60));
        assert_eq!(keep_deadlines(app).await.unwrap(), 1);
        assert_eq!(kept(&world, broken.id).await.decided_status, RequestStatus::Expired);
    }

    async fn a_deadline_without_its_request_is_dropped(db: &TestStore) {
        let (world, _, _) = hasty(db).await;
        let app = &world.test.app;
        let unit = app.store.tenant(world.tenant).write().await.unwrap();
        let nowhere = RequestId::new(app.now(), app.entropy.as_ref());
        unit.set_request_due(nowhere, Some(app.now())).await.unwrap();
        unit.commit().await.unwrap();
        assert_eq!(keep_deadlines(app).await.unwrap(), 1);
        assert_eq!(keep_deadlines(app).await.unwrap(), 0);
    }

    async fn the_loop_takes_up_what_expired_while_nothing_ran_and_ends_at_shutdown(db: &TestStore) {
        let (world, _, request) = hasty(db).await;
        world.test.clock.advance(Seconds::of(3_600));
        let shutdown = CancellationToken::new();
        let running = tokio::spawn(Deadlines::new(Arc::clone(&world.test.app)).run(shutdown.clone()));
        while kept(&world, request.id).await.decided_status == RequestStatus::Pending {
            tokio::task::yield_now().await;
        }
        shutdown.cancel();
        running.await.unwrap();
        assert_eq!(told(&world, "request.expired").await, 1);
    }

    async fn a_persons_suspension_leaves_nothing_to_expire(db: &TestStore) {
        let (world, alice, request) = hasty(db).await;
        let app = &world.test.app;
        users::suspend(app, &world.admin, alice.user).await.unwrap();
        world.test.clock.advance(Seconds::of(60));
        keep_deadlines(app).await.unwrap();
        assert_eq!(kept(&world, request.id).await.decided_status, RequestStatus::Cancelled);
        assert_eq!(told(&world, "request.expired").await, 0);
    }
}

/// All that may happen to a request, at once, here and on another node: what each was answered.
async fn at_once(
    world: &World,
    other: &App,
    alice: &Caller,
    approvers: &[Caller],
    id: RequestId,
) -> Vec<Result<AccessRequest, AppError>> {
    let app = &world.test.app;
    let approving = approvers.iter().map(|by| requests::approve(app, by, id, None));
    let approving_there = approvers.iter().map(|by| requests::approve(other, by, id, None));
    let (here, there, cancelled, denied, kept, kept_there) = tokio::join!(
        futures::future::join_all(approving),
        futures::future::join_all(approving_there),
        requests::cancel(app, alice, id),
        requests::deny(other, &approvers[0], id, None),
        keep_deadlines(app),
        keep_deadlines(other),
    );
    kept.unwrap();
    kept_there.unwrap();
    here.into_iter().chain(there).chain([cancelled, denied]).collect()
}

async fn approvers(world: &World) -> Vec<Caller> {
    let mut approvers = vec![world.admin.clone()];
    for name in ["ada", "ben", "cleo"] {
        approvers.push(world.person(name, BuiltInRole::Approver, None).await);
    }
    approvers
}

/// One outcome stands, and all others are told that it does.
async fn check_one_outcome(db: &TestStore, late: bool) {
    let (world, alice, first) = hasty(db).await;
    let approvers = approvers(&world).await;
    requests::cancel(&world.test.app, &alice, first.id).await.unwrap();
    let other = another_node(&world, 2);
    let (mut granted, mut outcomes) = (0, Vec::new());
    for _ in 0..4 {
        let request = world.submit(&alice, to_read(account(STAGING))).await.unwrap();
        if late {
            world.test.clock.advance(Seconds::of(60));
        }
        let answers = Box::pin(at_once(&world, &other, &alice, &approvers, request.id)).await;
        let well = answers.iter().filter(|answer| answer.is_ok()).count();
        assert_eq!(well, usize::from(!late), "{answers:?}");
        for refused in answers.into_iter().filter_map(Result::err) {
            assert_eq!(refused.code(), ErrorCode::InvalidState, "{refused:?}");
        }
        let kept = kept(&world, request.id).await;
        assert_ne!(kept.decided_status, RequestStatus::Pending);
        assert_eq!(kept.grant.is_some(), kept.decided_status == RequestStatus::Approved);
        granted += usize::from(kept.grant.is_some());
        outcomes.push(kept.decided_status);
    }
    let logged = world.logged().await;
    let told = |action: &str| logged.iter().filter(|logged| *logged == action).count();
    assert_eq!((told("request.approved"), told("grant.created")), (granted, granted));
    let expired = outcomes.iter().filter(|status| **status == RequestStatus::Expired).count();
    assert_eq!(told("request.expired"), expired);
    assert_eq!(expired == outcomes.len(), late);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_decide_and_cancel_at_once_on_two_nodes_one_stands_on_sqlite() {
    Box::pin(check_one_outcome(&TestStore::sqlite().await, false)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_decide_and_cancel_at_once_on_two_nodes_one_stands_on_postgres() {
    let Some(db) = TestStore::postgres().await else { return };
    Box::pin(check_one_outcome(&db, false)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_decides_at_the_deadline_comes_too_late_on_sqlite() {
    Box::pin(check_one_outcome(&TestStore::sqlite().await, true)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_decides_at_the_deadline_comes_too_late_on_postgres() {
    let Some(db) = TestStore::postgres().await else { return };
    Box::pin(check_one_outcome(&db, true)).await;
}

/// The deadline passes while they decide: whichever comes first, one outcome stands.
async fn check_the_deadline_itself(db: &TestStore) {
    let (world, alice, first) = hasty(db).await;
    let ada = world.person("ada", BuiltInRole::Approver, None).await;
    requests::cancel(&world.test.app, &alice, first.id).await.unwrap();
    let app = Arc::clone(&world.test.app);
    for _ in 0..6 {
        let request = world.submit(&alice, to_read(account(STAGING))).await.unwrap();
        // Two readings before it, more or less.
        world.test.clock.advance(Seconds::of(59));
        let (approving, by) = (Arc::clone(&app), ada.clone());
        let approved =
            tokio::spawn(async move { requests::approve(&approving, &by, request.id, None).await });
        let (keeping, clock) = (Arc::clone(&app), Arc::clone(&world.test.clock));
        let kept = tokio::spawn(async move {
            clock.advance(Seconds::of(1));
            keep_deadlines(&keeping).await
        });
        let (approved, looked) = (approved.await.unwrap(), kept.await.unwrap());
        looked.unwrap();
        let stands = self::kept(&world, request.id).await;
        match approved {
            Ok(approved) => assert_eq!(stands.decided_status, approved.decided_status),
            Err(refused) => {
                assert_eq!(refused.code(), ErrorCode::InvalidState);
                assert_eq!(stands.status(app.now()), RequestStatus::Expired);
                assert!(stands.grant.is_none());
            }
        }
    }
    let logged = world.logged().await;
    let told = |action: &str| logged.iter().filter(|logged| *logged == action).count();
    assert_eq!(told("request.approved"), told("grant.created"));
}

#[tokio::test(flavor = "multi_thread")]
async fn approving_against_the_deadline_has_one_outcome_on_sqlite() {
    check_the_deadline_itself(&TestStore::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn approving_against_the_deadline_has_one_outcome_on_postgres() {
    let Some(db) = TestStore::postgres().await else { return };
    check_the_deadline_itself(&db).await;
}
