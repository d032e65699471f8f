//! What holds for any set of policies.

use crate::world::*;
use curfew_domain::PolicyId;
use curfew_domain::Seconds;
use curfew_domain::policy::Policy;
use curfew_domain::request::ApprovalMode;
use curfew_policy::{
    AccessQuestion, CompiledPolicies, Decision, Denial, GroupVerdict, NamedResource, Outcome, decide,
};
use proptest::prelude::*;

const CONDITIONS: [&str; 8] = [
    "",
    "when { context.hour == 12 }",
    "when { context.hour == 3 }",
    "when { resource is AwsAccount }",
    "when { resource == AwsAccount::\"111111111111\" }",
    "when { context.duration_seconds <= 1800 }",
    "when { context.break_glass }",
    // Fails when evaluated.
    "when { context has reason && ip(context.reason).isLoopback() }",
];

fn rule() -> impl Strategy<Value = String> {
    (prop::bool::weighted(0.75), prop::sample::select(CONDITIONS.to_vec())).prop_map(
        |(permits, condition)| {
            format!(
                "{} (principal, action, resource) {condition};",
                if permits { "permit" } else { "forbid" }
            )
        },
    )
}

fn any_policy(number: u128) -> impl Strategy<Value = Policy> {
    let mode =
        prop::sample::select(vec![ApprovalMode::Auto, ApprovalMode::Require, ApprovalMode::BreakGlass]);
    let maximum = prop::sample::select(vec![600_u32, 1_800, 3_600, 28_800]);
    let default = prop::option::of(prop::sample::select(vec![300_u32, 600]));
    let rules = prop::collection::vec(rule(), 0..3);
    let cap = prop::option::of(prop::sample::select(vec![60_u32, 600]));
    (0..3_i32, mode, maximum, default, any::<bool>(), cap, rules).prop_map(
        move |(priority, mode, maximum, default, allow_break_glass, cap, rules)| {
            let texts: Vec<&str> = rules.iter().map(String::as_str).collect();
            on_terms(policy(number, priority, &texts), |terms| {
                terms.mode = mode;
                terms.maximum = Seconds::of(maximum);
                terms.default = default.map(Seconds::of);
                terms.allow_break_glass = allow_break_glass;
                terms.break_glass_maximum = cap.map(Seconds::of).filter(|_| terms.allows_emergencies());
            })
        },
    )
}

pub(crate) fn policies() -> impl Strategy<Value = Vec<Policy>> {
    (any_policy(1), any_policy(2), any_policy(3), any_policy(4), 0..5_usize)
        .prop_map(|(a, b, c, d, count)| [a, b, c, d].into_iter().take(count).collect())
}

pub(crate) fn any_question() -> impl Strategy<Value = AccessQuestion> {
    let durations = prop::option::of(prop::sample::select(vec![60_u32, 1_200, 3_600, 20_000]));
    let reasons = prop::option::of(prop::sample::select(vec!["127.0.0.1", "because"]));
    let named = prop::option::of(Just("aws_s3_bucket:logs"));
    (durations, reasons, named, any::<bool>(), any::<bool>()).prop_map(
        |(duration, reason, named, break_glass, both)| {
            let mut asked = question();
            asked.duration = duration.map(Seconds::of);
            asked.reason = reason.map(str::to_owned);
            asked.break_glass = break_glass;
            asked.named = named.map(|named| NamedResource {
                resource: named.parse().unwrap(),
                account: Some(DEV.parse().unwrap()),
            });
            if both {
                asked.targets.push(target(PROD));
            }
            asked
        },
    )
}

fn strictness(decision: &Decision) -> u8 {
    match &decision.outcome {
        Outcome::Approved { .. } => 0,
        Outcome::NeedsApproval { .. } => 1,
        Outcome::Denied { .. } => 2,
    }
}

proptest! {
    #![proptest_config(crate::cases(64))]

    #[test]
    fn nothing_passes_without_a_permit_that_was_found(policies in policies(), asked in any_question()) {
        let decision = ask(&policies, &asked);
        if !is_denied(&decision) {
            for point in &decision.trace {
                let last = point.groups.last().unwrap();
                prop_assert_eq!(last.verdict, GroupVerdict::Permits);
                prop_assert!(!last.permits.is_empty() && last.forbids.is_empty());
            }
            prop_assert!(!decision.determining.is_empty());
            prop_assert!(decision.faults.is_empty());
        }
    }

    #[test]
    fn a_forbid_above_all_denies_all(policies in policies(), asked in any_question()) {
        let mut policies = policies;
        policies.push(policy(9, 100, &[FORBID_ALL]));
        prop_assert!(is_denied(&ask(&policies, &asked)));
    }

    #[test]
    fn a_forbid_in_its_group_can_only_narrow(policies in policies(), asked in any_question(), priority in 0..3_i32) {
        let before = ask(&policies, &asked);
        let mut more = policies;
        more.push(policy(9, priority, &["forbid (principal, action, resource) when { context.hour == 12 };"]));
        prop_assert!(strictness(&ask(&more, &asked)) >= strictness(&before));
    }

    #[test]
    fn an_emergency_never_gets_past_a_forbid(policies in policies(), asked in any_question()) {
        let mut policies = policies;
        for policy in &mut policies {
            // So that no group decides emergencies alone, and no rule asks whether it is one.
            if policy.terms.mode == ApprovalMode::BreakGlass {
                policy.terms.mode = ApprovalMode::Require;
            }
            policy.rules.retain(|rule| !rule.text.contains("break_glass"));
        }
        prop_assume!(asked.duration.is_some());
        let (mut usual, mut emergency) = (asked.clone(), asked);
        (usual.break_glass, emergency.break_glass) = (false, true);
        let (usual, emergency) = (ask(&policies, &usual), ask(&policies, &emergency));
        let is_forbidden = |decision: &Decision| matches!(decision.outcome, Outcome::Denied { denial: Denial::Forbidden, .. });
        prop_assert_eq!(is_forbidden(&usual), is_forbidden(&emergency));
        prop_assert_eq!(&usual.trace, &emergency.trace, "they are asked the same");
        if is_denied(&usual) {
            prop_assert!(is_denied(&emergency));
        }
    }

    #[test]
    fn an_emergency_is_followed_and_within_all_that_bounds_emergencies(policies in policies(), asked in any_question()) {
        let decision = ask(&policies, &asked);
        if let Outcome::Approved { mode: ApprovalMode::BreakGlass, terms } = &decision.outcome {
            prop_assert!(asked.break_glass && decision.audit_session);
            let decided = |policy: &&Policy| decision.determining.iter().any(|one| one.policy == policy.id);
            for cap in policies.iter().filter(decided).filter_map(|policy| policy.terms.break_glass_maximum) {
                prop_assert!(terms.duration <= cap);
            }
        }
    }

    #[test]
    fn what_stands_below_the_deciding_groups_changes_nothing(policies in policies(), asked in any_question()) {
        let before = ask(&policies, &asked);
        let all_decided = !before.trace.is_empty()
            && before.trace.iter().all(|point| point.groups.last().is_some_and(|group| group.verdict != GroupVerdict::Silent));
        if all_decided {
            for rule in [PERMIT_ALL, FORBID_ALL, "permit ("] {
                let mut more = policies.clone();
                more.push(policy(9, -1, &[rule]));
                prop_assert_eq!(&ask(&more, &asked).outcome, &before.outcome);
            }
        }
    }

    #[test]
    fn asking_for_more_is_never_easier(policies in policies(), asked in any_question()) {
        let mut more = asked.clone();
        more.targets = vec![target(DEV), target(PROD)];
        let mut less = asked;
        less.targets = vec![target(DEV)];
        prop_assume!(less.duration.is_some());
        prop_assert!(strictness(&ask(&policies, &more)) >= strictness(&ask(&policies, &less)));
    }

    #[test]
    fn what_is_given_is_within_every_bound_and_would_be_given_again(policies in policies(), asked in any_question()) {
        let decision = ask(&policies, &asked);
        if !is_denied(&decision) {
            let given = terms(&decision);
            prop_assert!(given.duration <= given.maximum);
            prop_assert!(asked.duration.is_none_or(|requested| given.duration == requested));
            prop_assert!(asked.duration.is_some() || given.duration <= asked.longest);
            let mut again = asked;
            again.duration = Some(given.duration);
            prop_assert_eq!(ask(&policies, &again), decision);
        } else if let Outcome::Denied { max_duration: Some(would_do), .. } = decision.outcome {
            let mut again = asked;
            again.duration = Some(would_do);
            prop_assert!(!is_denied(&ask(&policies, &again)));
        }
    }

    #[test]
    fn what_changed_is_compiled_as_if_all_were_compiled_anew(
        before in policies(), after in policies(), asked in any_question(), turned_off in 0..5_usize,
    ) {
        let mut after = after;
        if let Some(policy) = after.get_mut(turned_off) {
            policy.enabled = false;
        }
        let is_left = |id: PolicyId| after.iter().any(|policy| policy.id == id);
        let gone = before.iter().map(|policy| policy.id).filter(|id| !is_left(*id));
        let compiled = CompiledPolicies::new(&before);
        let changed = compiled.with(&after, gone);
        prop_assert_eq!(decide(&changed, &asked), ask(&after, &asked));
        prop_assert_eq!(changed.rules(), CompiledPolicies::new(&after).rules());
        prop_assert_eq!(decide(&compiled, &asked), ask(&before, &asked), "what was there before stays as it was");
    }

    #[test]
    fn the_order_of_policies_does_not_matter(policies in policies(), asked in any_question()) {
        let mut turned = policies.clone();
        turned.reverse();
        let (one, other) = (ask(&policies, &asked), ask(&turned, &asked));
        prop_assert_eq!(strictness(&one), strictness(&other));
        if !is_denied(&one) {
            prop_assert_eq!(terms(&one), terms(&other));
        }
    }
}
