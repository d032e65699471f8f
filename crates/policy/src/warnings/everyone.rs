//! Permits that look at nobody in particular.

use cedar_policy::{Effect, Policy as CedarPolicy, PrincipalConstraint};
use curfew_domain::policy::Policy;
use serde_json::Value;

use super::{Read, WarningCode, Warnings};

const MESSAGE: &str = "this permit is for everybody in the tenant: neither its scope nor its conditions look at the \
    principal. If it is meant for some people, say so: `principal in Role::\"user\"`, or `principal == \
    User::\"alice@acme.example\"`";

/// Warns of each of them.
pub(super) fn warn(policy: &Policy, rules: &[Read], warnings: &mut Warnings) {
    for rule in rules.iter().filter(|rule| is_for_everyone(&rule.cedar)) {
        warnings.of_rule(WarningCode::PermitForEveryone, policy.id, rule.id, MESSAGE);
    }
}

fn is_for_everyone(rule: &CedarPolicy) -> bool {
    rule.effect() == Effect::Permit && fits_everyone(rule) && !looks_at("principal", rule)
}

/// Whether the scope leaves nobody out: only people ask.
pub(super) fn fits_everyone(rule: &CedarPolicy) -> bool {
    match rule.principal_constraint() {
        PrincipalConstraint::Any => true,
        PrincipalConstraint::Is(kind) => kind.to_string() == "User",
        PrincipalConstraint::In(_) | PrincipalConstraint::Eq(_) | PrincipalConstraint::IsIn(..) => false,
    }
}

/// Whether the conditions of a rule mention this variable. One that can't be written out does.
pub(super) fn looks_at(variable: &str, rule: &CedarPolicy) -> bool {
    if !rule.has_non_scope_constraint() {
        return false;
    }
    let Ok(written) = rule.to_json() else { return true };
    written.get("conditions").is_none_or(|conditions| mentions(conditions, variable))
}

fn mentions(expression: &Value, variable: &str) -> bool {
    match expression {
        Value::Array(members) => members.iter().any(|member| mentions(member, variable)),
        Value::Object(members) => members
            .iter()
            .any(|(name, member)| (name == "Var" && member == variable) || mentions(member, variable)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}
