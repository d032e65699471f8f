//! What is warned of where policies are saved.

use curfew_app::aws_resources::{self, PushedResource};
use curfew_app::policies::rules;
use curfew_app::policies::{Edit, NewRule, PolicyChange, RuleChange, Said, WarningCode, Warnings, versions};
use curfew_app::{Made, Once, groups, policies, users};
use curfew_domain::policy::PolicyTerms;
use curfew_domain::request::ApprovalMode;
use curfew_domain::{BuiltInRole, Change, DiscoveredAttributes, GroupId, PolicyId, Seconds};
use curfew_store::on_both_databases;

use crate::groups::group;
use crate::world::*;

use WarningCode::{
    ApproverGroupEmpty, AutoOnManagementAccount, AutoOnTopRank, NeverMatches, PermitForEveryone,
    TooFewApprovers, Unreachable,
};

const MANAGEMENT: &str = "444444444444";
const FOR_USERS: &str = "permit (principal in Role::\"user\", action, resource);";

fn codes(warnings: &Warnings) -> Vec<WarningCode> {
    assert_eq!(warnings.left_out, 0);
    warnings.listed.iter().map(|warning| warning.code).collect()
}

fn as_long_as_can_be() -> PolicyTerms {
    PolicyTerms { maximum: Seconds::of(43_200), ..by_people(1) }
}

async fn prioritised(
    world: &World,
    terms: PolicyTerms,
    priority: i32,
    statements: &str,
) -> policies::PolicyDetail {
    let wanted = policies::NewPolicy { priority, ..new_policy(terms, statements) };
    let made = policies::create(&world.test.app, &world.admin, &Once::unkeyed(), wanted).await.unwrap();
    made.into_inner()
}

async fn rank(world: &World, arn: &str, rank: i32) {
    let pushed = PushedResource {
        resource: set(arn),
        name: "a set".parse().unwrap(),
        account: None,
        metadata: serde_json::Map::new(),
        rank: Some(rank),
        access_level: None,
        exclusive: None,
    };
    aws_resources::push(&world.test.app, &world.admin, &[pushed]).await.unwrap();
}

on_both_databases! {
    async fn every_way_of_saving_a_policy_warns_of_it(db: &TestStore) {
        let world = World::new(db).await;
        let (app, admin) = (&world.test.app, &world.admin);
        let made = world.policy(by_people(1), &format!("{PERMIT_ALL}\nforbid (principal, action, resource) when {{ false }};")).await;
        let (id, rule) = (made.policy.id, made.policy.rules[0].id);
        assert_eq!(codes(&made.warnings), [PermitForEveryone, NeverMatches]);
        assert_eq!((made.warnings.listed[0].policy, made.warnings.listed[0].rule), (Some(id), Some(rule)));
        let narrow = PolicyChange { policy_set: Change::To(FOR_USERS.to_owned()), ..PolicyChange::default() };
        assert_eq!(codes(&policies::change(app, admin, id, narrow).await.unwrap().warnings), []);
        assert_eq!(codes(&policies::get(app, admin, id).await.unwrap().warnings), []);
        let restored = versions::restore(app, admin, id, 1, Edit::default()).await.unwrap();
        assert_eq!(codes(&restored.warnings), [PermitForEveryone, NeverMatches]);
        let shown = policies::get(app, admin, id).await.unwrap();
        assert_eq!(shown.warnings, restored.warnings);
        let ids: Vec<_> = shown.policy.rules.iter().rev().map(|rule| rule.id).collect();
        let reordered = policies::reorder_rules(app, admin, id, &ids, Edit::default()).await.unwrap();
        assert_eq!(codes(&reordered.warnings), [PermitForEveryone, NeverMatches]);
    }

    async fn a_rule_that_is_saved_is_warned_of_and_its_fellows_are_not(db: &TestStore) {
        let world = World::new(db).await;
        let (app, admin) = (&world.test.app, &world.admin);
        let id = world.policy(by_people(1), PERMIT_ALL).await.policy.id;
        let add = async |rule: &str, once: &Once| {
            let said = Said::Text(rule.to_owned());
            let wanted = (NewRule { said, notice: None, audit_session: None }, None);
            rules::add(app, admin, once, id, wanted, Edit::default()).await.unwrap()
        };
        let once = Once::unkeyed();
        let added = add("forbid (principal, action, resource) when { false };", &once).await.into_inner();
        let rule = added.detail.rule.id;
        assert_eq!(codes(&added.warnings), [NeverMatches]);
        assert_eq!(added.warnings.listed[0].rule, Some(rule));
        let to = |text: &str| (RuleChange { text: Change::To(text.to_owned()), ..RuleChange::default() }, None);
        let changed = rules::change(app, admin, id, rule, to(FOR_USERS), Edit::default()).await.unwrap();
        assert_eq!(codes(&changed.warnings), []);
        let changed = rules::change(app, admin, id, rule, to("forbid (principal, action, resource);"), Edit::default()).await.unwrap();
        assert_eq!(codes(&changed.warnings), [], "the permit beside it is pointless now, and that is told of that one");
        let whole = policies::get(app, admin, id).await.unwrap().warnings;
        assert_eq!(codes(&whole), [PermitForEveryone, Unreachable]);
        assert!(matches!(add(FOR_USERS, &Once::unkeyed()).await, Made::Now(rule) if codes(&rule.warnings) == [Unreachable]));
    }

    async fn what_always_decides_before_is_told_by_name_as_long_as_it_takes_part(db: &TestStore) {
        let world = World::new(db).await;
        let (app, admin) = (&world.test.app, &world.admin);
        let low = prioritised(&world, by_people(1), 0, FOR_USERS).await;
        assert_eq!(codes(&low.warnings), []);
        let high = prioritised(&world, as_long_as_can_be(), 10, "permit (principal, action, resource);").await;
        let warnings = high.warnings.listed;
        assert_eq!(warnings.len(), 2, "{warnings:?}");
        assert_eq!((warnings[1].code, warnings[1].policy, warnings[1].rule), (Unreachable, Some(low.policy.id), None));
        assert!(warnings[1].message.contains("\"a policy\" of priority 10 permits every request"), "{warnings:?}");
        let ids: [PolicyId; 2] = [high.policy.id, low.policy.id];
        let ordered = policies::reorder(app, admin, &ids, None).await.unwrap();
        assert_eq!(codes(&ordered.warnings), [Unreachable]);
        let other_way_round = policies::reorder(app, admin, &[ids[1], ids[0]], None).await.unwrap();
        assert_eq!(codes(&other_way_round.warnings), []);
        policies::reorder(app, admin, &ids, None).await.unwrap();
        assert_eq!(codes(&policies::get(app, admin, ids[1]).await.unwrap().warnings), [Unreachable]);
        let off = PolicyChange { enabled: Change::To(false), ..PolicyChange::default() };
        policies::change(app, admin, ids[0], off).await.unwrap();
        assert_eq!(codes(&policies::get(app, admin, ids[1]).await.unwrap().warnings), []);
    }

    async fn too_few_approvers_are_told_by_who_is_active_and_may_approve(db: &TestStore) {
        let world = World::new(db).await;
        let (app, admin) = (&world.test.app, &world.admin);
        let (ann, bob) = (world.person("ann", BuiltInRole::Approver, None).await, world.person("bob", BuiltInRole::Approver, None).await);
        let (alice, group) = (world.person("alice", BuiltInRole::User, None).await, group(&world, "ops", &[]).await);
        let other = World::beside(world.test.clone(), 2).await;
        let terms = |groups: &[GroupId], approvals| PolicyTerms { approver_groups: groups.to_vec(), ..by_people(approvals) };
        let saved = async |terms| codes(&prioritised(&world, terms, 0, FOR_USERS).await.warnings);
        assert_eq!(saved(terms(&[], 3)).await, [], "ann, bob and the admin");
        assert_eq!(saved(terms(&[], 4)).await, [TooFewApprovers]);
        assert_eq!(codes(&prioritised(&other, terms(&[], 2), 0, FOR_USERS).await.warnings), [TooFewApprovers], "another tenant's don't count");
        assert_eq!(saved(PolicyTerms { approver_groups: vec![group], ..auto() }).await, [ApproverGroupEmpty]);

        let policy = prioritised(&world, terms(&[group], 2), 0, FOR_USERS).await;
        assert_eq!(codes(&policy.warnings), [ApproverGroupEmpty]);
        let shown = async || codes(&policies::get(app, admin, policy.policy.id).await.unwrap().warnings);
        for (member, expected) in [(&alice, vec![ApproverGroupEmpty]), (&ann, vec![TooFewApprovers]), (&bob, vec![])] {
            groups::add_member(app, admin, group, member.user, &Once::unkeyed()).await.unwrap();
            assert_eq!(shown().await, expected);
        }
        users::suspend(app, admin, bob.user).await.unwrap();
        assert_eq!(shown().await, [TooFewApprovers]);
    }

    async fn automatic_access_to_what_is_strongest_is_told_by_what_aws_told(db: &TestStore) {
        let world = World::new(db).await;
        let (app, admin) = (&world.test.app, &world.admin);
        let policy = world.policy(auto(), FOR_USERS).await;
        assert_eq!(codes(&policy.warnings), [], "neither is known");
        let other = World::beside(world.test.clone(), 2).await;
        for of in [&world, &other] {
            let attributes = DiscoveredAttributes { is_management: true, ..DiscoveredAttributes::default() };
            of.discovered(account(MANAGEMENT), "Management", Vec::new(), attributes).await;
        }
        let shown = async || codes(&policies::get(app, admin, policy.policy.id).await.unwrap().warnings);
        assert_eq!(shown().await, [AutoOnManagementAccount]);
        rank(&world, READ, 1).await;
        rank(&other, ADMIN, 9).await;
        assert_eq!(shown().await, [AutoOnManagementAccount, AutoOnTopRank]);
        let change = async |statements: &str| {
            let wanted = PolicyChange { policy_set: Change::To(statements.to_owned()), ..PolicyChange::default() };
            codes(&policies::change(app, admin, policy.policy.id, wanted).await.unwrap().warnings)
        };
        let only_read = format!("permit (principal in Role::\"user\", action, resource) when {{ context has permission_set && context.permission_set == AwsPermissionSet::\"{READ}\" }} unless {{ resource is AwsAccount && resource.is_management }};");
        assert_eq!(change(&only_read).await, [AutoOnTopRank]);
        rank(&world, ADMIN, 5).await;
        assert_eq!(shown().await, [], "another one is the strongest now");
        assert_eq!(change(FOR_USERS).await, [AutoOnManagementAccount, AutoOnTopRank]);
        let people = PolicyChange {
            terms: policies::TermsChange { mode: Change::To(ApprovalMode::Require), ..policies::TermsChange::default() },
            ..PolicyChange::default()
        };
        assert_eq!(codes(&policies::change(app, admin, policy.policy.id, people).await.unwrap().warnings), []);
    }
}
