use curfew_app::groups::{self, NewGroup};
use curfew_app::policies::{self, Evaluated, Finding, GroupVerdict, Outcome, PolicyChange, RuleExplanation};
use curfew_app::requests::{self, Circumstances, PersonName, RequestFilter, Supposed, WhatIf};
use curfew_app::{AppError, Caller, Once, settings, users};
use curfew_domain::request::ApprovalMode;
use curfew_domain::{
    Action, BuiltInRole, Change, DiscoveredAttributes, ErrorCode, PageRequest, ResourceRef, Scope, Seconds,
    UserId,
};
use curfew_store::on_both_databases;
use serde_json::json;
use uuid::Uuid;

use crate::world::*;

fn by_email(name: &str) -> PersonName {
    PersonName::Email(format!("{name}@acme.example").parse().unwrap())
}

/// What would be said if Alice asked to read there.
fn alice_reads(resource: ResourceRef) -> Supposed {
    Supposed {
        person: by_email("alice"),
        what_if: WhatIf {
            resource,
            action: Action::Read,
            duration: None,
            groups: Vec::new(),
            circumstances: Circumstances {
                permission_set: Some(READ.parse().unwrap()),
                ..Circumstances::default()
            },
        },
    }
}

async fn evaluated(world: &World, wanted: Supposed) -> Result<Evaluated, AppError> {
    policies::evaluate(&world.test.app, &world.admin, wanted).await
}

async fn reason(world: &World, wanted: Supposed) -> String {
    evaluated(world, wanted).await.unwrap().explanation.reason
}

fn rules(evaluated: &Evaluated) -> Vec<&RuleExplanation> {
    let points = &evaluated.explanation.points;
    points.iter().flat_map(|point| &point.groups).flat_map(|group| &group.rules).collect()
}

on_both_databases! {
    async fn a_denial_names_the_condition_that_failed_and_what_stood_there(db: &TestStore) {
        let world = World::new(db).await;
        world.person("alice", BuiltInRole::User, None).await;
        let policy = world.policy(auto(), "permit (principal, action, resource)\nwhen { context.day_of_week == \
                                           \"monday\" && context.hour >= 8 };").await.policy;
        settings::change(&world.test.app, &world.admin, "time_zone".parse().unwrap(), json!("Europe/Zurich")).await.unwrap();
        let at = |moment: &str| {
            let mut wanted = alice_reads(account(DEV));
            wanted.what_if.circumstances.requested_at = Some(moment.parse().unwrap());
            wanted
        };
        let early = evaluated(&world, at("2026-03-02T06:59:00Z")).await.unwrap();
        let Finding::Failed(failure) = &rules(&early)[0].finding else { panic!("{early:?}") };
        let excerpt = failure.excerpt.as_ref().unwrap();
        assert_eq!((excerpt.text.as_str(), excerpt.line), ("context.hour >= 8", 2));
        assert_eq!(failure.values[0].value, Some(json!(7)));
        assert_eq!(
            early.explanation.reason,
            format!("No policy permits it. Closest: rule {} of 'a policy' fails at context.hour >= 8 (context.hour is 7).", policy.rules[0].id)
        );
        let later = evaluated(&world, at("2026-03-02T07:00:00Z")).await.unwrap();
        assert!(matches!(later.decision.outcome, Outcome::Approved { mode: ApprovalMode::Auto, .. }), "{later:?}");
        assert_eq!(rules(&later)[0].finding, Finding::Matched);
    }

    async fn what_is_said_is_what_a_request_then_gets_and_nothing_is_written(db: &TestStore) {
        let world = World::new(db).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        world.policy(auto(), &format!("permit (principal == User::\"alice@acme.example\", action, resource == AwsAccount::\"{DEV}\");")).await;
        world.policy(by_people(2), &format!("permit (principal, action, resource == AwsAccount::\"{STAGING}\");")).await;
        world.policy(auto(), &format!("@notice(\"frozen\") forbid (principal, action, resource == AwsAccount::\"{PROD}\");")).await;
        let before = world.logged().await;
        let mut said = Vec::new();
        for id in [DEV, STAGING, PROD] {
            said.push(evaluated(&world, alice_reads(account(id))).await.unwrap());
        }
        assert_eq!(world.logged().await, before);
        let requests = requests::list(&world.test.app, &world.admin, None, RequestFilter::default(), PageRequest::default()).await.unwrap();
        assert!(requests.items.is_empty());
        let granted = world.submit(&alice, to_read(account(DEV))).await.unwrap();
        assert!(matches!(&said[0].decision.outcome, Outcome::Approved { terms, .. } if Some(terms.duration) == granted.duration));
        let waiting = world.submit(&alice, to_read(account(STAGING))).await.unwrap();
        assert!(matches!(&said[1].decision.outcome, Outcome::NeedsApproval { requirements, .. } if *requirements == waiting.requirements));
        let refused = world.submit(&alice, to_read(account(PROD))).await;
        let Err(AppError::Forbidden { notices, .. }) = refused else { panic!("{refused:?}") };
        assert_eq!(said[2].decision.notices, notices);
        assert!(said[2].explanation.reason.starts_with("Denied: policy 'a policy' forbids it (rule "), "{}", said[2].explanation.reason);
    }

    async fn a_lockdown_that_covers_it_is_told_besides(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(auto(), PERMIT_ALL).await;
        world.person("alice", BuiltInRole::User, None).await;
        let of = curfew_domain::LockdownOf::Account(DEV.parse().unwrap());
        let ask = curfew_app::lockdowns::NewLockdown { of, reason: "INC-7".parse().unwrap() };
        let app = &world.test.app;
        let lockdown = curfew_app::lockdowns::start(app, &world.admin, ask, &curfew_app::Once::unkeyed()).await;
        let said = evaluated(&world, alice_reads(account(DEV))).await.unwrap();
        assert!(matches!(said.decision.outcome, Outcome::Approved { .. }), "policies have their own say");
        assert_eq!(said.lockdown, Some(lockdown.unwrap().into_inner().id));
        let elsewhere = evaluated(&world, alice_reads(account(STAGING))).await.unwrap();
        assert_eq!(elsewhere.lockdown, None);
    }

    async fn names_are_told_as_they_were_written_and_other_peoples_rules_are_counted(db: &TestStore) {
        let world = World::new(db).await;
        world.person("alice", BuiltInRole::User, None).await;
        world.person("bob", BuiltInRole::User, None).await;
        world.policy(auto(), "permit (principal == User::\"Bob@ACME.example\", action, resource);\n\
                              permit (principal, action, resource) when { principal == User::\"Bob@ACME.example\" };").await;
        let told = evaluated(&world, alice_reads(account(DEV))).await.unwrap();
        let group = &told.explanation.points[0].groups[0];
        assert_eq!((group.verdict, group.other_principals), (GroupVerdict::Silent, 1));
        let Finding::Failed(failure) = &group.rules[0].finding else { panic!("{group:?}") };
        assert_eq!(failure.excerpt.as_ref().unwrap().text, "principal == User::\"Bob@ACME.example\"");
    }

    async fn a_person_is_found_by_id_or_address_and_needs_nothing_of_aws(db: &TestStore) {
        let world = World::new(db).await;
        // Whatever calls AWS here fails the test.
        let stranger = world.stranger("stranger", BuiltInRole::User, None).await;
        world.policy(auto(), PERMIT_ALL).await;
        for principal in [PersonName::Id(stranger.user), by_email("Stranger")] {
            let wanted = Supposed { person: principal, ..alice_reads(account(DEV)) };
            assert!(reason(&world, wanted).await.starts_with("Permitted by"));
        }
    }

    async fn another_tenants_people_are_people_that_never_existed(db: &TestStore) {
        let ours = World::new(db).await;
        let theirs = World::beside(ours.test.clone(), 2).await;
        let tess = theirs.person("tess", BuiltInRole::User, None).await;
        ours.policy(auto(), PERMIT_ALL).await;
        let mut told = Vec::new();
        for principal in [
            PersonName::Id(tess.user),
            by_email("tess"),
            PersonName::Id(UserId::from_uuid(Uuid::from_u128(7))),
            by_email("nobody"),
        ] {
            let wanted = Supposed { person: principal, ..alice_reads(account(DEV)) };
            let Err(AppError::Invalid(problems)) = evaluated(&ours, wanted).await else { panic!("not refused") };
            told.push(problems);
        }
        assert_eq!(told[0][0].path, "principal");
        assert!(told.iter().all(|problems| *problems == told[0]), "{told:?}");
    }

    async fn who_may_not_read_policies_may_not_ask_them(db: &TestStore) {
        let world = World::new(db).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let approver = world.person("ann", BuiltInRole::Approver, None).await;
        let ask = async |caller: &Caller| {
            policies::evaluate(&world.test.app, caller, alice_reads(account(DEV))).await
        };
        assert_eq!(code(ask(&alice).await), ErrorCode::Forbidden);
        assert!(ask(&approver).await.is_ok());
        let reads_policies = Caller { scopes: [Scope::PoliciesRead].into_iter().collect(), ..alice.clone() };
        assert_eq!(code(ask(&reads_policies).await), ErrorCode::Forbidden, "it would tell of somebody, by address");
        let of_herself = Supposed { person: PersonName::Id(alice.user), ..alice_reads(account(DEV)) };
        assert!(policies::evaluate(&world.test.app, &reads_policies, of_herself).await.is_ok());
    }

    async fn what_would_refuse_a_request_before_any_policy_refuses_this(db: &TestStore) {
        let world = World::new(db).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        world.policy(auto(), PERMIT_ALL).await;
        let change = |change: fn(&mut WhatIf)| {
            let mut wanted = alice_reads(account(DEV));
            change(&mut wanted.what_if);
            wanted
        };
        for (wanted, field) in [
            (change(|what| what.resource = account("999999999999")), "resource"),
            (change(|what| what.circumstances.permission_set = None), "context.permission_set_arn"),
            (change(|what| what.circumstances.permission_set = Some(READ.replace("aaaa", "dddd").parse().unwrap())), "context.permission_set_arn"),
            (change(|what| what.resource = set(READ)), "context.account_id"),
            (change(|what| what.circumstances.permission_set = Some(ADMIN.parse().unwrap())), "action"),
            (change(|what| what.duration = Some(Seconds::of(43_201))), "duration_seconds"),
        ] {
            assert_eq!(fields(evaluated(&world, wanted).await), [field]);
        }
        let far = DiscoveredAttributes { out_of_reach: Some("elsewhere".to_owned()), ..DiscoveredAttributes::default() };
        world.discovered(account("555555555555"), "Far", Vec::new(), far).await;
        assert_eq!(fields(evaluated(&world, alice_reads(account("555555555555"))).await), ["resource"]);
        users::suspend(&world.test.app, &world.admin, alice.user).await.unwrap();
        assert_eq!(fields(evaluated(&world, alice_reads(account(DEV))).await), ["principal"]);
        db.tamper("DELETE FROM aws_connection").await;
        let as_admin = Supposed { person: by_email("admin"), ..alice_reads(account(DEV)) };
        assert_eq!(code(evaluated(&world, as_admin).await), ErrorCode::NotConfigured);
    }

    async fn circumstances_are_supposed_and_groups_too(db: &TestStore) {
        let world = World::new(db).await;
        world.person("alice", BuiltInRole::User, None).await;
        world.policy(auto(), "permit (principal, action, resource) when { context.mfa && principal.mfa && context.break_glass \
                              && context has ticket && context.ticket == \"OPS-1\" && context has reason && context.reason \
                              == \"why not\" && context has source_ip && context.source_ip == ip(\"10.0.0.1\") && \
                              context.duration_seconds == 60 };").await;
        let mut wanted = alice_reads(account(DEV));
        wanted.what_if.duration = Some(Seconds::of(60));
        assert!(reason(&world, wanted.clone()).await.contains("fails at context.mfa (context.mfa is false)"));
        let circumstances = &mut wanted.what_if.circumstances;
        circumstances.mfa = Some(true);
        circumstances.break_glass = true;
        circumstances.ticket = Some("OPS-1".to_owned());
        circumstances.reason = Some("why not".parse().unwrap());
        assert!(reason(&world, wanted.clone()).await.contains("fails at context has source_ip (context.source_ip is absent)"));
        wanted.what_if.circumstances.source_ip = Some("10.0.0.1".parse().unwrap());
        assert!(reason(&world, wanted.clone()).await.starts_with("Permitted by"));

        let app = &world.test.app;
        let engineers = NewGroup { name: "engineering".parse().unwrap(), description: None };
        groups::create(app, &world.admin, engineers, &Once::unkeyed()).await.unwrap();
        world.policy(auto(), "forbid (principal in Group::\"engineering\", action, resource);").await;
        assert!(reason(&world, wanted.clone()).await.starts_with("Permitted by"));
        wanted.what_if.groups = vec!["engineering".parse().unwrap()];
        assert!(reason(&world, wanted).await.starts_with("Denied: policy"));
    }

    async fn a_changed_policy_is_explained_as_it_is_now(db: &TestStore) {
        let world = World::new(db).await;
        world.person("alice", BuiltInRole::User, None).await;
        let policy = world.policy(auto(), "permit (principal, action, resource) when { context.mfa };").await.policy;
        assert!(reason(&world, alice_reads(account(DEV))).await.contains("context.mfa"));
        let change = |change: PolicyChange| policies::change(&world.test.app, &world.admin, policy.id, change);
        let text = "permit (principal, action, resource) when { context.break_glass };".to_owned();
        change(PolicyChange { policy_set: Change::To(text), ..PolicyChange::default() }).await.unwrap();
        assert!(reason(&world, alice_reads(account(DEV))).await.contains("context.break_glass"));
        change(PolicyChange { enabled: Change::To(false), ..PolicyChange::default() }).await.unwrap();
        assert_eq!(reason(&world, alice_reads(account(DEV))).await, "No policy permits it. None is enabled.");
    }

    async fn what_changed_while_nobody_asked_why_is_explained_too(db: &TestStore) {
        let world = World::new(db).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        let on = |what: &str| format!("permit (principal, action, resource) when {{ context.{what} }};");
        let first = world.policy(auto(), &on("mfa")).await.policy.id;
        let second = world.policy(auto(), &on("mfa")).await.policy.id;
        let change = async |id, set: String| {
            let wanted = PolicyChange { policy_set: Change::To(set), ..PolicyChange::default() };
            policies::change(&world.test.app, &world.admin, id, wanted).await.unwrap();
        };
        evaluated(&world, alice_reads(account(DEV))).await.unwrap();
        change(first, on("break_glass")).await;
        // Decided, so compiled, and not explained.
        assert_eq!(code(world.submit(&alice, to_read(account(DEV))).await), ErrorCode::Forbidden);
        change(second, on("hour == 99")).await;
        let told = evaluated(&world, alice_reads(account(DEV))).await.unwrap();
        let mut failed: Vec<String> = told.explanation.points[0].groups[0].rules.iter().map(|rule| match &rule.finding {
            Finding::Failed(failure) => failure.excerpt.as_ref().unwrap().text.clone(),
            other => panic!("{other:?}"),
        }).collect();
        failed.sort();
        assert_eq!(failed, ["context.break_glass", "context.hour == 99"]);
    }

    async fn of_a_unit_each_account_is_told_and_what_denies_comes_first(db: &TestStore) {
        let world = World::new(db).await;
        world.person("alice", BuiltInRole::User, None).await;
        world.policy(auto(), &format!("permit (principal, action, resource); \
                                       forbid (principal, action, resource == AwsAccount::\"{STAGING}\");")).await;
        let told = evaluated(&world, alice_reads(unit(LAB))).await.unwrap();
        let points: Vec<_> = told.explanation.points.iter().map(|point| (point.resource.clone(), point.verdict)).collect();
        let ou = format!("AwsOrganizationalUnit::\"{LAB}\"");
        assert_eq!(points, [
            (format!("AwsAccount::\"{STAGING}\""), GroupVerdict::Forbids),
            (format!("AwsAccount::\"{DEV}\""), GroupVerdict::Permits),
            (ou.clone(), GroupVerdict::Permits),
            (ou, GroupVerdict::Permits),
        ]);
    }

    async fn an_address_that_is_not_verified_gets_nothing(db: &TestStore) {
        let world = World::new(db).await;
        world.person("alice", BuiltInRole::User, None).await;
        world.policy(auto(), PERMIT_ALL).await;
        db.tamper("UPDATE app_user SET email_verified = FALSE WHERE email = 'alice@acme.example'").await;
        assert_eq!(fields(evaluated(&world, alice_reads(account(DEV))).await), ["principal"]);
    }
}
