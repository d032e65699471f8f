//! Nobody gains by giving.

use std::collections::BTreeSet;

use curfew_domain::{BuiltInRole, RoleSlug, Scope, ScopeSet, scopes_of};
use curfew_store::{ReadUnit, WriteUnit};

use crate::{AppError, Caller};

/// What roles allow. Refuses one that is not there; `field` is what names them.
pub(crate) async fn scopes_of_roles(
    unit: &ReadUnit,
    field: &str,
    roles: &BTreeSet<RoleSlug>,
) -> Result<ScopeSet, AppError> {
    let custom = unit.scopes_of_custom(roles).await?;
    let is_there = |role: &RoleSlug| BuiltInRole::named(role).is_some() || custom.contains_key(role);
    if let Some(unknown) = roles.iter().find(|role| !is_there(role)) {
        let problem = format!("there is no role {unknown}; GET /v1/roles lists them");
        return Err(AppError::field(field, problem));
    }
    Ok(ScopeSet::of_all(custom.values()).union(&scopes_of(roles)))
}

/// The caller, by what they are in a unit. What they were when their call came may be past: it may have waited.
pub(crate) struct Giver {
    /// What they may do, as far as what they showed may do it.
    scopes: ScopeSet,
    /// Their roles, those by groups too.
    roles: BTreeSet<RoleSlug>,
}

impl Giver {
    /// Who they are. Refuses whoever is suspended, or does not have the scope that the call needs.
    pub(crate) async fn seen(caller: &Caller, unit: &ReadUnit, needs: Scope) -> Result<Self, AppError> {
        let person = unit.user(caller.user).await?.filter(|person| person.active);
        let person = person.ok_or(AppError::let_in_no_more())?;
        let scopes = caller.scopes.intersection(&person.scopes());
        if !scopes.contains(needs) {
            return Err(AppError::missing_scope(needs));
        }
        Ok(Self { scopes, roles: person.all_roles().cloned().collect() })
    }

    /// The same, and whoever would suspend them or change their own roles waits until the unit ends.
    pub(crate) async fn held(caller: &Caller, unit: &WriteUnit, needs: Scope) -> Result<Self, AppError> {
        unit.hold_active(caller.user).await?;
        Self::seen(caller, unit, needs).await
    }

    /// The same, and nobody else changes what anybody may do until the unit ends: moves the tenant's version.
    pub(crate) async fn alone(caller: &Caller, unit: &WriteUnit, needs: Scope) -> Result<Self, AppError> {
        unit.bump_version().await?;
        Self::held(caller, unit, needs).await
    }

    /// What they may do.
    pub(crate) fn scopes(&self) -> &ScopeSet {
        &self.scopes
    }

    /// Refuses scopes that the giver lacks. `what` would carry them.
    pub(crate) fn check_scopes(&self, scopes: &ScopeSet, what: &str) -> Result<(), AppError> {
        match scopes.missing_from(&self.scopes).first() {
            None => Ok(()),
            Some(scope) => Err(AppError::forbidden(format!(
                "nobody gives what they lack: {what} would carry {scope}, which the caller does not have"
            ))),
        }
    }

    /// Refuses to give roles with these scopes. Policies look at who has a role, whatever it allows here: so it takes
    /// having the role as well, or writing policies, by which one could have the same.
    pub(crate) fn check_roles<'r>(
        &self,
        roles: impl IntoIterator<Item = &'r RoleSlug>,
        scopes: &ScopeSet,
        what: &str,
    ) -> Result<(), AppError> {
        self.check_scopes(scopes, what)?;
        let lacking = roles.into_iter().find(|role| !self.roles.contains(*role));
        match lacking {
            Some(role) if !self.scopes.contains(Scope::PoliciesWrite) => Err(AppError::forbidden(format!(
                "nobody gives what they lack: policies may let whoever has the role {role} into AWS, so it is given \
                 by who has it too, or has the scope {}; the caller has neither",
                Scope::PoliciesWrite
            ))),
            _ => Ok(()),
        }
    }
}
