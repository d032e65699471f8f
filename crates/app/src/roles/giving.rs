use std::collections::BTreeSet;

use curfew_domain::{BuiltInRole, RoleSlug, ScopeSet, scopes_of};
use curfew_store::ReadUnit;

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

/// Nobody gains by giving: refuses what the giver lacks. `what` carries it.
pub(crate) fn check_gives(giver: &Caller, scopes: &ScopeSet, what: &str) -> Result<(), AppError> {
    match scopes.missing_from(&giver.scopes).first() {
        None => Ok(()),
        Some(scope) => Err(AppError::forbidden(format!(
            "nobody gives what they lack: {what} would carry {scope}, which the caller does not have"
        ))),
    }
}
