//! Rules that match nothing, as Cedar's validator finds them.

use cedar_policy::{PolicySet, ValidationMode, ValidationWarning};
use curfew_domain::policy::Policy;

use super::{Read, WarningCode, Warnings};
use crate::schema::validator;

const MESSAGE: &str = "this rule can match nothing: its scope and its conditions can't all be true of any request. \
    Correct what contradicts itself, or take the rule away";

/// Warns of each of them.
pub(super) fn warn(policy: &Policy, rules: &[Read], warnings: &mut Warnings) {
    for rule in rules.iter().filter(|rule| is_impossible(rule)) {
        warnings.of_rule(WarningCode::NeverMatches, policy.id, rule.id, MESSAGE);
    }
}

fn is_impossible(rule: &Read) -> bool {
    let Ok(alone) = PolicySet::from_policies([rule.cedar.clone()]) else { return false };
    let result = validator().validate(&alone, ValidationMode::Strict);
    result.validation_warnings().any(|warning| matches!(warning, ValidationWarning::ImpossiblePolicy(_)))
}
