use curfew_app::policies::{
    ActionScope, Edit, EntityRef, NewRule, PolicyChange, RuleScope, RuleShape, Said, TermsChange,
};
use curfew_app::requests::NewRequest;
use curfew_app::testing::TestApp;
use curfew_app::{AppError, Caller, Made, Once, policies};
use curfew_domain::policy::{Effect, Policy};
use curfew_domain::request::ApprovalMode;
use curfew_domain::{
    Action, BuiltInRole, Change, DoneBy, ErrorCode, PageLimit, PageRequest, PolicyId, Scope, Seconds,
};
use curfew_store::on_both_databases;

use crate::world::*;

on_both_databases! {
    async fn what_was_written_is_kept_and_what_is_evaluated_has_ids(db: &TestStore) {
        let world = World::new(db).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let written = "@notice(\"hello\")\npermit (principal == User::\"Alice@ACME.example\", action, resource); // why";
        let made = world.policy(auto(), written).await;
        assert_eq!(made.policy.rules[0].text, written);
        assert_eq!(made.policy.rules[0].notice.as_ref().unwrap().as_str(), "hello");
        assert!(made.policy.rules[0].resolved.contains(&alice.user.to_string()));
        let read = policies::get(&world.test.app, &world.admin, made.policy.id).await.unwrap();
        assert_eq!(read, made);
        assert_eq!(
            read.shapes[0].principal,
            RuleScope::Eq(EntityRef::new("User", "Alice@ACME.example"))
        );
    }

    async fn bad_cedar_is_refused_with_every_place_that_is_wrong(db: &TestStore) {
        let world = World::new(db).await;
        let statements = "permit (principal in Group::\"ops\", action, resource);\n\
                          permit (principal == User::\"nobody@acme.example\", action, resource);";
        let refused =
            policies::create(&world.test.app, &world.admin, &Once::unkeyed(), new_policy(auto(), statements)).await;
        let Err(AppError::PolicyInvalid { errors, .. }) = refused else { panic!("{refused:?}") };
        assert_eq!(errors.len(), 2);
        assert_eq!((&errors[1]["line"], &errors[1]["column"]), (&2.into(), &22.into()));
        assert!(errors.iter().all(|error| error["hint"].is_string()));
        for broken in ["permit (", "permit (principal, action, resource) when { context.nope };", ""] {
            let refused =
                policies::create(&world.test.app, &world.admin, &Once::unkeyed(), new_policy(auto(), broken)).await;
            assert_eq!(code(refused), ErrorCode::PolicyInvalid, "{broken}");
        }
    }

    async fn statements_and_rules_together_have_a_limit(db: &TestStore) {
        let world = World::new(db).await;
        let mut wanted = new_policy(auto(), &PERMIT_ALL.repeat(999));
        let rule = NewRule { said: Said::Text(PERMIT_ALL.to_owned()), notice: None, audit_session: None };
        wanted.rules = vec![rule; 2];
        let refused = policies::create(&world.test.app, &world.admin, &Once::unkeyed(), wanted).await;
        assert_eq!(code(refused), ErrorCode::PolicyInvalid);
    }

    async fn a_tenant_has_only_so_many_policies(db: &TestStore) {
        let world = World::new(db).await;
        let policy = world.policy(auto(), PERMIT_ALL).await.policy;
        let app = &world.test.app;
        let unit = app.store.tenant(world.tenant).write().await.unwrap();
        for _ in 1..1_000 {
            let id = PolicyId::new(app.now(), app.entropy.as_ref());
            let another = Policy { id, rules: Vec::new(), ..policy.clone() };
            unit.insert_policy(&another, DoneBy::Person(world.admin.user)).await.unwrap();
        }
        unit.commit().await.unwrap();
        let one_more = async || {
            policies::create(app, &world.admin, &Once::unkeyed(), new_policy(auto(), PERMIT_ALL)).await
        };
        assert_eq!(code(one_more().await), ErrorCode::Conflict);
        policies::delete(app, &world.admin, policy.id, Edit::default()).await.unwrap();
        assert!(one_more().await.is_ok());
    }

    async fn a_policy_that_was_made_before_is_answered_though_what_it_names_is_gone(db: &TestStore) {
        let world = World::new(db).await;
        let app = &world.test.app;
        let once = Once::keyed(&app.keyring, &world.admin, "POST /v1/policies", "one", b"{}");
        let made = policies::create(app, &world.admin, &once, new_policy(auto(), PERMIT_ALL)).await.unwrap();
        let nobody = "permit (principal == User::\"nobody@acme.example\", action, resource);";
        let again = policies::create(app, &world.admin, &once, new_policy(auto(), nobody)).await.unwrap();
        assert_eq!(again, Made::Before(made.into_inner()));
    }

    async fn a_rule_can_be_given_in_fields(db: &TestStore) {
        let world = World::new(db).await;
        let shape = RuleShape {
            effect: Effect::Forbid,
            principal: RuleScope::Is("User".to_owned()),
            action: ActionScope::In(vec![Action::Admin]),
            resource: RuleScope::IsIn(
                "AwsAccount".to_owned(),
                EntityRef::new("AwsOrganizationalUnit", LAB),
            ),
            conditions: Some("unless { principal.mfa } // really".to_owned()),
        };
        let rule = NewRule {
            said: Said::Shape(Box::new(shape.clone())),
            notice: Some("not \"here\"".parse().unwrap()),
            audit_session: Some(false),
        };
        let mut wanted = new_policy(auto(), PERMIT_ALL);
        wanted.rules = vec![rule];
        let made = policies::create(&world.test.app, &world.admin, &Once::unkeyed(), wanted).await.unwrap();
        let made = made.into_inner();
        assert_eq!(made.shapes[1], shape);
        assert_eq!(made.policy.rules[1].ordinal, 1);
        assert_eq!(made.policy.rules[1].notice.as_ref().unwrap().as_str(), "not \"here\"");
        assert!(!made.policy.rules[1].audit_session);
    }

    async fn terms_that_contradict_themselves_name_their_field(db: &TestStore) {
        let world = World::new(db).await;
        let mut terms = auto();
        terms.default = Some(terms.maximum);
        let made = world.policy(terms, PERMIT_ALL).await;
        let change = PolicyChange {
            terms: TermsChange { maximum: Change::To(Seconds::of(60)), ..TermsChange::default() },
            ..PolicyChange::default()
        };
        let refused = policies::change(&world.test.app, &world.admin, made.policy.id, change).await;
        assert_eq!(fields(refused), ["default_duration_seconds"]);
        assert_eq!(policies::get(&world.test.app, &world.admin, made.policy.id).await.unwrap(), made);
    }

    async fn a_policy_for_emergencies_is_kept_and_matches_nothing_else(db: &TestStore) {
        let world = World::new(db).await;
        let mut terms = auto();
        terms.mode = ApprovalMode::BreakGlass;
        terms.break_glass_maximum = Some(Seconds::of(600));
        let made = world.policy(terms, PERMIT_ALL).await;
        assert_eq!(made.policy.terms.break_glass_maximum, Some(Seconds::of(600)));
        let alice = world.person("alice", BuiltInRole::User, None).await;
        assert_eq!(code(world.submit(&alice, to_read(account(DEV))).await), ErrorCode::Forbidden);
        let alice = Caller { scopes: [Scope::RequestsCreate, Scope::RequestsBreakGlass].into_iter().collect(), ..alice };
        let emergency = NewRequest { break_glass: true, ..to_read(account(DEV)) };
        let request = world.submit(&alice, emergency).await.unwrap();
        assert_eq!((request.mode, request.duration), (Some(ApprovalMode::BreakGlass), Some(Seconds::of(600))));
    }

    async fn a_maximum_of_emergencies_needs_emergencies(db: &TestStore) {
        let world = World::new(db).await;
        let made = world.policy(auto(), PERMIT_ALL).await.policy;
        let app = &world.test.app;
        let change = |allow: Change<bool>, most: Change<Option<Seconds>>| PolicyChange {
            terms: TermsChange { allow_break_glass: allow, break_glass_maximum: most, ..TermsChange::default() },
            ..PolicyChange::default()
        };
        let most = Change::To(Some(Seconds::of(600)));
        let refused = policies::change(app, &world.admin, made.id, change(Change::Keep, most)).await;
        assert_eq!(fields(refused), ["break_glass_max_duration_seconds"]);
        policies::change(app, &world.admin, made.id, change(Change::To(true), most)).await.unwrap();
        let refused = policies::change(app, &world.admin, made.id, change(Change::To(false), Change::Keep)).await;
        assert_eq!(fields(refused), ["break_glass_max_duration_seconds"]);
        policies::change(app, &world.admin, made.id, change(Change::To(false), Change::To(None))).await.unwrap();
    }

    async fn a_change_is_seen_by_the_next_request_on_every_node(db: &TestStore) {
        let world = World::new(db).await;
        let other_node = TestApp::with(
            &db.store,
            curfew_app::testing::TestParts { clock: world.test.clock.clone(), seed: 99, ..Default::default() },
        );
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let made = world.policy(auto(), PERMIT_ALL).await;
        let ask = |app: TestApp| {
            let alice = alice.clone();
            async move {
                let wanted = to_read(account(DEV));
                curfew_app::requests::submit(&app.app, &alice, &Once::unkeyed(), wanted).await.is_ok()
            }
        };
        assert!(ask(world.test.clone()).await && ask(other_node.clone()).await);
        let off = PolicyChange { enabled: Change::To(false), ..PolicyChange::default() };
        let changed = policies::change(&world.test.app, &world.admin, made.policy.id, off).await.unwrap();
        assert_eq!(changed.policy.version, 2);
        assert!(!ask(other_node.clone()).await && !ask(world.test.clone()).await);
        let rules = PolicyChange {
            enabled: Change::To(true),
            policy_set: Change::To("forbid (principal, action, resource);".to_owned()),
            ..PolicyChange::default()
        };
        policies::change(&other_node.app, &world.admin, made.policy.id, rules).await.unwrap();
        assert!(!ask(world.test.clone()).await);
        policies::delete(&world.test.app, &world.admin, made.policy.id, Edit::default()).await.unwrap();
        world.policy(auto(), PERMIT_ALL).await;
        assert!(ask(other_node).await);
    }

    async fn lists_are_paged_newest_first_and_count_rules(db: &TestStore) {
        let world = World::new(db).await;
        for count in 1..=3 {
            world.policy(auto(), &PERMIT_ALL.repeat(count)).await;
        }
        let page = |after| PageRequest { limit: PageLimit::new(2).unwrap(), after };
        let first = policies::list(&world.test.app, &world.admin, page(None)).await.unwrap();
        let second = policies::list(&world.test.app, &world.admin, page(first.next.clone())).await.unwrap();
        let counts: Vec<u32> = first.items.iter().chain(&second.items).map(|policy| policy.rules.0).collect();
        assert_eq!(counts, [3, 2, 1]);
        assert!(second.next.is_none());
    }

    async fn reading_and_changing_policies_takes_its_scope(db: &TestStore) {
        let world = World::new(db).await;
        let (user, approver) = (
            world.person("uma", BuiltInRole::User, None).await,
            world.person("ada", BuiltInRole::Approver, None).await,
        );
        let made = world.policy(auto(), PERMIT_ALL).await;
        let app = &world.test.app;
        assert_eq!(code(policies::get(app, &user, made.policy.id).await), ErrorCode::Forbidden);
        assert!(policies::get(app, &approver, made.policy.id).await.is_ok());
        let created = policies::create(app, &approver, &Once::unkeyed(), new_policy(auto(), PERMIT_ALL)).await;
        assert_eq!(code(created), ErrorCode::Forbidden);
        assert_eq!(
            code(policies::change(app, &approver, made.policy.id, PolicyChange::default()).await),
            ErrorCode::Forbidden
        );
        assert_eq!(code(policies::delete(app, &approver, made.policy.id, Edit::default()).await), ErrorCode::Forbidden);
        let unknown = PolicyId::new(app.now(), app.entropy.as_ref());
        assert_eq!(code(policies::get(app, &world.admin, unknown).await), ErrorCode::NotFound);
        assert_eq!(code(policies::delete(app, &world.admin, unknown, Edit::default()).await), ErrorCode::NotFound);
    }

    async fn each_change_is_logged(db: &TestStore) {
        let world = World::new(db).await;
        let made = world.policy(auto(), PERMIT_ALL).await;
        policies::change(&world.test.app, &world.admin, made.policy.id, PolicyChange::default()).await.unwrap();
        policies::delete(&world.test.app, &world.admin, made.policy.id, Edit::default()).await.unwrap();
        assert_eq!(world.logged().await, ["policy.created", "policy.updated", "policy.deleted"]);
    }
}
