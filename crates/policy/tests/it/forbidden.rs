//! What is given by hand gets past no forbid.

use curfew_domain::Seconds;
use curfew_domain::policy::Policy;
use curfew_policy::{AccessQuestion, CompiledPolicies, Denial, Outcome, Prohibition, forbidden};
use proptest::prelude::*;

use crate::properties::{any_question, policies};
use crate::world::*;

fn forbids(policies: &[Policy], question: &AccessQuestion) -> Option<Prohibition> {
    forbidden(&CompiledPolicies::new(policies), question)
}

/// Each rule as if it were the only one that there is.
fn each_alone(policies: &[Policy]) -> impl Iterator<Item = Policy> {
    policies.iter().flat_map(|policy| {
        let alone =
            |rule: &curfew_domain::policy::PolicyRule| Policy { rules: vec![rule.clone()], ..policy.clone() };
        policy.rules.iter().map(alone)
    })
}

fn denies_as_forbidden(policies: &[Policy], question: &AccessQuestion) -> bool {
    matches!(ask(policies, question).outcome, Outcome::Denied { denial: Denial::Forbidden, .. })
}

/// Whoever gives access by hand says for how long. Where nobody does, the shortest maximum of all policies that permit it
/// counts, and by hand each rule has its own policy's.
fn any_gift() -> impl Strategy<Value = AccessQuestion> {
    any_question().prop_map(|asked| {
        let duration = asked.duration.or(Some(Seconds::of(1_200)));
        AccessQuestion { duration, ..asked }
    })
}

proptest! {
    #![proptest_config(crate::cases(128))]

    /// A rule that stands alone denies when it forbids or fails, and else not as forbidden: so each rule is its own oracle.
    #[test]
    fn by_hand_never_gets_past_a_forbid(policies in policies(), asked in any_question()) {
        let expected = each_alone(&policies).any(|alone| denies_as_forbidden(&[alone], &asked));
        let found = forbids(&policies, &asked);
        prop_assert_eq!(found.is_some(), expected, "{:?}", found);
    }

    #[test]
    fn what_policy_forbids_is_forbidden_by_hand(policies in policies(), asked in any_gift()) {
        if denies_as_forbidden(&policies, &asked) {
            prop_assert!(forbids(&policies, &asked).is_some());
        }
    }

    #[test]
    fn no_priority_and_no_permit_stands_above_a_forbid(policies in policies(), asked in any_question(), priority in -5..5_i32) {
        let mut more = policies;
        more.push(policy(8, 100, &[PERMIT_ALL]));
        more.push(policy(9, priority, &["@notice(\"no\") forbid (principal, action, resource);"]));
        let found = forbids(&more, &asked).unwrap();
        prop_assert!(found.determining.iter().any(|one| one.policy.uuid() == id(9)));
        prop_assert!(found.notices.iter().any(|notice| notice == "notice 9.0"));
    }
}

#[test]
fn nothing_needs_to_permit_what_is_given_by_hand() {
    assert_eq!(forbids(&[], &question()), None);
    let elsewhere = format!("forbid (principal, action, resource == AwsAccount::\"{PROD}\");");
    assert_eq!(forbids(&[policy(1, 0, &[&elsewhere])], &question()), None);
}

#[test]
fn what_is_switched_off_forbids_nothing() {
    let mut off = policy(1, 0, &[FORBID_ALL]);
    off.enabled = false;
    assert_eq!(forbids(&[off], &question()), None);
}

#[test]
fn what_can_not_be_evaluated_forbids() {
    assert!(forbids(&[policy(1, 0, &["permit ("])], &question()).is_some());
    let mut of_nothing = question();
    of_nothing.targets.clear();
    assert!(forbids(&[], &of_nothing).is_some());
}
