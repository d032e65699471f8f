use curfew_app::policies::PolicyChange;
use curfew_app::requests::ListedFor;
use curfew_app::{AppError, Caller, policies, requests};
use curfew_domain::request::RequestStatus;
use curfew_domain::{
    AccessRequest, AccountSet, Actor, ApiKeyId, BuiltInRole, Change, DoneBy, ErrorCode, PageRequest,
    RequestId, Seconds,
};
use curfew_store::{RequestFilter, on_both_databases};

use crate::world::*;

/// Alice waits for people to approve her.
async fn pending(world: &World) -> (Caller, AccessRequest) {
    let alice = world.person("alice", BuiltInRole::Approver, None).await;
    let request = world.submit(&alice, to_read(account(DEV))).await.unwrap();
    assert_eq!(request.status(world.test.app.now()), RequestStatus::Pending);
    (alice, request)
}

async fn approve(world: &World, by: &Caller, id: RequestId) -> Result<AccessRequest, AppError> {
    requests::approve(&world.test.app, by, id, Some("fine".parse().unwrap())).await
}

on_both_databases! {
    async fn one_approval_makes_a_grant(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(by_people(1), PERMIT_ALL).await;
        let (alice, request) = pending(&world).await;
        assert_eq!(world.due_assignments().await, 0);
        let ada = world.person("ada", BuiltInRole::Approver, None).await;
        let approved = approve(&world, &ada, request.id).await.unwrap();
        assert_eq!(approved.status(world.test.app.now()), RequestStatus::Approved);
        assert_eq!(approved.decided_by, Some(DoneBy::Person(ada.user)));
        assert_eq!(approved.approvals.len(), 1);
        let grant = curfew_app::grants::get(&world.test.app, &alice, approved.grant.unwrap()).await.unwrap();
        assert_eq!(grant.grant.grantee, alice.user);
        assert_eq!(world.due_assignments().await, 1);
        assert_eq!(requests::get(&world.test.app, &alice, request.id).await.unwrap(), approved);
    }

    async fn nobody_decides_their_own_request_by_any_route(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(by_people(1), PERMIT_ALL).await;
        let (alice, request) = pending(&world).await;
        let app = &world.test.app;
        let key = ApiKeyId::new(app.now(), app.entropy.as_ref());
        let own_key = Caller { actor: Actor::ApiKey { key, maker: alice.user }, ..alice.clone() };
        let set = AccountSet { by: alice.user, at: app.now() };
        let puppet = world.person("puppet", BuiltInRole::Approver, Some(set)).await;
        let puppets_key = Caller { actor: Actor::ApiKey { key, maker: puppet.user }, ..puppet.clone() };
        let listed_for = async |caller| {
            let to_review = Some(ListedFor::ToReview);
            let page = requests::list(app, caller, to_review, RequestFilter::default(), PageRequest::default());
            page.await.unwrap().items.len()
        };
        for by in [&alice, &own_key, &puppet, &puppets_key] {
            assert_eq!(listed_for(by).await, 0, "nor does it wait for them");
            assert_eq!(code(approve(&world, by, request.id).await), ErrorCode::Forbidden);
            assert_eq!(code(requests::deny(app, by, request.id, None).await), ErrorCode::Forbidden);
        }
        world.test.clock.advance(Seconds::of(31 * 86_400));
        world.discover().await;
        assert_eq!(listed_for(&puppet).await, 1);
        assert!(approve(&world, &puppet, request.id).await.is_ok(), "after thirty days it is an account of its own");
    }

    async fn two_different_people_are_two(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(by_people(2), PERMIT_ALL).await;
        let (_, request) = pending(&world).await;
        let ada = world.person("ada", BuiltInRole::Approver, None).await;
        let first = approve(&world, &ada, request.id).await.unwrap();
        assert_eq!(first.status(world.test.app.now()), RequestStatus::Pending);
        assert!(first.grant.is_none());
        assert_eq!(code(approve(&world, &ada, request.id).await), ErrorCode::Conflict);
        let second = approve(&world, &world.admin, request.id).await.unwrap();
        assert_eq!(second.status(world.test.app.now()), RequestStatus::Approved);
        assert_eq!(second.approvals.len(), 2);
        assert_eq!(
            world.logged().await[4..],
            [
                "request.approval_given",
                "request.approval_given",
                "request.evaluated",
                "request.approved",
                "grant.created"
            ]
        );
    }

    async fn one_denial_denies(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(by_people(2), PERMIT_ALL).await;
        let (_, request) = pending(&world).await;
        let ada = world.person("ada", BuiltInRole::Approver, None).await;
        approve(&world, &ada, request.id).await.unwrap();
        let app = &world.test.app;
        let denied = requests::deny(app, &world.admin, request.id, Some("no".parse().unwrap())).await.unwrap();
        assert_eq!(denied.status(app.now()), RequestStatus::Denied);
        assert_eq!(denied.decision_reasoning.unwrap().as_str(), "no");
        let bob = world.person("bob", BuiltInRole::Approver, None).await;
        assert!(matches!(
            approve(&world, &bob, request.id).await,
            Err(AppError::InvalidState { state, .. }) if state == "denied"
        ));
        assert_eq!(world.due_assignments().await, 0);
    }

    async fn whoever_has_no_right_to_can_not_decide(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(by_people(1), PERMIT_ALL).await;
        let (_, request) = pending(&world).await;
        let uma = world.person("uma", BuiltInRole::User, None).await;
        assert_eq!(code(approve(&world, &uma, request.id).await), ErrorCode::Forbidden);
        assert_eq!(code(requests::deny(&world.test.app, &uma, request.id, None).await), ErrorCode::Forbidden);
        let app = &world.test.app;
        let unknown = RequestId::new(app.now(), app.entropy.as_ref());
        assert_eq!(code(approve(&world, &world.admin, unknown).await), ErrorCode::NotFound);
    }

    async fn a_request_that_has_expired_can_not_be_approved(db: &TestStore) {
        let world = World::new(db).await;
        let mut terms = by_people(1);
        terms.approval_timeout = Some(Seconds::of(60));
        world.policy(terms, PERMIT_ALL).await;
        let (_, request) = pending(&world).await;
        world.test.clock.advance(Seconds::of(60));
        for refused in [
            approve(&world, &world.admin, request.id).await,
            requests::deny(&world.test.app, &world.admin, request.id, None).await,
        ] {
            assert!(matches!(refused, Err(AppError::InvalidState { state, .. }) if state == "expired"));
        }
    }

    async fn policy_is_asked_again_at_the_last_approval_and_a_forbid_wins(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(by_people(1), PERMIT_ALL).await;
        let (_, request) = pending(&world).await;
        world.policy(auto(), "@notice(\"not today\") forbid (principal, action, resource);").await;
        let denied = approve(&world, &world.admin, request.id).await.unwrap();
        assert_eq!(denied.status(world.test.app.now()), RequestStatus::Denied);
        assert_eq!((denied.decided_by, denied.notices), (Some(DoneBy::System), vec!["not today".to_owned()]));
        assert!(denied.grant.is_none());
        assert_eq!(world.due_assignments().await, 0);
    }

    async fn policies_that_have_become_stricter_wait_for_more_people(db: &TestStore) {
        let world = World::new(db).await;
        let policy = world.policy(by_people(1), PERMIT_ALL).await;
        let (_, request) = pending(&world).await;
        let mut change = PolicyChange::default();
        change.terms.approvals_required = Change::To(2);
        policies::change(&world.test.app, &world.admin, policy.policy.id, change).await.unwrap();
        let still = approve(&world, &world.admin, request.id).await.unwrap();
        assert_eq!(still.status(world.test.app.now()), RequestStatus::Pending);
        assert_eq!((still.approvals.len(), still.approvals_required()), (1, 2));
        let ada = world.person("ada", BuiltInRole::Approver, None).await;
        let approved = approve(&world, &ada, request.id).await.unwrap();
        assert!(approved.grant.is_some());
    }

    async fn an_account_that_came_into_the_unit_meanwhile_is_not_given(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(by_people(1), PERMIT_ALL).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let request = world.submit(&alice, to_read(unit(LAB))).await.unwrap();
        world.discovered(account(PROD), "Prod", vec![LAB.parse().unwrap()], curfew_domain::DiscoveredAttributes::default()).await;
        let approved = approve(&world, &world.admin, request.id).await.unwrap();
        let grant = curfew_app::grants::get(&world.test.app, &alice, approved.grant.unwrap()).await.unwrap();
        assert_eq!(grant.assignments.len(), 2);
    }

    async fn of_several_who_decide_at_once_one_outcome_stands(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(by_people(1), PERMIT_ALL).await;
        let (alice, request) = pending(&world).await;
        let ada = world.person("ada", BuiltInRole::Approver, None).await;
        let app = &world.test.app;
        let (approved, also, denied, cancelled) = tokio::join!(
            requests::approve(app, &ada, request.id, None),
            requests::approve(app, &world.admin, request.id, None),
            requests::deny(app, &world.admin, request.id, None),
            requests::cancel(app, &alice, request.id),
        );
        let outcomes = [approved, also, denied, cancelled];
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
        for refused in outcomes.into_iter().filter_map(Result::err) {
            assert_eq!(refused.code(), ErrorCode::InvalidState);
        }
        let kept = requests::get(app, &alice, request.id).await.unwrap();
        let granted = usize::from(kept.status(app.now()) == RequestStatus::Approved);
        assert_eq!(world.due_assignments().await, granted);
    }

    async fn of_two_who_give_the_last_approvals_at_once_both_count(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(by_people(2), PERMIT_ALL).await;
        let (alice, request) = pending(&world).await;
        let ada = world.person("ada", BuiltInRole::Approver, None).await;
        let app = &world.test.app;
        let (one, other) = tokio::join!(
            requests::approve(app, &ada, request.id, None),
            requests::approve(app, &world.admin, request.id, None),
        );
        assert!(one.is_ok() && other.is_ok());
        let kept = requests::get(app, &alice, request.id).await.unwrap();
        assert_eq!((kept.status(app.now()), kept.approvals.len()), (RequestStatus::Approved, 2));
    }
}
