//! One kind of request (a person, one action, one type of resource), and rules as terms of it.

use std::str::FromStr;

use cedar_policy::{
    Effect, EntityId, EntityTypeName, EntityUid, Policy as CedarPolicy, PolicyId, PolicySet, RequestEnv,
};
use cedar_policy_symcc::term::Term;
use cedar_policy_symcc::{
    CompiledPolicy, CompiledPolicySet, SymEnv, always_allows_asserts, always_denies_asserts,
    always_matches_asserts, never_errors_asserts, term_factory,
};
use curfew_domain::{Action, ResourceType};
use curfew_policy::access_schema;

use crate::Why;

/// One kind of request. A request's account is asked about in kinds whose resource is an `AwsAccount`.
#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) action: Action,
    pub(crate) resource: ResourceType,
    env: RequestEnv,
    pub(crate) symbols: SymEnv,
}

/// When a rule matches, and when it can't be evaluated.
#[derive(Debug, Clone)]
pub(crate) struct Terms {
    pub(crate) matches: Term,
    pub(crate) fails: Term,
}

impl Scene {
    pub(crate) fn of(action: Action, resource: ResourceType) -> Result<Self, Why> {
        let kind = |name: &str| EntityTypeName::from_str(name).map_err(unsupported);
        let uid = EntityUid::from_type_name_and_id(kind("Action")?, EntityId::new(action.as_str()));
        let env = RequestEnv::new(kind("User")?, uid, kind(resource.entity_type())?);
        let symbols = SymEnv::new(access_schema(), &env).map_err(unsupported)?;
        Ok(Self { action, resource, env, symbols })
    }

    /// All that ask for an account by itself.
    pub(crate) fn of_accounts() -> impl Iterator<Item = Result<Self, Why>> {
        Action::ALL.into_iter().map(|action| Self::of(action, ResourceType::AwsAccount))
    }

    /// A rule as terms.
    pub(crate) fn terms(&self, rule: &CedarPolicy) -> Result<Terms, Why> {
        let compiled = CompiledPolicy::compile(rule, &self.env, access_schema()).map_err(|problem| {
            Why::Unsupported(format!("rule {} can't be analysed: {problem}", rule.id()))
        })?;
        // Each of these ends with what would show that it is not so.
        let (always, never) = (always_matches_asserts(&compiled), never_errors_asserts(&compiled));
        match (always.asserts().last(), never.asserts().last()) {
            (Some(not_always), Some(errs)) => {
                Ok(Terms { matches: term_factory::not(not_always.clone()), fails: errs.clone() })
            }
            _ => Err(Why::Unsupported(format!("rule {} can't be analysed", rule.id()))),
        }
    }

    /// What must hold of everything that `rules` look at for it to be a hierarchy: what lies in a unit lies in the unit
    /// above too, and nothing lies in itself.
    pub(crate) fn hierarchy<'r>(
        &self,
        rules: impl Iterator<Item = &'r CedarPolicy>,
    ) -> Result<Vec<Term>, Why> {
        let permits = rules.enumerate().map(|(number, rule)| as_permit(number, rule));
        let permits =
            PolicySet::from_policies(permits.collect::<Result<Vec<_>, _>>()?).map_err(unsupported)?;
        let compiled =
            CompiledPolicySet::compile(&permits, &self.env, access_schema()).map_err(unsupported)?;
        // Each ends with its own question. One of the two is no question at all where it is known to be so or not
        // so; that one leaves the hierarchy out.
        let (allows, denies) = (always_allows_asserts(&compiled), always_denies_asserts(&compiled));
        let longest = std::cmp::max_by_key(allows.asserts(), denies.asserts(), |asserts| asserts.len());
        Ok(longest.split_last().map(|(_, hierarchy)| hierarchy.to_vec()).unwrap_or_default())
    }
}

/// The rule as one of many permits, so that it looks at the same things and no forbid hides them.
fn as_permit(number: usize, rule: &CedarPolicy) -> Result<CedarPolicy, Why> {
    let id = PolicyId::new(number.to_string());
    if rule.effect() == Effect::Permit {
        return Ok(rule.new_id(id));
    }
    let mut json = rule.to_json().map_err(unsupported)?;
    if let Some(fields) = json.as_object_mut() {
        fields.insert("effect".to_owned(), "permit".into());
    }
    CedarPolicy::from_json(Some(id), json).map_err(unsupported)
}

pub(crate) fn unsupported(problem: impl std::fmt::Display) -> Why {
    Why::Unsupported(problem.to_string())
}
