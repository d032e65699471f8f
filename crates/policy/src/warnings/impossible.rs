//! Rules that match nothing, as Cedar's validator finds them.
//!
//! It finds what is never true. That may fail all the same, before it comes to what makes it false; and a rule that fails
//! forbids.

use cedar_policy::{Policy as CedarPolicy, PolicySet, ValidationMode, ValidationWarning};
use curfew_domain::policy::Policy;

use super::{Read, WarningCode, Warnings};
use crate::partial::{Partial, Says};
use crate::schema::{access_schema, validator};

const MESSAGE: &str = "this rule can match nothing: its scope and its conditions can't all be true of any request. \
    Correct what contradicts itself, or take the rule away";

const MAY_FAIL: &str = "this rule can match nothing: its scope and its conditions can't all be true of any request. But \
    its conditions may fail, as sums that become too large do, and a rule that fails forbids: taken away, it forbids \
    nothing any more. Correct what contradicts itself";

/// Warns of each of them.
pub(super) fn warn(policy: &Policy, rules: &[Read], warnings: &mut Warnings) {
    for rule in rules.iter().filter(|rule| is_impossible(&rule.cedar)) {
        // What is not listed needs no message.
        let may_fail = !warnings.is_full() && may_fail(&rule.cedar);
        let message = if may_fail { MAY_FAIL } else { MESSAGE };
        warnings.of_rule(WarningCode::NeverMatches, policy.id, rule.id, message);
    }
}

fn is_impossible(rule: &CedarPolicy) -> bool {
    let Ok(alone) = PolicySet::from_policies([rule.clone()]) else { return false };
    let result = validator().validate(&alone, ValidationMode::Strict);
    result.validation_warnings().any(|warning| matches!(warning, ValidationWarning::ImpossiblePolicy(_)))
}

/// Whether a rule that is never true may fail, of any kind of question.
fn may_fail(rule: &CedarPolicy) -> bool {
    let cannot = |question: Partial| question.says(rule) == Says::Never;
    access_schema().request_envs().any(|kind| !Partial::of_kind(&kind).is_ok_and(cannot))
}
