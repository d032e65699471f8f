use curfew_app::grants::{self, GrantFilter};
use curfew_app::policies;
use curfew_app::policies::{Edit, PolicyChange};
use curfew_app::requests::{self, RequestFilter};
use curfew_domain::{BuiltInRole, DiscoveredAttributes, ErrorCode, PageRequest};
use curfew_store::on_both_databases;

use crate::world::*;

on_both_databases! {
    async fn another_tenants_ids_are_ids_that_never_existed(db: &TestStore) {
        let ours = World::new(db).await;
        let theirs = World::beside(ours.test.clone(), 2).await;
        let policy = theirs.policy(by_people(1), PERMIT_ALL).await.policy.id;
        let alice = theirs.person("alice", BuiltInRole::User, None).await;
        let request = theirs.submit(&alice, to_read(account(DEV))).await.unwrap();
        let approved = requests::approve(&theirs.test.app, &theirs.admin, request.id, None).await.unwrap();
        let grant = approved.grant.unwrap();
        let waiting = theirs.submit(&alice, to_read(account(PROD))).await.unwrap();
        let (app, admin) = (&ours.test.app, &ours.admin);
        let refusals = [
            code(policies::get(app, admin, policy).await),
            code(policies::change(app, admin, policy, PolicyChange::default()).await),
            code(policies::delete(app, admin, policy, Edit::default()).await),
            code(requests::get(app, admin, waiting.id).await),
            code(requests::approve(app, admin, waiting.id, None).await),
            code(requests::deny(app, admin, waiting.id, None).await),
            code(requests::cancel(app, admin, waiting.id).await),
            code(grants::get(app, admin, grant).await),
            code(grants::set_audit(app, admin, grant, false).await),
            code(grants::revoke(app, admin, grant, None).await),
        ];
        assert!(refusals.iter().all(|code| *code == ErrorCode::NotFound), "{refusals:?}");
        let page = PageRequest::default;
        assert!(policies::list(app, admin, page()).await.unwrap().items.is_empty());
        assert!(requests::list(app, admin, None, RequestFilter::default(), page()).await.unwrap().items.is_empty());
        assert!(grants::list(app, admin, GrantFilter::default(), page()).await.unwrap().items.is_empty());
        let spied = RequestFilter { requester: Some(alice.user), ..RequestFilter::default() };
        assert!(requests::list(app, admin, None, spied, page()).await.unwrap().items.is_empty());
    }

    async fn another_tenants_policies_and_people_count_for_nothing(db: &TestStore) {
        let ours = World::new(db).await;
        let theirs = World::beside(ours.test.clone(), 2).await;
        theirs.policy(auto(), PERMIT_ALL).await;
        let bob = ours.person("bob", BuiltInRole::User, None).await;
        assert_eq!(code(ours.submit(&bob, to_read(account(DEV))).await), ErrorCode::Forbidden);
        let tess = theirs.person("tess", BuiltInRole::User, None).await;
        for name in ["tess@acme.example".to_owned(), tess.user.to_string()] {
            let named = format!("permit (principal == User::\"{name}\", action, resource);");
            let named = new_policy(auto(), &named);
            let refused =
                policies::create(&ours.test.app, &ours.admin, &curfew_app::Once::unkeyed(), named).await;
            assert_eq!(code(refused), ErrorCode::PolicyInvalid, "{name}");
        }
    }

    async fn what_another_tenants_organization_has_can_not_be_asked_for(db: &TestStore) {
        let ours = World::new(db).await;
        let theirs = World::beside(ours.test.clone(), 2).await;
        ours.policy(auto(), PERMIT_ALL).await;
        let bob = ours.person("bob", BuiltInRole::User, None).await;
        let (account_of_theirs, set_of_theirs) = ("444444444444", READ.replace("aaaa", "cccc"));
        let nothing = DiscoveredAttributes::default;
        theirs.discovered(account(account_of_theirs), "Theirs", Vec::new(), nothing()).await;
        theirs.discovered(set(&set_of_theirs), "Theirs", Vec::new(), nothing()).await;
        assert_eq!(fields(ours.submit(&bob, to_read(account(account_of_theirs))).await), ["resource.id"]);
        let mut with_their_set = to_read(account(DEV));
        with_their_set.permission_set = Some(set_of_theirs.parse().unwrap());
        assert_eq!(fields(ours.submit(&bob, with_their_set).await), ["permission_set_arn"]);
    }
}
