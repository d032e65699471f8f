//! How requests are decided: product.md, "How a request is decided".

use crate::world::*;
use curfew_domain::policy::Policy;
use curfew_domain::request::ApprovalMode;
use curfew_domain::{Action, PolicyId, Seconds};
use curfew_policy::{Denial, NamedResource, Outcome, Statement};

fn approved_as(decision: &curfew_policy::Decision) -> Option<ApprovalMode> {
    match &decision.outcome {
        Outcome::Approved { mode, .. } => Some(*mode),
        Outcome::NeedsApproval { .. } => Some(ApprovalMode::Require),
        Outcome::Denied { .. } => None,
    }
}

fn would_do(decision: &curfew_policy::Decision) -> Option<Seconds> {
    match &decision.outcome {
        Outcome::Denied { max_duration, .. } => *max_duration,
        other => panic!("not denied: {other:?}"),
    }
}

#[test]
fn what_no_policy_permits_is_denied() {
    assert!(is_denied(&ask(&[], &question())));
    let other = policy(1, 0, &["permit (principal, action == Action::\"admin\", resource);"]);
    let decision = ask(&[other], &question());
    assert_eq!(decision.outcome, Outcome::Denied { denial: Denial::NotPermitted, max_duration: None });
    assert_eq!((&decision.trace[0].groups[..], decision.trace[0].silent_groups), (&[][..], 1));
}

#[test]
fn a_request_for_nothing_is_denied() {
    let mut nothing = question();
    nothing.targets.clear();
    let decision = ask(&[policy(1, 0, &[PERMIT_ALL])], &nothing);
    assert!(matches!(decision.outcome, Outcome::Denied { denial: Denial::Unanswerable, .. }));
}

#[test]
fn an_approval_names_policy_version_rule_and_notice() {
    let permit = "@notice(\"x\") permit (principal in Group::\"00000000-0000-0000-0000-0000000000e1\", action, resource);";
    let decision = ask(&[policy(1, 0, &[FORBID_NOBODY, permit])], &question());
    assert_eq!(approved_as(&decision), Some(ApprovalMode::Auto));
    assert_eq!(decision.notices, ["notice 1.1"]);
    assert_eq!((decision.determining.len(), decision.determining[0].version), (1, 11));
    assert_eq!(decision.determining[0].rules.len(), 1);
    assert!(decision.audit_session);
    let same = serde_json::from_str(&serde_json::to_string(&decision).unwrap()).unwrap();
    assert_eq!(decision, same);
}

const FORBID_NOBODY: &str = "forbid (principal, action, resource) when { context.hour > 23 };";

#[test]
fn a_forbid_wins_in_its_group_and_its_notice_is_told() {
    let forbid = "@notice(\"x\") forbid (principal, action, resource is AwsAccount);";
    let decision = ask(&[policy(1, 0, &[PERMIT_ALL]), policy(2, 0, &[forbid])], &question());
    assert_eq!(decision.outcome, Outcome::Denied { denial: Denial::Forbidden, max_duration: None });
    assert_eq!(decision.notices, ["notice 2.0"]);
    assert_eq!(decision.determining[0].policy, PolicyId::from_uuid(id(2)));
}

#[test]
fn a_lower_group_never_overturns_a_higher_one() {
    let permitted = ask(&[policy(1, 5, &[PERMIT_ALL]), policy(2, 4, &[FORBID_ALL])], &question());
    assert_eq!(approved_as(&permitted), Some(ApprovalMode::Auto));
    let denied = ask(&[policy(1, 4, &[PERMIT_ALL]), policy(2, 5, &[FORBID_ALL])], &question());
    assert!(is_denied(&denied));
    let silent = ask(&[policy(1, 4, &[PERMIT_ALL]), policy(2, 5, &[FORBID_NOBODY])], &question());
    assert_eq!(approved_as(&silent), Some(ApprovalMode::Auto));
    assert_eq!(silent.trace[0].groups.len(), 2);
}

#[test]
fn a_disabled_policy_takes_no_part() {
    let mut forbid = policy(2, 9, &[FORBID_ALL]);
    forbid.enabled = false;
    assert!(!is_denied(&ask(&[policy(1, 0, &[PERMIT_ALL]), forbid], &question())));
}

#[test]
fn the_strictest_mode_wins_and_each_policys_approvals_are_kept_apart() {
    let one = on_terms(policy(1, 0, &[PERMIT_ALL]), |terms| {
        terms.mode = ApprovalMode::Require;
        terms.approvals_required = 2;
        terms.approval_timeout = Some(Seconds::of(600));
    });
    let two = on_terms(policy(2, 0, &[PERMIT_ALL]), |terms| {
        terms.mode = ApprovalMode::Require;
        terms.approval_timeout = Some(Seconds::of(60));
        terms.maximum = Seconds::of(7_200);
    });
    let auto = policy(3, 0, &[PERMIT_ALL]);
    let decision = ask(&[one, two, auto], &question());
    let Outcome::NeedsApproval { requirements, terms } = &decision.outcome else { panic!("{decision:?}") };
    assert_eq!(requirements.iter().map(|asked| asked.approvals).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(terms.approval_timeout, Some(Seconds::of(60)));
    assert_eq!(terms.maximum, Seconds::of(7_200));
}

#[test]
fn above_a_policys_maximum_its_permits_do_not_match_and_its_forbids_do() {
    let short = on_terms(policy(1, 0, &[PERMIT_ALL]), |terms| terms.maximum = Seconds::of(1_800));
    let shorter = on_terms(policy(2, 0, &[PERMIT_ALL]), |terms| terms.maximum = Seconds::of(900));
    let decision = ask(&[short.clone(), shorter], &question());
    assert_eq!(would_do(&decision), Some(Seconds::of(1_800)));
    let forbid = on_terms(policy(3, 0, &[FORBID_ALL]), |terms| terms.maximum = Seconds::of(900));
    let decision = ask(&[short, policy(4, 0, &[PERMIT_ALL]), forbid], &question());
    assert_eq!(would_do(&decision), None);
}

#[test]
fn a_permission_set_whose_sessions_outlast_the_grant_can_be_refused() {
    let rule = "forbid (principal, action, resource) when { context has permission_set \
                && context.permission_set.session_seconds > context.duration_seconds };";
    let policies = [policy(1, 0, &[PERMIT_ALL]), policy(2, 10, &[rule])];
    let mut asked = question();
    for (duration, refused) in [(HOUR, false), (Seconds::of(3_599), true), (Seconds::of(7_200), false)] {
        asked.duration = Some(duration);
        assert_eq!(is_denied(&ask(&policies, &asked)), refused, "{duration:?}");
    }
}

#[test]
fn without_a_duration_each_policy_judges_by_its_own() {
    let mut asked = question();
    asked.duration = None;
    let condition = "permit (principal, action, resource) when { context.duration_seconds == 7200 };";
    let own_default = on_terms(policy(1, 0, &[condition]), |terms| terms.default = Some(Seconds::of(7_200)));
    assert_eq!(terms(&ask(std::slice::from_ref(&own_default), &asked)).duration, Seconds::of(7_200));
    assert_eq!(terms(&ask(&[policy(2, 0, &[PERMIT_ALL])], &asked)).duration, HOUR);
    let short = on_terms(policy(3, 0, &[PERMIT_ALL]), |terms| terms.maximum = Seconds::of(60));
    assert_eq!(terms(&ask(&[short], &asked)).duration, Seconds::of(60));
    asked.longest = Seconds::of(1_000);
    assert_eq!(terms(&ask(&[policy(2, 0, &[PERMIT_ALL])], &asked)).duration, Seconds::of(1_000));
}

#[test]
fn the_duration_that_is_given_must_stand_by_itself() {
    let mut asked = question();
    asked.duration = None;
    // Judged by its own quarter of an hour the forbid is silent; what is given is an hour.
    let over = "forbid (principal, action, resource) when { context.duration_seconds > 1800 };";
    let forbid = on_terms(policy(2, 0, &[over]), |terms| terms.default = Some(Seconds::of(900)));
    assert!(is_denied(&ask(&[policy(1, 0, &[PERMIT_ALL]), forbid], &asked)));
}

#[test]
fn an_error_counts_as_forbid_in_its_group_and_is_told() {
    let broken = "permit (principal, action, resource) when { ip(context.reason).isLoopback() };";
    let mut asked = question();
    asked.reason = Some("no address".to_owned());
    let decision = ask(&[policy(1, 0, &[PERMIT_ALL]), policy(2, 0, &[broken])], &asked);
    assert!(matches!(decision.outcome, Outcome::Denied { denial: Denial::Forbidden, .. }));
    assert_eq!(decision.faults.len(), 1);
    assert_eq!(decision.faults[0].policy, Some(PolicyId::from_uuid(id(2))));
    let lower = ask(&[policy(1, 1, &[PERMIT_ALL]), policy(2, 0, &[broken])], &asked);
    assert!(!is_denied(&lower), "a group that is not asked can't fail");
}

#[test]
fn a_rule_that_does_not_parse_any_more_forbids_where_its_group_is_asked() {
    let decision = ask(&[policy(1, 0, &[PERMIT_ALL]), policy(2, 0, &["permit ("])], &question());
    assert!(is_denied(&decision));
    assert_eq!(decision.faults.len(), 1);
    assert_eq!(decision.determining[0].policy, PolicyId::from_uuid(id(2)));
}

#[test]
fn every_target_and_what_was_named_must_be_permitted() {
    let dev_only = policy(1, 0, &["permit (principal, action, resource == AwsAccount::\"111111111111\");"]);
    let mut both = question();
    both.targets.push(target(PROD));
    assert!(!is_denied(&ask(std::slice::from_ref(&dev_only), &question())));
    assert!(is_denied(&ask(std::slice::from_ref(&dev_only), &both)));

    let mut by_set = question();
    let resource = format!("aws_permission_set:{SET}").parse().unwrap();
    by_set.named = Some(NamedResource { resource, account: None });
    assert!(is_denied(&ask(std::slice::from_ref(&dev_only), &by_set)), "the set itself is not permitted");
    let set_too = policy(2, 0, &["permit (principal, action, resource is AwsPermissionSet);"]);
    assert!(!is_denied(&ask(&[dev_only, set_too.clone()], &by_set)));
    assert!(is_denied(&ask(&[set_too], &by_set)), "the account itself is not permitted");
}

#[test]
fn a_rule_on_an_account_can_not_be_walked_around_through_a_bucket_or_its_unit() {
    let permit = policy(1, 0, &[PERMIT_ALL]);
    let forbid = policy(2, 0, &["forbid (principal, action, resource == AwsAccount::\"111111111111\");"]);
    for named in ["aws_s3_bucket:logs", "aws_organizational_unit:ou-ab12-11111111"] {
        let mut asked = question();
        let account = Some(DEV.parse().unwrap());
        asked.named = Some(NamedResource { resource: named.parse().unwrap(), account });
        assert!(!is_denied(&ask(std::slice::from_ref(&permit), &asked)));
        assert!(is_denied(&ask(&[permit.clone(), forbid.clone()], &asked)), "{named}");
    }
    let in_account = policy(3, 0, &["permit (principal, action, resource in AwsAccount::\"111111111111\");"]);
    let mut bucket = question();
    let account = Some(DEV.parse().unwrap());
    bucket.named = Some(NamedResource { resource: "aws_s3_bucket:logs".parse().unwrap(), account });
    assert!(!is_denied(&ask(&[in_account], &bucket)));
}

#[test]
fn units_are_nested_and_tags_are_seen() {
    let nested = policy(
        1,
        0,
        &["permit (principal, action, resource in AwsOrganizationalUnit::\"ou-ab12-00000000\");"],
    );
    assert!(!is_denied(&ask(&[nested], &question())));
    let tag = "permit (principal, action, resource is AwsAccount) when { resource.hasTag(\"env\") && \
               resource.getTag(\"env\") == \"dev\" && context.account == resource && context has permission_set && \
               context.permission_set.name == \"ReadOnly\" && context.requested_at > datetime(\"2026-03-01\") && \
               context.day_of_week == \"sunday\" };";
    let tagged = policy(2, 0, &[tag]);
    assert!(!is_denied(&ask(std::slice::from_ref(&tagged), &question())));
    let mut prod = question();
    prod.targets = vec![target(PROD)];
    assert!(is_denied(&ask(&[tagged], &prod)));
}

#[test]
fn request_access_is_the_group_of_the_other_actions() {
    let all = policy(1, 0, &["permit (principal, action in Action::\"request_access\", resource);"]);
    let just = policy(2, 0, &["permit (principal, action == Action::\"request_access\", resource);"]);
    for action in Action::ALL {
        let mut asked = question();
        asked.action = action;
        assert!(!is_denied(&ask(std::slice::from_ref(&all), &asked)));
        assert_eq!(is_denied(&ask(std::slice::from_ref(&just), &asked)), action != Action::RequestAccess);
    }
}

#[test]
fn stale_facts_never_approve_by_themselves() {
    let mut stale = question();
    stale.facts_are_fresh = false;
    let decision = ask(&[policy(1, 0, &[PERMIT_ALL])], &stale);
    let Outcome::NeedsApproval { requirements, .. } = &decision.outcome else { panic!("{decision:?}") };
    assert_eq!(requirements[0].approvals, 1);
}

/// One that approvals bind, but for emergencies of ten minutes.
fn allowing() -> Policy {
    on_terms(policy(1, 0, &[PERMIT_ALL]), |terms| {
        terms.mode = ApprovalMode::Require;
        terms.allow_break_glass = true;
        terms.break_glass_maximum = Some(Seconds::of(600));
    })
}

#[test]
fn an_emergency_passes_where_a_determining_policy_allows_it_and_no_forbid_matches() {
    let mut emergency = question();
    emergency.duration = Some(Seconds::of(300));
    assert_eq!(approved_as(&ask(&[allowing()], &emergency)), Some(ApprovalMode::Require));
    emergency.break_glass = true;
    assert_eq!(approved_as(&ask(&[allowing()], &emergency)), Some(ApprovalMode::BreakGlass));
    let forbidden = ask(&[allowing(), policy(2, 0, &[FORBID_ALL])], &emergency);
    assert!(is_denied(&forbidden), "forbids bind an emergency too");
    let broken = ask(&[allowing(), policy(2, 0, &["permit ("])], &emergency);
    assert!(is_denied(&broken), "what can't be evaluated forbids it too");
}

#[test]
fn an_emergency_lasts_no_longer_than_emergencies_do() {
    let mut emergency = question();
    emergency.break_glass = true;
    emergency.duration = None;
    let decision = ask(&[allowing()], &emergency);
    assert_eq!(approved_as(&decision), Some(ApprovalMode::BreakGlass));
    assert_eq!(terms(&decision).duration, Seconds::of(600), "what nobody named is cut");
    let would_do = Outcome::Denied { denial: Denial::NotPermitted, max_duration: Some(Seconds::of(600)) };
    // Above what emergencies last, and above the maximum too.
    for longer in [601, 28_800, 28_801] {
        emergency.duration = Some(Seconds::of(longer));
        let denied = ask(&[allowing()], &emergency);
        assert_eq!(denied.outcome, would_do, "{longer}");
        assert!(denied.determining.is_empty() && !denied.audit_session);
    }
    emergency.duration = Some(Seconds::of(600));
    assert_eq!(approved_as(&ask(&[allowing()], &emergency)), Some(ApprovalMode::BreakGlass));
}

#[test]
fn the_sessions_of_an_emergency_are_followed_whatever_the_rules_say() {
    let mut unfollowed = allowing();
    unfollowed.rules[0].audit_session = false;
    let mut asked = question();
    asked.duration = Some(Seconds::of(300));
    assert!(!ask(std::slice::from_ref(&unfollowed), &asked).audit_session);
    asked.break_glass = true;
    assert!(ask(&[unfollowed], &asked).audit_session);
}

#[test]
fn a_policy_for_emergencies_permits_nothing_else() {
    let only = on_terms(policy(1, 0, &[PERMIT_ALL]), |terms| terms.mode = ApprovalMode::BreakGlass);
    assert!(is_denied(&ask(std::slice::from_ref(&only), &question())));
    let mut emergency = question();
    emergency.break_glass = true;
    assert_eq!(approved_as(&ask(std::slice::from_ref(&only), &emergency)), Some(ApprovalMode::BreakGlass));
    let strict = on_terms(policy(2, 0, &[PERMIT_ALL]), |terms| terms.mode = ApprovalMode::Require);
    assert_eq!(approved_as(&ask(&[only, strict], &emergency)), Some(ApprovalMode::Require));
}

#[test]
fn an_emergency_for_several_accounts_needs_each_to_allow_it() {
    let dev = on_terms(
        policy(1, 0, &["permit (principal, action, resource == AwsAccount::\"111111111111\");"]),
        |terms| (terms.mode, terms.allow_break_glass) = (ApprovalMode::Require, true),
    );
    let prod = on_terms(
        policy(2, 0, &["permit (principal, action, resource == AwsAccount::\"222222222222\");"]),
        |terms| terms.mode = ApprovalMode::Require,
    );
    let mut both = question();
    both.break_glass = true;
    both.targets.push(target(PROD));
    let decision = ask(&[dev, prod], &both);
    assert_eq!(approved_as(&decision), Some(ApprovalMode::Require));
    let Outcome::NeedsApproval { requirements, .. } = decision.outcome else { panic!("{decision:?}") };
    assert_eq!(requirements.len(), 2, "where people decide, all that is asked of them binds");
}

#[test]
fn a_question_that_was_kept_is_asked_again_to_the_same_answer() {
    let mut asked = question();
    asked.duration = None;
    asked.reason = Some("INC-7".to_owned());
    asked.source_ip = Some("192.0.2.1".parse().unwrap());
    let by_tag = "permit (principal, action, resource is AwsAccount) when { resource.hasTag(\"env\") && \
                  resource.getTag(\"env\") == \"dev\" && context.hour == 12 && context.reason == \"INC-7\" };";
    let policies = [policy(1, 0, &[by_tag])];
    let kept = serde_json::to_string(&asked).unwrap();
    let again = serde_json::from_str(&kept).unwrap();
    assert_eq!(asked, again);
    let decision = ask(&policies, &again);
    assert!(approved_as(&decision).is_some(), "{decision:?}");
    assert_eq!(decision, ask(&policies, &asked));
}

#[test]
fn the_trace_says_which_durations_were_judged() {
    let mut asked = question();
    asked.duration = None;
    let never = "permit (principal, action, resource) when { context.hour > 23 };";
    let mut short = policy(1, 0, &[never]);
    short.terms.default = Some(Seconds::of(60));
    let decision = ask(&[short, policy(2, 0, &[never])], &asked);
    assert_eq!(decision.trace[0].groups[0].durations, [Seconds::of(60), HOUR]);
}

#[test]
fn what_would_be_too_much_work_is_denied_before_it_is_begun() {
    let mut asked = question();
    asked.targets = (0..1_000).map(|n| target(&format!("{:012}", 300_000_000_000_u64 + n))).collect();
    let rules = vec![PERMIT_ALL; 1_001];
    let decision = ask(&[policy(1, 0, &rules)], &asked);
    assert!(matches!(decision.outcome, Outcome::Denied { denial: Denial::Unanswerable, .. }));
    assert!(decision.faults[0].message.contains("fewer accounts"), "{:?}", decision.faults);
    let of_others = "permit (principal, action, resource == AwsAccount::\"999999999999\");";
    let others = ask(&[policy(1, 0, &vec![of_others; 1_001])], &asked);
    assert!(others.faults.is_empty(), "rules that can't match cost nothing");
}

#[test]
fn the_longest_rules_are_evaluated_on_a_small_stack() {
    let wrap = |condition: String| format!("permit (principal, action, resource) when {{ {condition} }};");
    let longest = [
        wrap(vec!["true"; 296].join(" && ")),
        wrap(format!("298 == {}1", "1 + ".repeat(297))),
        wrap(format!("{}true{}", "(".repeat(18), ")".repeat(18))),
        wrap(format!("{}true", "if true then true else ".repeat(18))),
    ];
    let decided = move || {
        for rule in longest {
            assert!(Statement::one(&rule).is_ok(), "{rule}");
            let decision = ask(&[policy(1, 0, &[&rule])], &question());
            assert!(approved_as(&decision).is_some() && decision.faults.is_empty(), "{decision:?}");
        }
    };
    std::thread::Builder::new().stack_size(2 * 1_024 * 1_024).spawn(decided).unwrap().join().unwrap();
}

#[test]
fn only_so_many_durations_are_tried_to_say_which_would_do() {
    // Each gives by its maximum, and the one that forbids leaves none: a decision for each would be one too many.
    let mut policies: Vec<_> = (1..=200)
        .map(|n| {
            let lasts = Seconds::of(u32::try_from(n).unwrap());
            on_terms(policy(n, 0, &[PERMIT_ALL]), |terms| terms.maximum = lasts)
        })
        .collect();
    let short = "forbid (principal, action, resource) when { context.duration_seconds > 195 };";
    policies.push(policy(201, 0, &[short]));
    let decision = ask(&policies, &question());
    assert_eq!(would_do(&decision), Some(Seconds::of(195)), "the sixth that is tried");
    let never = "forbid (principal, action, resource) when { context.duration_seconds > 100 };";
    policies.push(policy(202, 0, &[never]));
    assert_eq!(would_do(&ask(&policies, &question())), None);
}
