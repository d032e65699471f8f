use curfew_domain::{BuiltInRole, RoleSlug, Scope};
use curfew_store::ReadUnit;

use crate::AppError;

/// The roles that carry a scope.
pub(crate) async fn roles_with(unit: &ReadUnit, scope: Scope) -> Result<Vec<RoleSlug>, AppError> {
    let built_in = BuiltInRole::ALL.into_iter().map(|role| (role.slug(), role.scopes()));
    let custom = unit.custom_roles().await?.into_iter().map(|role| (role.slug, role.scopes));
    let carrying = built_in.chain(custom).filter(|(_, scopes)| scopes.contains(scope));
    Ok(carrying.map(|(slug, _)| slug).collect())
}
