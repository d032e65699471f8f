//! Groups in rules, and groups that approve.

use std::sync::Arc;

use curfew_app::groups::{self, GroupChange, NewGroup};
use curfew_app::policies::{self, Edit, Evaluated, PolicyChange, TermsChange};
use curfew_app::requests::{
    self, Circumstances, GroupName, ListedFor, PersonName, Supposed, WhatIf, WhatIfAnywhere,
};
use curfew_app::roles::{self, NewRole};
use curfew_app::testing::{TestApp, TestParts};
use curfew_app::{AppError, Caller, Once, users};
use curfew_domain::policy::PolicyTerms;
use curfew_domain::request::RequestStatus;
use curfew_domain::{
    AccessRequest, Action, BuiltInRole, Change, ErrorCode, GroupId, PageRequest, RequestId, RoleSlug, Scope,
    Seconds,
};
use curfew_store::testing::sealed_log;
use curfew_store::{RequestFilter, on_both_databases};
use uuid::Uuid;

use crate::meanwhile::SlowDirectory;
use crate::world::*;

pub(crate) async fn group(world: &World, name: &str, members: &[&Caller]) -> GroupId {
    let ask = NewGroup { name: name.parse().unwrap(), description: None };
    let made = groups::create(&world.test.app, &world.admin, ask, &Once::unkeyed()).await.unwrap();
    let id = made.into_inner().id;
    for member in members {
        add(world, id, member).await;
    }
    id
}

async fn add(world: &World, group: GroupId, member: &Caller) {
    let once = Once::unkeyed();
    groups::add_member(&world.test.app, &world.admin, group, member.user, &once).await.unwrap();
}

async fn remove(world: &World, group: GroupId, member: &Caller) {
    groups::remove_member(&world.test.app, &world.admin, group, member.user).await.unwrap();
}

async fn role_of_ones_own(world: &World, name: &str, scopes: &[Scope]) -> RoleSlug {
    let role = NewRole {
        slug: name.parse().unwrap(),
        name: name.parse().unwrap(),
        description: None,
        scopes: scopes.iter().copied().collect(),
    };
    let slug = role.slug.clone();
    roles::create(&world.test.app, &world.admin, role, &Once::unkeyed()).await.unwrap();
    slug
}

async fn save(world: &World, terms: PolicyTerms, text: &str) -> Result<policies::PolicyDetail, AppError> {
    let wanted = new_policy(terms, text);
    Ok(policies::create(&world.test.app, &world.admin, &Once::unkeyed(), wanted).await?.into_inner())
}

/// By so many members of these groups.
fn by(groups: &[GroupId], approvals: u16) -> PolicyTerms {
    PolicyTerms { approver_groups: groups.to_vec(), ..by_people(approvals) }
}

async fn asks(world: &World, caller: &Caller) -> AccessRequest {
    let request = world.submit(caller, to_read(account(DEV))).await.unwrap();
    assert_eq!(request.status(world.test.app.now()), RequestStatus::Pending);
    request
}

async fn approve(world: &World, caller: &Caller, id: RequestId) -> Result<AccessRequest, AppError> {
    requests::approve(&world.test.app, caller, id, None).await
}

async fn status(world: &World, id: RequestId) -> RequestStatus {
    let app = &world.test.app;
    requests::get(app, &world.admin, id).await.unwrap().status(app.now())
}

async fn waiting_for(world: &World, caller: &Caller) -> usize {
    let (filter, page) = (RequestFilter::default(), PageRequest::default());
    let listed = requests::list(&world.test.app, caller, Some(ListedFor::ToReview), filter, page);
    listed.await.unwrap().items.len()
}

async fn stored_notices(world: &World, id: RequestId) -> Vec<String> {
    requests::get(&world.test.app, &world.admin, id).await.unwrap().notices
}

fn nowhere() -> GroupId {
    GroupId::from_uuid(Uuid::from_u128(7))
}

async fn evaluated(world: &World, groups: Vec<GroupName>) -> Result<Evaluated, AppError> {
    let supposed = Supposed {
        person: PersonName::Email("alice@acme.example".parse().unwrap()),
        what_if: WhatIf {
            resource: account(DEV),
            action: Action::Read,
            duration: None,
            groups,
            circumstances: Circumstances {
                permission_set: Some(READ.parse().unwrap()),
                ..Circumstances::default()
            },
        },
    };
    policies::evaluate(&world.test.app, &world.admin, supposed).await
}

on_both_databases! {
    async fn a_group_in_a_rule_decides_as_long_as_one_is_in_it(db: &TestStore) {
        let world = World::new(db).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let engineers = group(&world, "Engineering", &[&alice]).await;
        let text = "permit (principal in Group::\"engineering\", action, resource);";
        let policy = save(&world, auto(), text).await.unwrap().policy;
        assert_eq!(policy.rules[0].text, text, "what was written is returned as it was");
        assert!(policy.rules[0].resolved.contains(&format!("Group::\"{engineers}\"")));
        world.submit(&alice, to_read(account(DEV))).await.unwrap();
        let bob = world.person("bob", BuiltInRole::User, None).await;
        assert_eq!(code(world.submit(&bob, to_read(account(DEV))).await), ErrorCode::Forbidden);
        remove(&world, engineers, &alice).await;
        assert_eq!(code(world.submit(&alice, to_read(account(DEV))).await), ErrorCode::Forbidden);
    }

    async fn another_node_notices_at_once_who_has_left_a_group(db: &TestStore) {
        let world = World::new(db).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let engineers = group(&world, "engineering", &[&alice]).await;
        save(&world, auto(), "permit (principal in Group::\"engineering\", action, resource);").await.unwrap();
        let (clock, aws) = (world.test.clock.clone(), Arc::new(SlowDirectory::default()));
        let other = TestApp::with(&db.store, TestParts { clock, seed: 2, aws, ..TestParts::default() });
        let ask = async || requests::submit(&other.app, &alice, &Once::unkeyed(), to_read(account(DEV))).await;
        ask().await.unwrap();
        ask().await.unwrap();
        remove(&world, engineers, &alice).await;
        assert_eq!(code(ask().await), ErrorCode::Forbidden);
        add(&world, engineers, &alice).await;
        ask().await.unwrap();
    }

    async fn a_role_by_a_group_is_a_role_in_rules(db: &TestStore) {
        let world = World::new(db).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let reviewers = group(&world, "reviewers", &[]).await;
        let text = "permit (principal in Role::\"approver\", action, resource) when { principal.roles.contains(\"approver\") };";
        save(&world, auto(), text).await.unwrap();
        let app = &world.test.app;
        for role in [BuiltInRole::Approver, BuiltInRole::User] {
            groups::add_role(app, &world.admin, reviewers, role.slug(), &Once::unkeyed()).await.unwrap();
        }
        assert_eq!(code(world.submit(&alice, to_read(account(DEV))).await), ErrorCode::Forbidden);
        add(&world, reviewers, &alice).await;
        world.submit(&alice, to_read(account(DEV))).await.unwrap();
        groups::remove_role(app, &world.admin, reviewers, BuiltInRole::Approver.slug()).await.unwrap();
        assert_eq!(code(world.submit(&alice, to_read(account(DEV))).await), ErrorCode::Forbidden);
    }

    async fn a_rule_follows_the_group_and_nobody_else_gets_the_name_that_it_is_written_with(db: &TestStore) {
        let world = World::new(db).await;
        let (app, admin) = (&world.test.app, &world.admin);
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let bob = world.person("bob", BuiltInRole::User, None).await;
        let engineers = group(&world, "engineering", &[&alice]).await;
        let mine = group(&world, "mine", &[&bob]).await;
        // In the older form too.
        let text = "permit (principal in User::\"group:engineering\", action, resource);";
        let policy = save(&world, auto(), text).await.unwrap().policy;
        let called = |name: &str| GroupChange { name: Change::To(name.parse().unwrap()), ..GroupChange::default() };
        groups::change(app, admin, engineers, called("builders")).await.unwrap();
        world.submit(&alice, to_read(account(DEV))).await.unwrap();

        let refused = |result: Result<(), AppError>| {
            let Err(AppError::Conflict { details, .. }) = result else { panic!("{result:?}") };
            assert_eq!(details["policies"], serde_json::json!([policy.id.to_string()]));
        };
        refused(groups::change(app, admin, mine, called("Engineering")).await.map(drop));
        let ask = NewGroup { name: "engineering".parse().unwrap(), description: None };
        refused(groups::create(app, admin, ask.clone(), &Once::unkeyed()).await.map(drop));
        // Its own name it can have back.
        groups::change(app, admin, engineers, called("engineering")).await.unwrap();
        groups::change(app, admin, engineers, called("builders")).await.unwrap();

        let anew = PolicyChange {
            policy_set: Change::To(text.replace("engineering", "builders")),
            ..PolicyChange::default()
        };
        policies::change(app, admin, policy.id, anew).await.unwrap();
        groups::create(app, admin, ask, &Once::unkeyed()).await.unwrap();
        groups::change(app, admin, mine, called("makers")).await.unwrap();
        world.submit(&alice, to_read(account(DEV))).await.unwrap();
        assert_eq!(code(world.submit(&bob, to_read(account(DEV))).await), ErrorCode::Forbidden);
    }

    async fn a_group_that_is_not_there_is_refused_in_a_rule(db: &TestStore) {
        let world = World::new(db).await;
        let theirs = World::beside(world.test.clone(), 2).await;
        let foreign = group(&theirs, "engineering", &[]).await;
        for name in ["engineering".to_owned(), nowhere().to_string(), foreign.to_string(), " ".to_owned()] {
            let text = format!("forbid (principal in Group::\"{name}\", action, resource);");
            let Err(AppError::PolicyInvalid { errors, .. }) = save(&world, auto(), &text).await else {
                panic!("{name} was taken")
            };
            assert!(errors[0]["message"].as_str().unwrap().ends_with("is unknown"), "{errors:?}");
        }
        let own = group(&world, "engineering", &[]).await;
        save(&world, auto(), &format!("forbid (principal in Group::\"{own}\", action, resource);")).await.unwrap();
    }

    async fn a_group_that_a_policy_names_stays(db: &TestStore) {
        let world = World::new(db).await;
        let (app, admin) = (&world.test.app, &world.admin);
        let (ruled, approving, free) =
            (group(&world, "a", &[]).await, group(&world, "b", &[]).await, group(&world, "c", &[]).await);
        let text = "forbid (principal, action, resource) when { principal in Group::\"a\" };";
        let policy = save(&world, by(&[approving], 1), text).await.unwrap().policy;
        let off = PolicyChange { enabled: Change::To(false), ..PolicyChange::default() };
        policies::change(app, admin, policy.id, off).await.unwrap();
        for named in [ruled, approving] {
            let Err(AppError::Conflict { details, .. }) = groups::delete(app, admin, named).await else {
                panic!("it was deleted")
            };
            assert_eq!(details["policies"], serde_json::json!([policy.id.to_string()]));
        }
        groups::delete(app, admin, free).await.unwrap();
        policies::delete(app, admin, policy.id, Edit::default()).await.unwrap();
        for named in [ruled, approving] {
            groups::delete(app, admin, named).await.unwrap();
        }
    }

    async fn what_named_a_group_that_is_gone_is_not_restored(db: &TestStore) {
        let world = World::new(db).await;
        let (app, admin) = (&world.test.app, &world.admin);
        let (ruled, approving) = (group(&world, "a", &[]).await, group(&world, "b", &[]).await);
        let named = "permit (principal in Group::\"a\", action, resource);";
        let by_rule = save(&world, auto(), named).await.unwrap().policy.id;
        let by_terms = save(&world, by(&[approving], 1), PERMIT_ALL).await.unwrap().policy.id;
        let other = PolicyChange { policy_set: Change::To(PERMIT_ALL.to_owned()), ..PolicyChange::default() };
        policies::change(app, admin, by_rule, other).await.unwrap();
        policies::delete(app, admin, by_terms, Edit::default()).await.unwrap();
        let restore = async |id| policies::versions::restore(app, admin, id, 1, Edit::default()).await;
        restore(by_rule).await.unwrap();
        let other = PolicyChange { policy_set: Change::To(PERMIT_ALL.to_owned()), ..PolicyChange::default() };
        policies::change(app, admin, by_rule, other).await.unwrap();
        for group in [ruled, approving] {
            groups::delete(app, admin, group).await.unwrap();
        }
        assert_eq!(code(restore(by_rule).await), ErrorCode::PolicyInvalid);
        assert_eq!(fields(restore(by_terms).await), ["approver_groups[0]"]);
        assert_eq!(policies::get(app, admin, by_rule).await.unwrap().policy.version, 4, "nothing of it is kept");
    }

    async fn an_id_of_no_group_in_a_comment_is_nobody_s_name(db: &TestStore) {
        let world = World::new(db).await;
        let text = format!("// Not Group::\"{}\".\n{PERMIT_ALL}", nowhere());
        save(&world, auto(), &text).await.unwrap();
    }

    async fn approvers_come_out_of_groups_that_are_there(db: &TestStore) {
        let world = World::new(db).await;
        let theirs = World::beside(world.test.clone(), 2).await;
        let foreign = group(&theirs, "seniors", &[]).await;
        let seniors = group(&world, "seniors", &[]).await;
        for unknown in [nowhere(), foreign] {
            assert_eq!(fields(save(&world, by(&[seniors, unknown], 1), PERMIT_ALL).await), ["approver_groups[1]"]);
        }
        let policy = save(&world, by(&[seniors], 1), PERMIT_ALL).await.unwrap().policy;
        let terms = TermsChange { approver_groups: Change::To(vec![foreign]), ..TermsChange::default() };
        let change = PolicyChange { terms, ..PolicyChange::default() };
        let refused = policies::change(&world.test.app, &world.admin, policy.id, change).await;
        assert_eq!(fields(refused), ["approver_groups[0]"]);
    }

    async fn only_members_of_the_approver_groups_approve(db: &TestStore) {
        let world = World::new(db).await;
        let ada = world.person("ada", BuiltInRole::Approver, None).await;
        let seniors = group(&world, "seniors", &[&ada]).await;
        save(&world, by(&[seniors], 1), PERMIT_ALL).await.unwrap();
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let request = asks(&world, &alice).await;
        assert_eq!((waiting_for(&world, &ada).await, waiting_for(&world, &world.admin).await), (1, 0));
        let Err(AppError::Forbidden { details, .. }) = approve(&world, &world.admin, request.id).await else {
            panic!("an outsider approved")
        };
        assert_eq!(details["approver_groups"], serde_json::json!([seniors.to_string()]));
        assert!(approve(&world, &ada, request.id).await.unwrap().grant.is_some());
        world.test.app.store.seal(world.tenant).await.unwrap();
        let log = sealed_log(&world.test.app.store, world.tenant).await;
        let given = log.iter().find(|entry| entry.body.action.as_str() == "request.approval_given").unwrap();
        assert_eq!(given.body.metadata["approver_groups"], serde_json::json!([seniors.to_string()]));
    }

    async fn a_member_without_the_scope_approves_nothing(db: &TestStore) {
        let world = World::new(db).await;
        let una = world.person("una", BuiltInRole::User, None).await;
        let seniors = group(&world, "seniors", &[&una]).await;
        save(&world, by(&[seniors], 1), PERMIT_ALL).await.unwrap();
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let request = asks(&world, &alice).await;
        assert_eq!(code(approve(&world, &una, request.id).await), ErrorCode::Forbidden);
    }

    async fn who_is_in_the_group_counts_at_the_moment_of_their_approval(db: &TestStore) {
        let world = World::new(db).await;
        let ada = world.person("ada", BuiltInRole::Approver, None).await;
        let ben = world.person("ben", BuiltInRole::Approver, None).await;
        let seniors = group(&world, "seniors", &[&ada]).await;
        save(&world, by(&[seniors], 2), PERMIT_ALL).await.unwrap();
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let request = asks(&world, &alice).await;
        assert_eq!(code(approve(&world, &ben, request.id).await), ErrorCode::Forbidden, "not yet in it");
        approve(&world, &ada, request.id).await.unwrap();
        remove(&world, seniors, &ada).await;
        add(&world, seniors, &ben).await;
        assert!(approve(&world, &ben, request.id).await.unwrap().grant.is_some());
    }

    async fn each_policy_s_groups_are_met_by_themselves(db: &TestStore) {
        let world = World::new(db).await;
        let [ada, ben, cy] = [
            world.person("ada", BuiltInRole::Approver, None).await,
            world.person("ben", BuiltInRole::Approver, None).await,
            world.person("cy", BuiltInRole::Approver, None).await,
        ];
        let (red, blue) = (group(&world, "red", &[&ada, &cy]).await, group(&world, "blue", &[&ben]).await);
        save(&world, by(&[red], 1), PERMIT_ALL).await.unwrap();
        save(&world, by(&[blue], 1), PERMIT_ALL).await.unwrap();
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let request = asks(&world, &alice).await;
        for one_of_red in [&ada, &cy] {
            approve(&world, one_of_red, request.id).await.unwrap();
            assert_eq!(status(&world, request.id).await, RequestStatus::Pending);
        }
        assert!(approve(&world, &ben, request.id).await.unwrap().grant.is_some());
        let both = asks(&world, &alice).await;
        add(&world, red, &ben).await;
        assert!(approve(&world, &ben, both.id).await.unwrap().grant.is_some(), "one person counts for several");
    }

    async fn anybody_who_may_decide_may_deny(db: &TestStore) {
        let world = World::new(db).await;
        let seniors = group(&world, "seniors", &[]).await;
        save(&world, by(&[seniors], 1), PERMIT_ALL).await.unwrap();
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let request = asks(&world, &alice).await;
        requests::deny(&world.test.app, &world.admin, request.id, None).await.unwrap();
        assert_eq!(status(&world, request.id).await, RequestStatus::Denied);
    }

    async fn groups_that_approve_now_are_asked_for_at_the_last_approval(db: &TestStore) {
        let world = World::new(db).await;
        let ada = world.person("ada", BuiltInRole::Approver, None).await;
        let seniors = group(&world, "seniors", &[&ada]).await;
        let policy = save(&world, by_people(1), PERMIT_ALL).await.unwrap().policy;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let request = asks(&world, &alice).await;
        let terms = TermsChange { approver_groups: Change::To(vec![seniors]), ..TermsChange::default() };
        let change = PolicyChange { terms, ..PolicyChange::default() };
        policies::change(&world.test.app, &world.admin, policy.id, change).await.unwrap();
        let still = approve(&world, &world.admin, request.id).await.unwrap();
        assert_eq!(still.status(world.test.app.now()), RequestStatus::Pending);
        assert!(approve(&world, &ada, request.id).await.unwrap().grant.is_some());
    }

    async fn a_request_that_nobody_could_approve_says_so_at_once(db: &TestStore) {
        let world = World::new(db).await;
        let seniors = group(&world, "seniors", &[]).await;
        save(&world, by(&[seniors], 1), PERMIT_ALL).await.unwrap();
        let alice = world.person("alice", BuiltInRole::Approver, None).await;
        let notices = async || {
            let request = asks(&world, &alice).await;
            assert_eq!(stored_notices(&world, request.id).await, [""; 0], "it may be otherwise when it is read");
            request.notices
        };
        let nobody = ["As things are, this can't be approved: it needs an approval by members of the policy's approver \
                       groups, and nobody could give one. Ask an admin."];
        assert_eq!(notices().await, nobody);
        add(&world, seniors, &alice).await;
        assert_eq!(notices().await, nobody, "nor do they themselves");
        let una = world.person("una", BuiltInRole::User, None).await;
        add(&world, seniors, &una).await;
        assert_eq!(notices().await, nobody, "nor does who may not approve");
        let set = curfew_domain::AccountSet { by: alice.user, at: world.test.app.now() };
        let puppet = world.person("puppet", BuiltInRole::Approver, Some(set)).await;
        add(&world, seniors, &puppet).await;
        assert_eq!(notices().await, nobody, "nor does an account that the requester made");
        let app = &world.test.app;
        let approvers = group(&world, "approvers", &[&una]).await;
        groups::add_role(app, &world.admin, approvers, BuiltInRole::Approver.slug(), &Once::unkeyed()).await.unwrap();
        assert_eq!(notices().await, [""; 0], "by a group's role");
        remove(&world, approvers, &una).await;
        world.test.clock.advance(Seconds::of(31 * 86_400));
        world.discover().await;
        world.identity_center_knows("alice").await;
        assert_eq!(notices().await, [""; 0], "after thirty days it is an account of its own");
        save(&world, by_people(20), PERMIT_ALL).await.unwrap();
        assert!(notices().await[0].contains("it needs 20 approvals, and"));
        app.store.seal(world.tenant).await.unwrap();
        let log = sealed_log(&app.store, world.tenant).await;
        let told = log.iter().filter(|entry| entry.body.metadata.get("lacks_approvers").is_some()).count();
        assert_eq!(told, 5);
    }

    async fn an_approval_that_leaves_what_nobody_could_give_says_so(db: &TestStore) {
        let world = World::new(db).await;
        let seniors = group(&world, "seniors", &[]).await;
        let policy = save(&world, by_people(1), PERMIT_ALL).await.unwrap().policy;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let request = asks(&world, &alice).await;
        let terms = TermsChange { approver_groups: Change::To(vec![seniors]), ..TermsChange::default() };
        let change = PolicyChange { terms, ..PolicyChange::default() };
        policies::change(&world.test.app, &world.admin, policy.id, change).await.unwrap();
        let still = approve(&world, &world.admin, request.id).await.unwrap();
        assert!(still.notices[0].contains("nobody could give one"), "{:?}", still.notices);
        assert_eq!(stored_notices(&world, request.id).await, [""; 0]);
    }

    async fn a_repeated_submission_says_whether_it_could_be_approved_now(db: &TestStore) {
        let world = World::new(db).await;
        let seniors = group(&world, "seniors", &[]).await;
        save(&world, by(&[seniors], 1), PERMIT_ALL).await.unwrap();
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let app = &world.test.app;
        let ask = async || {
            let once = Once::keyed(&app.keyring, &alice, "requests", "key", b"{}");
            requests::submit(app, &alice, &once, to_read(account(DEV))).await.unwrap().into_inner()
        };
        let first = ask().await;
        assert_eq!(first.notices.len(), 1);
        assert_eq!(ask().await, first);
        add(&world, seniors, &world.admin).await;
        assert_eq!(ask().await, AccessRequest { notices: Vec::new(), ..first });
    }

    async fn the_log_has_those_groups_of_an_approver_that_count(db: &TestStore) {
        let world = World::new(db).await;
        let ada = world.person("ada", BuiltInRole::Approver, None).await;
        let seniors = group(&world, "seniors", &[&ada]).await;
        group(&world, "choir", &[&ada]).await;
        save(&world, by(&[seniors], 1), PERMIT_ALL).await.unwrap();
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let (approved, denied) = (asks(&world, &alice).await, asks(&world, &alice).await);
        approve(&world, &ada, approved.id).await.unwrap();
        requests::deny(&world.test.app, &ada, denied.id, None).await.unwrap();
        world.test.app.store.seal(world.tenant).await.unwrap();
        let log = sealed_log(&world.test.app.store, world.tenant).await;
        let groups = |action: &str| {
            let entry = log.iter().find(|entry| entry.body.action.as_str() == action).unwrap();
            entry.body.metadata.get("approver_groups").cloned()
        };
        assert_eq!(groups("request.approval_given"), Some(serde_json::json!([seniors.to_string()])));
        assert_eq!(groups("request.denied"), None);
    }

    async fn a_comment_that_names_a_group_keeps_it_not(db: &TestStore) {
        let world = World::new(db).await;
        let (app, admin) = (&world.test.app, &world.admin);
        let (ruled, mentioned) = (group(&world, "a", &[]).await, group(&world, "b", &[]).await);
        let text = format!(
            "// Not Group::\"{mentioned}\".\nforbid (principal in Group::\"a\", action, resource);"
        );
        save(&world, auto(), &text).await.unwrap();
        groups::delete(app, admin, mentioned).await.unwrap();
        let Err(AppError::Conflict { message, .. }) = groups::delete(app, admin, ruled).await else {
            panic!("it was deleted")
        };
        assert!(message.starts_with("a policy names the group a"), "{message}");
    }

    async fn which_policies_name_a_group_is_told_to_who_may_read_them(db: &TestStore) {
        let world = World::new(db).await;
        let ruled = group(&world, "a", &[]).await;
        for _ in 0..2 {
            save(&world, auto(), "forbid (principal in Group::\"a\", action, resource);").await.unwrap();
        }
        let blind = Caller {
            scopes: world.admin.scopes.iter().filter(|scope| *scope != Scope::PoliciesRead).collect(),
            ..world.admin.clone()
        };
        let Err(AppError::Conflict { message, details }) = groups::delete(&world.test.app, &blind, ruled).await else {
            panic!("it was deleted")
        };
        assert!(message.starts_with("2 policies name the group a") && !message.contains("details"), "{message}");
        assert!(details.is_empty(), "{details:?}");
    }

    async fn who_approves_by_a_role_of_the_tenant_s_own_could_approve(db: &TestStore) {
        let world = World::new(db).await;
        let app = &world.test.app;
        save(&world, by_people(2), PERMIT_ALL).await.unwrap();
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let una = world.person("una", BuiltInRole::User, None).await;
        assert!(asks(&world, &alice).await.notices[0].contains("it needs 2 approvals, and one person could give one"));
        let slug = role_of_ones_own(&world, "reviewer", &[Scope::RequestsApprove]).await;
        let reviewers = group(&world, "reviewers", &[&una]).await;
        groups::add_role(app, &world.admin, reviewers, slug, &Once::unkeyed()).await.unwrap();
        assert_eq!(asks(&world, &alice).await.notices, [""; 0]);
    }

    async fn groups_are_supposed_by_id_or_name(db: &TestStore) {
        let world = World::new(db).await;
        let theirs = World::beside(world.test.clone(), 2).await;
        let foreign = group(&theirs, "theirs", &[]).await;
        world.person("alice", BuiltInRole::User, None).await;
        let engineers = group(&world, "engineering", &[]).await;
        save(&world, auto(), "permit (principal in Group::\"engineering\", action, resource);").await.unwrap();
        let permits = async |groups| evaluated(&world, groups).await.unwrap().explanation.reason.starts_with("Permitted");
        assert!(!permits(Vec::new()).await);
        assert!(permits(vec![GroupName::Id(engineers)]).await);
        assert!(permits(vec![GroupName::Name("Engineering".parse().unwrap())]).await);
        for unknown in [GroupName::Id(nowhere()), GroupName::Id(foreign), GroupName::Name("theirs".parse().unwrap())] {
            let refused = evaluated(&world, vec![GroupName::Id(engineers), unknown]).await;
            assert_eq!(fields(refused), ["groups[1]"]);
        }
    }

    async fn a_supposed_group_brings_the_roles_that_it_gives(db: &TestStore) {
        let world = World::new(db).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let engineers = group(&world, "engineering", &[]).await;
        let oncall = role_of_ones_own(&world, "oncall", &[]).await;
        for role in [oncall, BuiltInRole::User.slug()] {
            groups::add_role(&world.test.app, &world.admin, engineers, role, &Once::unkeyed()).await.unwrap();
        }
        let text = "permit (principal in Role::\"oncall\", action, resource) when { principal.roles.contains(\"oncall\") };";
        save(&world, auto(), text).await.unwrap();
        let permits = async |groups| evaluated(&world, groups).await.unwrap().explanation.reason.starts_with("Permitted");
        assert!(!permits(Vec::new()).await);
        assert!(permits(vec![GroupName::Id(engineers)]).await);
        let reached = async |groups| {
            let wanted = WhatIfAnywhere { action: Action::Read, duration: None, groups, circumstances: Circumstances::default() };
            let person = PersonName::Id(alice.user);
            policies::what_can_access(&world.test.app, &world.admin, person, wanted).await.unwrap().found
        };
        assert_eq!(reached(Vec::new()).await, 0);
        assert!(reached(vec![GroupName::Id(engineers)]).await > 0);
        world.submit(&alice, to_read(account(DEV))).await.unwrap_err();
        add(&world, engineers, &alice).await;
        world.submit(&alice, to_read(account(DEV))).await.unwrap();
    }

    async fn an_approval_of_somebody_suspended_since_does_not_count(db: &TestStore) {
        let world = World::new(db).await;
        let app = &world.test.app;
        save(&world, by_people(2), PERMIT_ALL).await.unwrap();
        let [ada, ben, cy] = [
            world.person("ada", BuiltInRole::Approver, None).await,
            world.person("ben", BuiltInRole::Approver, None).await,
            world.person("cy", BuiltInRole::Approver, None).await,
        ];
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let request = asks(&world, &alice).await;
        approve(&world, &ada, request.id).await.unwrap();
        users::suspend(app, &world.admin, ada.user).await.unwrap();
        let still = approve(&world, &ben, request.id).await.unwrap();
        assert_eq!((still.status(app.now()), still.approvals.len()), (RequestStatus::Pending, 2));
        assert!(approve(&world, &cy, request.id).await.unwrap().grant.is_some());
    }

    async fn an_approval_counts_again_when_who_gave_it_is_back(db: &TestStore) {
        let world = World::new(db).await;
        let app = &world.test.app;
        save(&world, by_people(2), PERMIT_ALL).await.unwrap();
        let ada = world.person("ada", BuiltInRole::Approver, None).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let request = asks(&world, &alice).await;
        approve(&world, &ada, request.id).await.unwrap();
        users::suspend(app, &world.admin, ada.user).await.unwrap();
        users::activate(app, &world.admin, ada.user).await.unwrap();
        assert!(approve(&world, &world.admin, request.id).await.unwrap().grant.is_some());
    }

    async fn of_a_deletion_and_a_policy_that_names_the_group_one_wins(db: &TestStore) {
        let world = World::new(db).await;
        let (app, admin) = (&world.test.app, &world.admin);
        let text = "forbid (principal in Group::\"ops\", action, resource);";
        for _ in 0..5 {
            let ops = group(&world, "ops", &[]).await;
            let (saved, deleted) = tokio::join!(save(&world, auto(), text), groups::delete(app, admin, ops));
            let is_there = groups::get(app, admin, ops).await.is_ok();
            assert_eq!((saved.is_ok(), deleted.is_ok()), (is_there, !is_there), "{saved:?} {deleted:?}");
            if let Ok(detail) = saved {
                policies::delete(app, admin, detail.policy.id, Edit::default()).await.unwrap();
                groups::delete(app, admin, ops).await.unwrap();
            }
        }
    }
}
