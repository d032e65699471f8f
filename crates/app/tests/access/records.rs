//! How a request was decided, told later.

use curfew_app::requests;
use curfew_app::testing::TestApp;
use curfew_app::{Caller, policies};
use curfew_domain::audit::content_hash;
use curfew_domain::{BuiltInRole, Change, ErrorCode, PageLimit, PageRequest, Scope};
use curfew_store::on_both_databases;

use crate::world::*;

on_both_databases! {
    async fn each_decision_is_told_oldest_first_with_what_proves_it(db: &TestStore) {
        let world = World::new(db).await;
        let policy = world.policy(by_people(1), &format!("@notice(\"be kind\") {PERMIT_ALL}")).await.policy;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let request = world.submit(&alice, to_read(account(DEV))).await.unwrap();
        let app = &world.test.app;
        let change = policies::PolicyChange { priority: Change::To(7), ..policies::PolicyChange::default() };
        policies::change(app, &world.admin, policy.id, change).await.unwrap();
        requests::approve(app, &world.admin, request.id, None).await.unwrap();
        let all = requests::decisions(app, &world.admin, request.id, PageRequest::default()).await.unwrap().items;
        let versions: Vec<u32> = all.iter().map(|decision| decision.determining[0].version).collect();
        assert_eq!(versions, [1, 2], "at first, and at the last approval");
        for decision in &all {
            assert_eq!(decision.record.outcome, "needs_approval");
            assert_eq!(decision.record.notices, ["be kind"]);
            assert_eq!(decision.determining[0].rules, [policy.rules[0].id]);
            assert_eq!(content_hash(&decision.record.proved()).unwrap(), decision.content);
            let logged = decision.logged.as_ref().unwrap();
            assert_eq!(logged.content, decision.content);
            assert!(decision.shows_all);
        }
        let one = PageRequest { limit: PageLimit::new(1).unwrap(), after: None };
        let first = requests::decisions(app, &world.admin, request.id, one.clone()).await.unwrap();
        let second = requests::decisions(app, &world.admin, request.id, PageRequest { after: first.next.clone(), ..one }).await.unwrap();
        assert_eq!([first.items, second.items].concat(), all);
        assert_eq!(second.next, None);
    }

    async fn what_policies_were_told_is_for_those_who_read_policies_or_decide(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(auto(), PERMIT_ALL).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let request = world.submit(&alice, to_read(account(DEV))).await.unwrap();
        let app = &world.test.app;
        let shown = async |scopes: &[Scope], caller: &Caller| {
            let caller = Caller { scopes: scopes.iter().copied().collect(), ..caller.clone() };
            let page = requests::decisions(app, &caller, request.id, PageRequest::default()).await?;
            Ok::<bool, curfew_app::AppError>(page.items[0].shows_all)
        };
        assert!(!shown(&[Scope::RequestsCreate], &alice).await.unwrap());
        assert!(shown(&[Scope::RequestsCreate, Scope::PoliciesRead], &alice).await.unwrap());
        let bob = world.person("bob", BuiltInRole::User, None).await;
        assert!(!shown(&[Scope::RequestsRead], &bob).await.unwrap());
        assert!(shown(&[Scope::RequestsApprove], &bob).await.unwrap());
        assert_eq!(code(shown(&[Scope::RequestsCreate], &bob).await), ErrorCode::NotFound);
        assert_eq!(code(shown(&[Scope::PoliciesRead], &bob).await), ErrorCode::Forbidden, "who sees no requests");
        let other = World::beside(TestApp::new(&db.store), 2).await;
        let foreign = requests::decisions(app, &other.admin, request.id, PageRequest::default()).await;
        assert_eq!(code(foreign), ErrorCode::NotFound);
    }

    async fn what_was_changed_behind_curfews_back_no_longer_agrees_with_the_log(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(auto(), PERMIT_ALL).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let request = world.submit(&alice, to_read(account(DEV))).await.unwrap();
        db.tamper("UPDATE decision SET outcome = 'denied'").await;
        let page = requests::decisions(&world.test.app, &world.admin, request.id, PageRequest::default()).await;
        let decision = page.unwrap().items.remove(0);
        assert_ne!(decision.logged.unwrap().content, decision.content);
    }
}
