use curfew_domain::audit::{AuditAction, NewEntry};
use curfew_domain::{
    BuiltInRole, CustomRole, LongText, RoleId, RoleName, RoleSlug, Scope, ScopeSet, Timestamp,
};
use curfew_store::{Constraint, ReadUnit, StoreError};

use super::{Giver, MOST_ROLES, Role, RoleView};
use crate::{App, AppError, Caller, Made, Once};

/// A role that is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRole {
    /// Its short name, for good.
    pub slug: RoleSlug,
    /// What people call it.
    pub name: RoleName,
    /// What it is for.
    pub description: Option<LongText>,
    /// What it allows.
    pub scopes: ScopeSet,
}

/// Makes a role, which nobody has yet. It can't allow what the caller may not do.
pub async fn create(
    app: &App,
    caller: &Caller,
    ask: NewRole,
    once: &Once,
) -> Result<Made<RoleView>, AppError> {
    caller.require(Scope::RolesCreate)?;
    let now = app.now();
    let unit = app.store.tenant(caller.tenant).write().await?;
    let giver = Giver::alone(caller, &unit, Scope::RolesCreate).await?;
    if let Some(role) = made_before(&unit, once, now).await? {
        return Ok(Made::Before(RoleView::of(&unit, role).await?));
    }
    giver.check_scopes(&ask.scopes, "the role")?;
    if BuiltInRole::named(&ask.slug).is_some() {
        return Err(taken(&ask.slug));
    }
    if unit.custom_roles().await?.len() >= MOST_ROLES {
        return Err(AppError::conflict(format!("a tenant makes at most {MOST_ROLES} roles")));
    }
    let role = CustomRole {
        id: RoleId::new(now, app.entropy.as_ref()),
        slug: ask.slug,
        name: ask.name,
        description: ask.description,
        scopes: ask.scopes,
        created_by: caller.user,
        updated_by: caller.user,
        created_at: now,
        updated_at: now,
    };
    unit.insert_custom_role(&role).await.map_err(|error| match error {
        StoreError::Conflict(Constraint::RoleSlug) => taken(&role.slug),
        other => other.into(),
    })?;
    let entry = NewEntry::new(caller.actor, AuditAction::RoleCreated, "role", role.id)
        .with("slug", role.slug.as_str())
        .with("scopes", role.scopes.iter().map(Scope::as_str).collect::<Vec<_>>())
        .with_personal("name", role.name.as_str());
    unit.record(entry, now, app.entropy.as_ref()).await?;
    once.remember(&unit, role.id, now).await?;
    unit.commit().await?;
    Ok(Made::Now(RoleView { role: Role::Custom(role), users: 0, groups: 0 }))
}

fn taken(slug: &RoleSlug) -> AppError {
    AppError::conflict(format!("there is a role {slug} already"))
}

/// What the same request made before.
async fn made_before(unit: &ReadUnit, once: &Once, now: Timestamp) -> Result<Option<CustomRole>, AppError> {
    let Some(id) = once.earlier::<RoleId>(unit, now).await? else { return Ok(None) };
    Ok(Some(unit.custom_role(id).await?.ok_or(AppError::NotFound("role"))?))
}
