//! Access in an emergency, and what is owed for it.

use curfew_app::requests::{self, NewRequest};
use curfew_app::{AppError, Caller, Once};
use curfew_domain::audit::AuditAction;
use curfew_domain::emergency::{ReviewOutcome, ReviewStatus};
use curfew_domain::policy::PolicyTerms;
use curfew_domain::request::{ApprovalMode, RequestStatus};
use curfew_domain::{
    AccessRequest, AccountSet, Actor, ApiKeyId, BuiltInRole, ErrorCode, PageRequest, RequestId, Scope,
    Seconds,
};
use curfew_store::testing::sealed_log;
use curfew_store::{RequestFilter, on_both_databases};

use crate::deadlines::another_node;
use crate::world::*;

const DAY: Seconds = Seconds::of(86_400);

/// Two people have to approve, but for emergencies of ten minutes.
fn allowing() -> PolicyTerms {
    PolicyTerms { allow_break_glass: true, break_glass_maximum: Some(Seconds::of(600)), ..by_people(2) }
}

fn emergency() -> NewRequest {
    NewRequest { break_glass: true, ..to_read(account(DEV)) }
}

/// Somebody who may ask for access in an emergency.
async fn on_call(world: &World, name: &str) -> Caller {
    let mut caller = world.person(name, BuiltInRole::Approver, None).await;
    caller.scopes = caller.scopes.union(&[Scope::RequestsBreakGlass].into_iter().collect());
    caller
}

async fn review(world: &World, by: &Caller, id: RequestId) -> Result<AccessRequest, AppError> {
    let why = "INC-7 says so".parse().unwrap();
    requests::review(&world.test.app, by, id, ReviewOutcome::Justified, why).await
}

async fn listed(world: &World, review: ReviewStatus) -> Vec<RequestId> {
    let filter = RequestFilter { review: Some(review), ..RequestFilter::default() };
    let page = requests::list(&world.test.app, &world.admin, None, filter, PageRequest::default());
    page.await.unwrap().items.into_iter().map(|request| request.id).collect()
}

async fn logged(world: &World, action: AuditAction) -> usize {
    world.test.app.store.seal(world.tenant).await.unwrap();
    let all = sealed_log(&world.test.app.store, world.tenant).await;
    all.iter().filter(|entry| entry.body.action == action).count()
}

/// Both the answer and what is kept.
async fn asks(world: &World, caller: &Caller) -> AccessRequest {
    let request = world.submit(caller, emergency()).await.unwrap();
    assert_eq!(requests::get(&world.test.app, caller, request.id).await.unwrap(), request);
    request
}

on_both_databases! {
    async fn an_emergency_is_approved_at_once_for_a_short_time_and_a_review_is_owed(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(allowing(), PERMIT_ALL).await;
        let alice = on_call(&world, "alice").await;
        let request = asks(&world, &alice).await;
        let app = &world.test.app;
        assert_eq!(request.status(app.now()), RequestStatus::Approved);
        assert_eq!((request.mode, request.break_glass), (Some(ApprovalMode::BreakGlass), true));
        let owed = request.review.unwrap();
        assert_eq!((owed.status(), owed.due_at), (ReviewStatus::Owed, request.created_at + DAY));
        let grant = curfew_app::grants::get(app, &alice, request.grant.unwrap()).await.unwrap().grant;
        assert_eq!(grant.times.duration, Seconds::of(600), "what nobody named is cut to what emergencies last");
        assert!(grant.audit_enabled);
        assert_eq!(world.logged().await[1..], [
            "request.submitted", "request.evaluated", "request.approved", "request.break_glass", "grant.created",
        ]);
    }

    async fn the_sessions_of_an_emergency_are_followed_whatever_the_rules_say(db: &TestStore) {
        let world = World::new(db).await;
        let unfollowed = format!("@audit_session(\"false\") {PERMIT_ALL}");
        world.policy(PolicyTerms { allow_break_glass: true, ..auto() }, &unfollowed).await;
        let alice = on_call(&world, "alice").await;
        let app = &world.test.app;
        let usual = world.submit(&alice, to_read(account(DEV))).await.unwrap();
        let urgent = asks(&world, &alice).await;
        for (request, followed) in [(usual, false), (urgent, true)] {
            let grant = curfew_app::grants::get(app, &alice, request.grant.unwrap()).await.unwrap().grant;
            assert_eq!(grant.audit_enabled, followed);
            assert_eq!(request.review.is_some(), followed);
        }
    }

    async fn an_emergency_takes_its_scope_and_a_reason(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(allowing(), PERMIT_ALL).await;
        let bob = world.person("bob", BuiltInRole::User, None).await;
        assert_eq!(code(world.submit(&bob, emergency()).await), ErrorCode::Forbidden);
        let alice = on_call(&world, "alice").await;
        assert_eq!(fields(world.submit(&alice, NewRequest { reason: None, ..emergency() }).await), ["reason"]);
        assert_eq!(world.due_assignments().await, 0);
    }

    async fn an_emergency_that_is_longer_than_emergencies_last_is_denied_and_told_what_would_do(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(allowing(), PERMIT_ALL).await;
        let alice = on_call(&world, "alice").await;
        let longer = NewRequest { duration: Some(Seconds::of(601)), ..emergency() };
        let refused = world.submit(&alice, longer).await;
        let Err(AppError::Forbidden { details, .. }) = refused else { panic!("{refused:?}") };
        assert_eq!(details["max_duration_seconds"], 600);
        let fitting = NewRequest { duration: Some(Seconds::of(600)), ..emergency() };
        world.submit(&alice, fitting).await.unwrap();
    }

    async fn a_forbid_binds_an_emergency_and_one_that_nobody_lets_pass_waits_for_people(db: &TestStore) {
        let world = World::new(db).await;
        let alice = on_call(&world, "alice").await;
        world.policy(by_people(2), PERMIT_ALL).await;
        let waits = world.submit(&alice, emergency()).await.unwrap();
        assert_eq!((waits.mode, waits.approvals_required()), (Some(ApprovalMode::Require), 2));
        assert!(waits.review.is_none());
        world.policy(allowing(), "forbid (principal, action, resource) when { context.hour >= 0 };").await;
        assert_eq!(code(world.submit(&alice, emergency()).await), ErrorCode::Forbidden);
        assert_eq!(world.due_assignments().await, 0);
    }

    async fn an_emergency_is_reviewed_once_by_somebody_independent(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(allowing(), PERMIT_ALL).await;
        let alice = on_call(&world, "alice").await;
        let request = asks(&world, &alice).await;
        let app = &world.test.app;
        let key = ApiKeyId::new(app.now(), app.entropy.as_ref());
        let own_key = Caller { actor: Actor::ApiKey { key, maker: alice.user }, ..alice.clone() };
        let set = AccountSet { by: alice.user, at: app.now() };
        let puppet = world.person("puppet", BuiltInRole::Approver, Some(set)).await;
        let puppets_key = Caller { actor: Actor::ApiKey { key, maker: puppet.user }, ..puppet.clone() };
        let bob = world.person("bob", BuiltInRole::User, None).await;
        for by in [&alice, &own_key, &puppet, &puppets_key, &bob] {
            assert_eq!(code(review(&world, by, request.id).await), ErrorCode::Forbidden);
        }
        assert_eq!(listed(&world, ReviewStatus::Owed).await, [request.id]);
        let ada = world.person("ada", BuiltInRole::Approver, None).await;
        let done = review(&world, &ada, request.id).await.unwrap();
        let word = done.review.as_ref().unwrap().word.as_ref().unwrap();
        assert_eq!((word.outcome, word.by), (ReviewOutcome::Justified, ada.user));
        assert_eq!(requests::get(app, &ada, request.id).await.unwrap(), done);
        let again = review(&world, &world.admin, request.id).await;
        assert!(matches!(again, Err(AppError::InvalidState { state, .. }) if state == "done"));
        assert_eq!((listed(&world, ReviewStatus::Owed).await, listed(&world, ReviewStatus::Done).await), (vec![], vec![request.id]));
        assert_eq!(logged(&world, AuditAction::RequestReviewed).await, 1);
    }

    async fn what_was_no_emergency_owes_no_review(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(auto(), PERMIT_ALL).await;
        let alice = on_call(&world, "alice").await;
        let usual = world.submit(&alice, to_read(account(DEV))).await.unwrap();
        assert_eq!(code(review(&world, &world.admin, usual.id).await), ErrorCode::InvalidState);
        let app = &world.test.app;
        let unknown = RequestId::new(app.now(), app.entropy.as_ref());
        assert_eq!(code(review(&world, &world.admin, unknown).await), ErrorCode::NotFound);
        assert!(listed(&world, ReviewStatus::Done).await.is_empty());
        assert!(app.store.next_due_request().await.unwrap().is_none());
    }

    async fn of_two_who_review_at_once_one_word_stands(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(allowing(), PERMIT_ALL).await;
        let alice = on_call(&world, "alice").await;
        let request = asks(&world, &alice).await;
        let ada = world.person("ada", BuiltInRole::Approver, None).await;
        let (one, other) = tokio::join!(
            review(&world, &ada, request.id),
            review(&world, &world.admin, request.id),
        );
        let refused = match (one, other) {
            (Ok(_), Err(refused)) | (Err(refused), Ok(_)) => refused,
            both => panic!("{both:?}"),
        };
        assert_eq!(refused.code(), ErrorCode::InvalidState);
        assert_eq!(logged(&world, AuditAction::RequestReviewed).await, 1);
    }

    async fn a_review_that_is_owed_is_told_of_daily_until_it_is_done(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(allowing(), PERMIT_ALL).await;
        let alice = on_call(&world, "alice").await;
        let request = asks(&world, &alice).await;
        let app = &world.test.app;
        let other = another_node(&world, 2);
        let told = async || {
            let (here, there) = tokio::join!(requests::keep_deadlines(app), requests::keep_deadlines(&other));
            assert!(here.is_ok() && there.is_ok());
            logged(&world, AuditAction::RequestReviewOwed).await
        };
        world.test.clock.advance(Seconds::of(86_400 - 60));
        assert_eq!(told().await, 0);
        world.test.clock.advance(Seconds::of(60));
        assert_eq!((told().await, told().await), (1, 1), "once a day");
        world.test.clock.advance(Seconds::of(86_400));
        assert_eq!(told().await, 2);
        world.test.clock.advance(Seconds::of(5 * 86_400));
        assert_eq!((told().await, told().await), (3, 3), "what was missed is not made up for");
        review(&world, &world.admin, request.id).await.unwrap();
        world.test.clock.advance(Seconds::of(86_400));
        assert_eq!(told().await, 3);
        assert!(app.store.next_due_request().await.unwrap().is_none(), "nothing is left to look at");
    }

    async fn an_emergency_that_is_asked_twice_under_one_key_is_one(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(allowing(), PERMIT_ALL).await;
        let alice = on_call(&world, "alice").await;
        let app = &world.test.app;
        let once = Once::keyed(&app.keyring, &alice, "POST /v1/requests", "k", b"{}");
        let first = requests::submit(app, &alice, &once, emergency()).await.unwrap().into_inner();
        let again = requests::submit(app, &alice, &once, emergency()).await.unwrap().into_inner();
        assert_eq!(first, again);
        assert_eq!(logged(&world, AuditAction::RequestBreakGlass).await, 1);
    }
}
