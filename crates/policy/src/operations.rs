//! Who may call what: scopes, compiled to Cedar policies over a schema of their own.
//!
//! It has nothing to do with [`crate::ACCESS_SCHEMA`]: a tenant's access policies can't speak of operations, and
//! nothing here can speak of AWS.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::str::FromStr;
use std::sync::{LazyLock, PoisonError, RwLock};

use cedar_policy::{
    Authorizer as Cedar, Context, Decision, Entities, Entity, EntityId, EntityTypeName, EntityUid, PolicySet,
    Request, Schema, ValidationMode, Validator,
};
use curfew_domain::{Scope, ScopeSet};

use crate::entities::BoxError;

/// How many answers are remembered. Real tenants have a few sets of scopes; what exceeds them is computed anew.
const REMEMBERED: usize = 512;

/// Answers which caller may call which operation. Cheap to ask again: answers for a set of scopes never change.
#[derive(Debug)]
pub struct Authorizer {
    schema: Schema,
    policies: PolicySet,
    answers: RwLock<HashMap<(Vec<Scope>, Scope), bool>>,
}

/// The operations' schema or policies are not sound; can only come from a change of this crate.
#[derive(Debug, thiserror::Error)]
#[error("the policies over operations are not sound")]
pub struct Unsound(#[source] BoxError);

static SHARED: LazyLock<Authorizer> = LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "made of the closed list of scopes, and every test compiles it")]
    Authorizer::new().expect("the policies over operations are sound")
});

impl Authorizer {
    /// The process's own: scopes are the same for every tenant.
    pub fn shared() -> &'static Authorizer {
        &SHARED
    }

    /// What a caller who holds `held` may do, of all there is to do.
    pub fn permitted(&self, held: &ScopeSet) -> ScopeSet {
        Scope::ALL.iter().copied().filter(|wanted| self.permits(held, *wanted)).collect()
    }

    /// Compiles the scopes.
    pub fn new() -> Result<Self, Unsound> {
        let compile = || -> Result<Self, BoxError> {
            let schema = Schema::from_str(&schema_text())?;
            let policies: PolicySet = policies_text().parse()?;
            let checked = Validator::new(schema.clone()).validate(&policies, ValidationMode::Strict);
            match checked.validation_errors().next() {
                Some(error) => Err(error.to_string().into()),
                None => Ok(Self { schema, policies, answers: RwLock::default() }),
            }
        };
        compile().map_err(Unsound)
    }

    /// Whether a caller who holds `held` may do what `wanted` names. Fail-closed.
    pub fn permits(&self, held: &ScopeSet, wanted: Scope) -> bool {
        let key = (held.iter().collect(), wanted);
        if let Some(known) = self.answers.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return *known;
        }
        let answer = self.evaluate(held, wanted).unwrap_or(false);
        let mut answers = self.answers.write().unwrap_or_else(PoisonError::into_inner);
        if answers.len() >= REMEMBERED {
            answers.clear();
        }
        answers.insert(key, answer);
        answer
    }

    fn evaluate(&self, held: &ScopeSet, wanted: Scope) -> Result<bool, BoxError> {
        let caller = uid("Caller", "caller")?;
        let scopes: HashSet<EntityUid> =
            held.iter().map(|scope| uid("Scope", scope.as_str())).collect::<Result<_, _>>()?;
        let mut found: Vec<Entity> =
            scopes.iter().map(|scope| Entity::new_no_attrs(scope.clone(), HashSet::new())).collect();
        found.push(Entity::new_no_attrs(caller.clone(), scopes));
        let entities = Entities::from_entities(found, Some(&self.schema))?;
        let action = uid("Action", wanted.as_str())?;
        let request =
            Request::new(caller, action, uid("Tenant", "own")?, Context::empty(), Some(&self.schema))?;
        let response = Cedar::new().is_authorized(&request, &self.policies, &entities);
        let sound = response.diagnostics().errors().next().is_none();
        Ok(sound && response.decision() == Decision::Allow)
    }
}

fn schema_text() -> String {
    let mut text = "entity Scope;\nentity Caller in [Scope];\nentity Tenant;\n".to_owned();
    for scope in Scope::ALL {
        let _ = writeln!(text, "action \"{scope}\" appliesTo {{ principal: Caller, resource: Tenant }};");
    }
    text
}

fn policies_text() -> String {
    let mut text = String::new();
    for scope in Scope::ALL {
        let _ = writeln!(
            text,
            "permit (principal in Scope::\"{scope}\", action == Action::\"{scope}\", resource is Tenant);"
        );
    }
    text
}

fn uid(kind: &str, id: &str) -> Result<EntityUid, BoxError> {
    Ok(EntityUid::from_type_name_and_id(EntityTypeName::from_str(kind)?, EntityId::new(id)))
}

#[cfg(test)]
mod tests {
    use curfew_domain::BuiltInRole;

    use super::*;

    #[test]
    fn a_caller_may_do_what_their_scopes_name_and_nothing_else() {
        let authorizer = Authorizer::shared();
        let sets = BuiltInRole::ALL.map(BuiltInRole::scopes).into_iter().chain([ScopeSet::default()]);
        for held in sets {
            assert_eq!(authorizer.permitted(&held), held);
            for wanted in Scope::ALL {
                for _ in 0..2 {
                    assert_eq!(authorizer.permits(&held, *wanted), held.contains(*wanted), "{wanted}");
                }
            }
        }
    }

    #[test]
    fn it_remembers_a_bounded_number_of_answers() {
        let authorizer = Authorizer::new().unwrap();
        let sets = (0..REMEMBERED + 3).map(|bits| -> ScopeSet {
            Scope::ALL
                .iter()
                .take(10)
                .enumerate()
                .filter(|(n, _)| bits >> n & 1 == 1)
                .map(|(_, s)| *s)
                .collect()
        });
        for held in sets {
            assert_eq!(authorizer.permits(&held, Scope::ALL[0]), held.contains(Scope::ALL[0]));
        }
        assert!(authorizer.answers.read().unwrap().len() <= REMEMBERED);
    }
}
