//! Why a decision is what it is.

use std::sync::Arc;

use crate::world::*;
use curfew_domain::policy::{Effect, Policy};
use curfew_domain::request::ApprovalMode;
use curfew_domain::{Action, Seconds};
use curfew_policy::{
    AccessQuestion, CompiledPolicies, Explainer, Explanation, Failure, Fault, Finding, GroupVerdict, Part,
    PassedOver, RuleExplanation, SilentGroups, Statement,
};
use serde_json::{Value, json};

fn explain(policies: &[Policy], question: &AccessQuestion) -> Explanation {
    Explainer::new(policies).explain(question, &ask(policies, question))
}

/// What is said of the one rule of one policy.
fn of_rule(text: &str, question: &AccessQuestion) -> RuleExplanation {
    let explanation = explain(&[policy(1, 0, &[text])], question);
    explanation.points[0].groups[0].rules[0].clone()
}

fn failure(text: &str, question: &AccessQuestion) -> Failure {
    match of_rule(text, question).finding {
        Finding::Failed(failure) => failure,
        other => panic!("{other:?}"),
    }
}

fn text(failure: &Failure) -> &str {
    &failure.excerpt.as_ref().unwrap().text
}

fn values(failure: &Failure) -> Vec<(&str, Option<Value>)> {
    failure.values.iter().map(|seen| (seen.path.as_str(), seen.value.clone())).collect()
}

#[test]
fn the_first_condition_that_fails_is_shown_with_its_place_and_values() {
    let rule = "permit (principal, action, resource)\nwhen {\n  context.hour < 18 && // till six\n  (context.hour \
                >= 13 && context.mfa)\n};";
    let failed = failure(rule, &question());
    assert_eq!((failed.part, text(&failed), failed.met_before), (Part::When, "context.hour >= 13", 1));
    let excerpt = failed.excerpt.as_ref().unwrap();
    assert_eq!((excerpt.line, excerpt.column), (4, 4));
    assert_eq!(values(&failed), [("context.hour", Some(json!(12)))]);
}

#[test]
fn an_unless_stands_in_the_way_as_a_whole() {
    let rule =
        "permit (principal, action, resource) unless { context.hour == 12 && resource.hasTag(\"env\") };";
    let failed = failure(rule, &question());
    assert_eq!(
        (failed.part, text(&failed)),
        (Part::Unless, "context.hour == 12 && resource.hasTag(\"env\")")
    );
    assert_eq!(
        values(&failed),
        [("context.hour", Some(json!(12))), ("resource.getTag(\"env\")", Some(json!("dev")))]
    );
}

#[test]
fn of_a_choice_each_alternative_is_told() {
    let rule = "permit (principal, action, resource)\nwhen { context.mfa || context.hour == 3 || (context.hour == 12 \
                && context has ticket) };";
    let failed = failure(rule, &question());
    let told: Vec<_> =
        failed.alternatives.iter().map(|choice| (choice.text.as_str(), choice.holds)).collect();
    assert_eq!(
        told,
        [
            ("context.mfa", Some(false)),
            ("context.hour == 3", Some(false)),
            ("(context.hour == 12 && context has ticket)", Some(false))
        ]
    );
    assert_eq!(values(&failed)[2], ("context.ticket", None));
}

#[test]
fn values_are_of_every_kind_and_absent_ones_say_so() {
    let mut asked = question();
    asked.source_ip = Some("10.1.2.3".parse().unwrap());
    let failed = failure(
        "permit (principal, action, resource) when { [principal.roles.contains(\"admin\"), \
         resource.getTag(\"env\") == \"prod\", context has reason, context.account == resource, \
         context has source_ip && context.source_ip.isLoopback(), context.mfa, \
         context.requested_at < datetime(\"2020-01-01\"), \
         context has permission_set && context.permission_set has rank].isEmpty() };",
        &asked,
    );
    assert_eq!(
        values(&failed),
        [
            ("principal.roles", Some(json!(["user"]))),
            ("resource.getTag(\"env\")", Some(json!("dev"))),
            ("context.reason", None),
            ("context.account", Some(json!("AwsAccount::\"111111111111\""))),
            ("resource", Some(json!("AwsAccount::\"111111111111\""))),
            ("context.source_ip", Some(json!("ip(\"10.1.2.3\")"))),
            ("context.mfa", Some(json!(false))),
            ("context.requested_at", Some(json!("datetime(\"2026-03-01T12:00:00.123Z\")"))),
            ("context.permission_set", Some(json!(format!("AwsPermissionSet::\"{SET}\"")))),
            ("context.permission_set.rank", Some(json!(1))),
        ]
    );
}

#[test]
fn what_a_person_is_in_is_told_where_it_is_asked() {
    let rule = "permit (principal, action, resource) when { principal in Role::\"admin\" };";
    let failed = failure(rule, &question());
    assert_eq!(text(&failed), "principal in Role::\"admin\"");
    assert_eq!(
        failed.values[0].lies_in,
        ["Group::\"00000000-0000-0000-0000-0000000000e1\"", "Role::\"user\""]
    );
}

#[test]
fn what_is_large_is_cut() {
    let mut asked = question();
    asked.reason = Some("x".repeat(2_000));
    asked.person.roles = (0..50).map(|n| format!("role-{n:02}").parse().unwrap()).collect();
    let long = format!("context.reason == \"{}\"", "y".repeat(2_000));
    let rule = format!("permit (principal, action, resource) when {{ context has reason && {long} }};");
    let failed = failure(&rule, &asked);
    assert_eq!(text(&failed).chars().count(), 501);
    assert_eq!(failed.values[0].value.as_ref().unwrap().as_str().unwrap().chars().count(), 201);
    let rule = "permit (principal, action, resource) when { principal.roles.contains(\"x\") };";
    let failed = failure(rule, &asked);
    let roles = failed.values[0].value.as_ref().unwrap().as_array().unwrap();
    assert_eq!((roles.len(), &roles[20]), (21, &json!("… 30 more")));
    let reason = explain(
        &[policy(
            1,
            0,
            &[&format!("permit (principal, action, resource) when {{ context has reason && {long} }};")],
        )],
        &asked,
    )
    .reason;
    assert!(reason.len() < 600, "{reason}");
}

#[test]
fn names_are_shown_as_they_were_written() {
    let mut policy = policy(
        1,
        0,
        &["permit (principal in Group::\"engineers\", action, resource)\nwhen { principal == \
                                     User::\"bob@acme.example\" && context.mfa };"],
    );
    policy.rules[0].resolved = policy.rules[0]
        .text
        .replace("engineers", ENGINEERS)
        .replace("bob@acme.example", "00000000-0000-0000-0000-000000000002");
    let explanation = explain(&[policy], &question());
    let Finding::Failed(failed) = &explanation.points[0].groups[0].rules[0].finding else { panic!() };
    assert_eq!(text(failed), "principal == User::\"bob@acme.example\"");
    assert_eq!(failed.excerpt.as_ref().unwrap().line, 2);
    assert!(
        explanation.reason.contains("fails at principal == User::\"bob@acme.example\""),
        "{}",
        explanation.reason
    );
}

#[test]
fn groups_that_speak_of_others_alone_are_counted_and_not_traced() {
    let others = format!("permit (principal == User::\"{}\", action, resource);", id(9));
    let elsewhere = format!("permit (principal, action, resource == AwsAccount::\"{PROD}\");");
    let to_write = "permit (principal, action == Action::\"write\", resource);";
    let policies = [
        policy(1, 9, &[&others, &elsewhere, &elsewhere]),
        policy(2, 8, &[&others]),
        policy(3, 7, &[to_write, &others]),
        policy(4, 6, &[PERMIT_ALL]),
        policy(5, 5, &[&others]),
    ];
    let priorities = |explanation: &Explanation| -> Vec<i32> {
        explanation.points[0].groups.iter().map(|group| group.priority).collect()
    };
    let decision = ask(&policies, &question());
    assert_eq!(decision.trace[0].groups.len(), 1);
    assert_eq!(decision.trace[0].silent_groups, 3);
    let permitted = explain(&policies, &question());
    assert_eq!(priorities(&permitted), [7, 6], "what is for another action is explained");
    let point = &permitted.points[0];
    assert_eq!(point.silent, SilentGroups { groups: 2, other_principals: 2, other_resources: 2 });
    assert_eq!(point.groups[0].other_principals, 1);

    let denied = explain(&policies[..2], &question());
    assert_eq!(priorities(&denied), [0; 0]);
    assert_eq!(
        denied.reason,
        "No policy permits it. No permit is for this person and resource (rules for other people: 2, for other resources: 2)."
    );
}

#[test]
fn every_way_to_speak_of_a_principal_and_a_resource_is_counted_as_cedar_takes_it() {
    let (alice, engineers) = (format!("User::\"{ALICE}\""), format!("Group::\"{ENGINEERS}\""));
    let principals = [
        "principal".to_owned(),
        "principal is User".to_owned(),
        "principal is Group".to_owned(),
        format!("principal == {alice}"),
        format!("principal in {alice}"),
        "principal == User::\"bob\"".to_owned(),
        format!("principal in {engineers}"),
        format!("principal is User in {engineers}"),
        format!("principal is Group in {engineers}"),
        format!("principal == {engineers}"),
        "principal in Group::\"others\"".to_owned(),
    ];
    let resources = [
        "resource".to_owned(),
        "resource is AwsAccount".to_owned(),
        "resource is AwsS3Bucket".to_owned(),
        format!("resource == AwsAccount::\"{DEV}\""),
        format!("resource in AwsAccount::\"{DEV}\""),
        format!("resource in AwsOrganizationalUnit::\"{TOP_OU}\""),
        format!("resource is AwsS3Bucket in AwsOrganizationalUnit::\"{TOP_OU}\""),
        format!("resource == AwsOrganizationalUnit::\"{DEV_OU}\""),
        format!("resource == AwsAccount::\"{PROD}\""),
    ];
    let rule = |principal: &str, resource: &str| format!("permit ({principal}, action, {resource});");
    let fits = |rule: String| !is_denied(&ask(&[policy(1, 0, &[&rule])], &question()));
    let (mut rules, mut of_principal, mut of_both) = (Vec::new(), 0, 0);
    for (principal, resource) in
        principals.iter().flat_map(|principal| resources.iter().map(move |resource| (principal, resource)))
    {
        of_principal += usize::from(fits(rule(principal, "resource")));
        of_both += usize::from(fits(rule(principal, resource)));
        rules.push(rule(principal, resource));
    }
    let rules: Vec<&str> = rules.iter().map(String::as_str).collect();
    // In two policies of one group, beside one that can't be read and one of another group.
    let (some, more) = rules.split_at(30);
    let policies = [
        policy(1, 5, some),
        policy(2, 5, more),
        policy(3, 5, &["no rule at all"]),
        policy(4, 4, &[PERMIT_ALL]),
    ];
    let group = &explain(&policies, &question()).points[0].groups[0];
    assert_eq!(group.other_principals, rules.len() - of_principal);
    assert_eq!(group.other_resources, of_principal - of_both);
    assert_eq!(group.rules.len() + group.rules_left_out, of_both + 1, "and the one that can't be read");
}

#[test]
fn rules_of_other_people_and_resources_are_counted_and_those_for_other_actions_explained() {
    let others = format!("permit (principal == User::\"{}\", action, resource);", id(9));
    let rules = [
        &others,
        &others,
        "permit (principal in Group::\"x\", action, resource);",
        "permit (principal, action, resource == AwsAccount::\"222222222222\");",
        "permit (principal, action, resource is AwsS3Bucket);",
        "permit (principal, action == Action::\"write\", resource in AwsOrganizationalUnit::\"ou-ab12-00000000\");",
        "permit (principal in Role::\"user\", action in Action::\"request_access\", resource) when { context.mfa };",
    ];
    let explanation = explain(&[policy(1, 0, &rules)], &question());
    let group = &explanation.points[0].groups[0];
    assert_eq!((group.other_principals, group.other_resources, group.rules_left_out), (3, 2, 0));
    let parts: Vec<_> = group
        .rules
        .iter()
        .map(|rule| match &rule.finding {
            Finding::Failed(failed) => (failed.part, text(failed)),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(parts, [(Part::When, "context.mfa"), (Part::Action, "action == Action::\"write\"")]);
}

#[test]
fn a_rule_that_can_not_be_evaluated_says_where_and_why() {
    let mut asked = question();
    asked.reason = Some("no address".to_owned());
    let explained = of_rule(
        "forbid (principal, action, resource) when { context has reason && ip(context.reason).isLoopback() };",
        &asked,
    );
    let Finding::Erred { message, at } = &explained.finding else { panic!("{explained:?}") };
    assert_eq!(text(at), "ip(context.reason).isLoopback()");
    assert_eq!(values(at), [("context.reason", Some(json!("no address")))]);
    assert!(message.contains("no address"), "{message}");
    let broken = of_rule("permit (", &question());
    let Finding::Erred { at, .. } = &broken.finding else { panic!("{broken:?}") };
    assert_eq!((broken.effect, at.part, &at.excerpt), (Effect::Forbid, Part::Rule, &None));
}

#[test]
fn what_could_not_be_evaluated_as_a_whole_is_no_match_because_its_parts_can() {
    let policies = [policy(1, 0, &[PERMIT_ALL])];
    let mut decision = ask(&policies, &question());
    let group = &mut decision.trace[0].groups[0];
    let fault = Fault {
        policy: Some(policies[0].id),
        rule: group.permits.pop(),
        message: "recursion limit reached".to_owned(),
    };
    group.verdict = GroupVerdict::Forbids;
    decision.faults.push(fault);
    let explanation = Explainer::new(&policies).explain(&question(), &decision);
    let finding = &explanation.points[0].groups[0].rules[0].finding;
    assert!(
        matches!(finding, Finding::Erred { message, .. } if message == "recursion limit reached"),
        "{finding:?}"
    );
}

#[test]
fn permits_that_matched_and_do_not_count_say_why() {
    let short = on_terms(policy(1, 0, &[PERMIT_ALL]), |terms| terms.maximum = Seconds::of(600));
    let emergencies = on_terms(policy(2, 0, &[PERMIT_ALL]), |terms| terms.mode = ApprovalMode::BreakGlass);
    let policies = [short, emergencies];
    let explanation = explain(&policies, &question());
    let found: Vec<_> =
        explanation.points[0].groups[0].rules.iter().map(|rule| rule.finding.clone()).collect();
    assert_eq!(
        found,
        [
            Finding::PassedOver(PassedOver::AboveMaximum {
                policy: policies[0].id,
                maximum: Seconds::of(600)
            }),
            Finding::PassedOver(PassedOver::EmergencyOnly { policy: policies[1].id }),
        ]
    );
    assert_eq!(
        explanation.reason,
        "No policy permits it for that long; 600 seconds at most would be permitted."
    );
}

#[test]
fn what_was_not_asked_is_not_explained() {
    let policies = [
        policy(1, 10, &["permit (principal, action, resource) when { context.mfa };"]),
        policy(2, 5, &[PERMIT_ALL, "permit (principal, action, resource) when { context.hour == 1 };"]),
        policy(3, 0, &[FORBID_ALL]),
    ];
    let explanation = explain(&policies, &question());
    let groups = &explanation.points[0].groups;
    let verdicts: Vec<_> = groups.iter().map(|group| (group.priority, group.verdict)).collect();
    assert_eq!(verdicts, [(10, GroupVerdict::Silent), (5, GroupVerdict::Permits)]);
    assert_eq!(groups[1].rules[0].finding, Finding::Matched);
    assert!(matches!(groups[1].rules[1].finding, Finding::Failed(_)));
    assert_eq!(explanation.points[0].verdict, GroupVerdict::Permits);
}

#[test]
fn each_policy_is_explained_by_the_duration_that_it_judged_by() {
    let rule = "permit (principal, action, resource) when { context.duration_seconds == 1 };";
    let short = on_terms(policy(1, 0, &[rule]), |terms| terms.default = Some(Seconds::of(600)));
    let mut asked = question();
    asked.duration = None;
    let explanation = explain(&[short, policy(2, 0, &[rule])], &asked);
    let rules = &explanation.points[0].groups[0].rules;
    let durations: Vec<_> = rules.iter().map(|rule| rule.duration).collect();
    assert_eq!(durations, [Seconds::of(600), HOUR]);
    let Finding::Failed(failed) = &rules[0].finding else { panic!() };
    assert_eq!(values(failed), [("context.duration_seconds", Some(json!(600)))]);
}

#[test]
fn many_rules_stay_a_short_trace() {
    let failing = vec!["permit (principal, action, resource) when { context.mfa };"; 150];
    let mut rules = failing.clone();
    rules.push(PERMIT_ALL);
    let explanation = explain(&[policy(1, 0, &rules)], &question());
    let group = &explanation.points[0].groups[0];
    assert_eq!((group.rules.len(), group.rules_left_out), (100, 51));
    assert_eq!(group.rules[0].finding, Finding::Matched, "what decided is never left out");

    let mut asked = question();
    asked.targets = (0..60).map(|n| target(&format!("{:012}", n + 1))).collect();
    asked.targets.push(target(DEV));
    let forbidden =
        policy(1, 0, &[PERMIT_ALL, "forbid (principal, action, resource == AwsAccount::\"111111111111\");"]);
    let explanation = explain(&[forbidden], &asked);
    assert_eq!((explanation.points.len(), explanation.points_left_out), (50, 11));
    assert_eq!(explanation.points[0].account.as_str(), DEV, "what denied comes first");
    let many = explain(&[policy(1, 0, &failing)], &asked);
    let shown: usize = many.points.iter().map(|point| point.groups[0].rules.len()).sum();
    assert_eq!(shown, 500);
}

#[test]
fn permits_are_explained_before_forbids_that_do_not_match() {
    let forbids = vec!["forbid (principal, action, resource) when { context.mfa };"; 150];
    let mut rules = forbids.clone();
    rules.push("permit (principal, action, resource) when { context.hour == 1 };");
    let explanation = explain(&[policy(1, 0, &rules)], &question());
    assert_eq!(explanation.points[0].groups[0].rules[0].effect, Effect::Permit);
    assert!(explanation.reason.contains("context.hour == 1"), "{}", explanation.reason);
    let forbidding = explain(&[policy(1, 0, &forbids)], &question());
    assert!(
        forbidding.reason.ends_with("None of the first 100 rules for this person and resource comes close.")
    );
}

#[test]
fn whatever_is_accepted_as_a_rule_is_explained_on_a_small_stack() {
    let chain = |operator: &str| vec!["context.mfa"; 190].join(operator);
    let deep = format!("{}context.mfa{}", "(".repeat(18), ")".repeat(18));
    let ifs = format!("{}context.mfa", "if context.mfa then true else ".repeat(18));
    let sum = format!("1 == {}1", "1 + ".repeat(290));
    let explained = move || {
        for condition in [chain(" && "), chain(" || "), deep, ifs, sum] {
            let rule = format!("permit (principal, action, resource) when {{ {condition} }};");
            assert!(Statement::one(&rule).is_ok(), "{condition}");
            of_rule(&rule, &question());
        }
    };
    std::thread::Builder::new().stack_size(2 * 1_024 * 1_024).spawn(explained).unwrap().join().unwrap();
}

#[test]
fn a_new_explainer_says_what_a_fresh_one_says() {
    let before =
        [policy(1, 0, &[PERMIT_ALL, FORBID_ALL]), policy(2, 1, &[PERMIT_ALL]), policy(3, 2, &[FORBID_ALL])];
    let mut after = before[..2].to_vec();
    after[0].rules[1].text = "forbid (principal, action, resource) when { context.mfa };".to_owned();
    after[0].rules[1].resolved = after[0].rules[1].text.clone();
    after[1].enabled = false;
    let decision = ask(&after, &question());
    let fresh = Explainer::new(&after).explain(&question(), &decision);
    let gone = before[2].id;
    for compiled in [CompiledPolicies::new(&after), CompiledPolicies::new(&before).with(&after, [gone])] {
        let next = Explainer::new(&before).with(&after, [gone], Arc::new(compiled));
        assert_eq!(next.explain(&question(), &decision), fresh);
    }
}

#[test]
fn reasons_are_sentences() {
    let reason = |policies: &[Policy], question: &AccessQuestion| explain(policies, question).reason;
    let rule = |n: u128| curfew_domain::RuleId::from_uuid(id(n));
    let asked = question();
    assert_eq!(
        reason(&[policy(1, 0, &[PERMIT_ALL])], &asked),
        "Permitted by 'policy 1', at once, for 3600 seconds (28800 at most)."
    );
    let people = |n: u128, approvals| {
        on_terms(policy(n, 0, &[PERMIT_ALL]), |terms| {
            terms.mode = ApprovalMode::Require;
            terms.approvals_required = approvals;
            terms.maximum = HOUR;
        })
    };
    assert_eq!(
        reason(&[people(1, 1), people(2, 2)], &asked),
        "Permitted by 'policy 1' and 'policy 2', once approved by 1 person ('policy 1') and by 2 people ('policy 2'), \
         for 3600 seconds at most."
    );
    let mut old = asked.clone();
    old.facts_are_fresh = false;
    assert!(
        reason(&[policy(1, 0, &[PERMIT_ALL])], &old)
            .ends_with("What AWS told is old, so nothing is approved at once.")
    );
    assert_eq!(
        reason(&[policy(1, 0, &[PERMIT_ALL, FORBID_ALL])], &asked),
        format!("Denied: policy 'policy 1' forbids it (rule {}).", rule(1_001))
    );
    assert!(
        reason(&[policy(1, 0, &["permit ("])], &asked)
            .contains("could not be evaluated, which counts as forbidding")
    );
    let close = [
        policy(1, 5, &["permit (principal, action == Action::\"write\", resource);"]),
        policy(
            2,
            0,
            &[
                "permit (principal, action, resource) when { context.mfa };",
                "permit (principal, action, resource) when { context.hour < 20 && context.hour < 8 };",
            ],
        ),
    ];
    assert_eq!(
        reason(&close, &asked),
        format!(
            "No policy permits it. Closest: rule {} of 'policy 2' fails at context.hour < 8 (context.hour is 12).",
            rule(2_001)
        )
    );
    assert_eq!(
        reason(&close[..1], &asked),
        format!(
            "No policy permits it. Closest: rule {} of 'policy 1' is for action == Action::\"write\" (action is Action::\"read\").",
            rule(1_000)
        )
    );
    assert_eq!(
        reason(&[policy(1, 0, &["permit (principal in Group::\"x\", action, resource);"])], &asked),
        "No policy permits it. No permit is for this person and resource (rules for other people: 1, for other resources: 0)."
    );
    assert_eq!(reason(&[], &asked), "No policy permits it. None is enabled.");
    let mut nothing = asked.clone();
    nothing.targets.clear();
    assert_eq!(
        reason(&[policy(1, 0, &[PERMIT_ALL])], &nothing),
        "Denied: policies can't be asked this: nothing is asked for."
    );
    let mut admin = asked;
    admin.action = Action::Admin;
    assert!(reason(&close[..1], &admin).contains("action is Action::\"admin\""));
}
