//! The story of a grant.

use curfew_app::grants::{self, Extension, Happening};
use curfew_app::{Caller, Once, requests};
use curfew_domain::assignment::{CallKind, CallOutcome};
use curfew_domain::audit::{AuditAction, NewEntry};
use curfew_domain::{
    Actor, AssignmentCallId, AssignmentId, BuiltInRole, ErrorCode, GrantId, PageLimit, PageRequest, Scope,
    Seconds,
};
use curfew_store::{AssignmentCall, on_both_databases};

use crate::world::*;

async fn told(world: &World, caller: &Caller, grant: GrantId) -> Vec<Happening> {
    let page = PageRequest { limit: PageLimit::MAX, after: None };
    grants::timeline(&world.test.app, caller, grant, page).await.unwrap().items
}

fn actions(told: &[Happening]) -> Vec<&'static str> {
    told.iter().map(|one| one.action.as_str()).collect()
}

/// The owner sends a call, and AWS answers it, or nothing does.
async fn call(world: &World, assignment: AssignmentId, grants: &[GrantId], outcome: Option<CallOutcome>) {
    let app = &world.test.app;
    let unit = app.store.tenant(world.tenant).write().await.unwrap();
    let (kind, sent_at) = (CallKind::Create, app.now());
    let id = AssignmentCallId::new(sent_at, app.entropy.as_ref());
    unit.insert_call(&AssignmentCall { id, assignment, kind, fence: 7, sent_at }).await.unwrap();
    let entry = |action| {
        NewEntry::new(Actor::System, action, "assignment", assignment)
            .with("account_id", DEV)
            .with("call", "create")
            .with("grants", grants.iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    unit.record(entry(AuditAction::AssignmentCalled), sent_at, app.entropy.as_ref()).await.unwrap();
    if let Some(outcome) = outcome {
        let now = app.now();
        unit.update_call(assignment, kind, sent_at, &outcome, now).await.unwrap();
        let entry = entry(AuditAction::AssignmentConfirmed).with("outcome", "succeeded");
        unit.record(entry, now, app.entropy.as_ref()).await.unwrap();
    }
    unit.commit().await.unwrap();
}

async fn only_assignment(world: &World) -> AssignmentId {
    let app = &world.test.app;
    let far = app.now() + Seconds::of(86_400);
    app.store.due_for(&[world.tenant], far, 10).await.unwrap()[0].assignment
}

on_both_databases! {
    async fn the_story_goes_from_the_request_to_aws_and_back(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(by_people(1), PERMIT_ALL).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let ada = world.person("ada", BuiltInRole::Approver, None).await;
        let app = &world.test.app;
        let request = world.submit(&alice, to_read(account(DEV))).await.unwrap().id;
        let grant = requests::approve(app, &ada, request, None).await.unwrap().grant.unwrap();
        let assignment = only_assignment(&world).await;
        call(&world, assignment, &[grant], None).await;
        call(&world, assignment, &[grant], Some(CallOutcome::Succeeded)).await;
        let more = Extension { by: Seconds::of(60), reason: None };
        grants::extend(app, &alice, &Once::unkeyed(), grant, more).await.unwrap();
        grants::revoke(app, &alice, grant, Some("done".parse().unwrap())).await.unwrap();
        let told = told(&world, &alice, grant).await;
        let actions = actions(&told);
        assert_eq!(actions.first(), Some(&"request.submitted"));
        let of_the_call = ["assignment.called", "assignment.called", "assignment.confirmed"];
        let begin = actions.iter().position(|action| *action == "assignment.called").unwrap();
        assert_eq!(actions[begin..begin + 3], of_the_call);
        assert_eq!(actions.iter().filter(|action| **action == "request.submitted").count(), 2, "with the extension's");
        assert_eq!(actions.last(), Some(&"grant.revoked"));
        assert_eq!(told.last().unwrap().what, "Somebody ended it: done");
        assert!(told.is_sorted_by_key(|one| one.at));
        let (lost, sent, done) = (&told[begin], &told[begin + 1], &told[begin + 2]);
        assert_eq!((&lost.details["answered"], &lost.details["lease"]), (&false.into(), &7.into()));
        assert!(lost.what.contains("no answer has come"), "{}", lost.what);
        assert_eq!((&sent.details["answered"], &sent.details["outcome"]), (&true.into(), &"succeeded".into()));
        assert_eq!(done.what, format!("AWS has created it in {DEV}."));
        assert_eq!(done.details["sent_at"], sent.at.to_string());
    }

    async fn what_was_said_of_its_requests_is_for_those_who_may_read_them(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(auto(), PERMIT_ALL).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let asked = curfew_app::requests::NewRequest {
            reason: Some("a private matter".parse().unwrap()),
            ..to_read(account(DEV))
        };
        let grant = world.submit(&alice, asked).await.unwrap().grant.unwrap();
        let auditor = world.person("auditor", BuiltInRole::User, None).await;
        let auditor = Caller { scopes: [Scope::GrantsRead].into_iter().collect(), ..auditor };
        for (caller, reads) in [(&alice, true), (&world.admin, true), (&auditor, false)] {
            let story = format!("{:?}", told(&world, caller, grant).await);
            assert_eq!(story.contains("a private matter"), reads, "{story}");
        }
    }

    async fn it_is_told_page_by_page(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(auto(), PERMIT_ALL).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let app = &world.test.app;
        let grant = world.submit(&alice, to_read(account(DEV))).await.unwrap().grant.unwrap();
        grants::revoke(app, &alice, grant, None).await.unwrap();
        let whole = told(&world, &alice, grant).await;
        assert_eq!(whole.len(), 5);
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = PageRequest { limit: PageLimit::new(2).unwrap(), after };
            let page = grants::timeline(app, &alice, grant, page).await.unwrap();
            found.extend(page.items);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(found, whole);
    }

    async fn who_does_not_see_the_grant_does_not_read_its_story(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(auto(), PERMIT_ALL).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let bob = world.person("bob", BuiltInRole::User, None).await;
        let app = &world.test.app;
        let grant = world.submit(&alice, to_read(account(DEV))).await.unwrap().grant.unwrap();
        let spied = grants::timeline(app, &bob, grant, PageRequest::default()).await;
        assert_eq!(code(spied), ErrorCode::NotFound);
        let mut key = alice.clone();
        key.scopes = [Scope::AwsRead].into_iter().collect();
        let refused = grants::timeline(app, &key, grant, PageRequest::default()).await;
        assert_eq!(code(refused), ErrorCode::Forbidden);
    }

    async fn other_grants_are_told_of_only_to_those_who_may_see_them(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(auto(), PERMIT_ALL).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let app = &world.test.app;
        let first = world.submit(&alice, to_read(account(DEV))).await.unwrap().grant.unwrap();
        let second = world.submit(&alice, to_read(account(DEV))).await.unwrap().grant.unwrap();
        let assignment = only_assignment(&world).await;
        call(&world, assignment, &[first, second], Some(CallOutcome::Succeeded)).await;
        let own = told(&world, &alice, first).await;
        let words = format!("{own:?}");
        assert!(!words.contains(&second.to_string()), "{words}");
        assert!(own.iter().all(|one| !one.details.contains_key("policies")));
        let seen_by_all = format!("{:?}", told(&world, &world.admin, first).await);
        assert!(seen_by_all.contains(&second.to_string()));
        // What is created for a later grant, after the first is over, is no part of the first one's story.
        grants::revoke(app, &alice, first, None).await.unwrap();
        grants::revoke(app, &alice, second, None).await.unwrap();
        let before = told(&world, &alice, first).await.len();
        let third = world.submit(&alice, to_read(account(DEV))).await.unwrap().grant.unwrap();
        call(&world, assignment, &[first, second, third], Some(CallOutcome::Succeeded)).await;
        assert_eq!(told(&world, &alice, first).await.len(), before);
        assert_eq!(actions(&told(&world, &alice, third).await).last(), Some(&"assignment.confirmed"));
    }
}
