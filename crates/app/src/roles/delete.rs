use curfew_domain::audit::{AuditAction, NewEntry};
use curfew_domain::{CustomRole, RoleId, Scope};
use curfew_store::ReadUnit;

use super::hold;
use crate::{App, AppError, Caller};

/// Deletes a role that nobody holds and no group gives: whoever kept it by name would have the next one of that name.
pub async fn delete(app: &App, caller: &Caller, id: RoleId) -> Result<(), AppError> {
    caller.require(Scope::RolesDelete)?;
    let unit = app.store.tenant(caller.tenant).write().await?;
    let (role, _) = hold(&unit, caller, Scope::RolesDelete, id).await?;
    let (users, groups) = holders(&unit, &role).await?;
    if users > 0 || groups > 0 {
        return Err(AppError::conflict(format!(
            "{users} users hold the role {}, and {groups} groups give it: take it from them first",
            role.slug
        )));
    }
    unit.delete_custom_role(id).await?;
    let entry = NewEntry::new(caller.actor, AuditAction::RoleDeleted, "role", id)
        .with("slug", role.slug.as_str())
        .with("scopes", role.scopes.iter().map(Scope::as_str).collect::<Vec<_>>())
        .with_personal("name", role.name.as_str());
    unit.record(entry, app.now(), app.entropy.as_ref()).await?;
    Ok(unit.commit().await?)
}

/// How many users hold a role directly, and how many groups give it.
pub(super) async fn holders(unit: &ReadUnit, role: &CustomRole) -> Result<(u64, u64), AppError> {
    let users = unit.users_by_role().await?.get(role.slug.as_str()).copied();
    let groups = unit.groups_by_role().await?.get(role.slug.as_str()).copied();
    Ok((users.unwrap_or_default(), groups.unwrap_or_default()))
}
