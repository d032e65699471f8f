use std::collections::BTreeSet;

use curfew_domain::audit::{AuditAction, NewEntry};
use curfew_domain::{Group, GroupId, RoleSlug, Scope, Timestamp};
use curfew_store::WriteUnit;

use super::{MOST_ROLES, hold};
use crate::roles::scopes_of_roles;
use crate::{App, AppError, Caller, Made, Once};

/// A role that a group gives its members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenRole {
    /// Which.
    pub role: RoleSlug,
    /// Since when.
    pub created_at: Timestamp,
}

/// Says nothing of whether it is the group or the role that is not there.
pub const NO_SUCH_ROLE: AppError = AppError::NotFound("role of a group");

/// Has a group give its members a role, from the next call on. Whose group it is makes no difference: who is in
/// one that an identity provider brings is said there, what they may do is said here.
///
/// Nobody gains by giving: not a role that carries a scope that the caller lacks, nor, for who can't write policies,
/// one that they don't have.
pub async fn add_role(
    app: &App,
    caller: &Caller,
    group: GroupId,
    role: RoleSlug,
    once: &Once,
) -> Result<Made<GivenRole>, AppError> {
    caller.require(Scope::GroupsUpdate)?;
    let now = app.now();
    let unit = app.store.tenant(caller.tenant).write().await?;
    let (held, giver) = hold(&unit, caller, Scope::GroupsUpdate, group).await?;
    if let Some(given) = once.earlier::<RoleSlug>(&unit, now).await? {
        return Ok(Made::Before(given_role(&held, given)?));
    }
    let carried = scopes_of_roles(&unit, "role", &BTreeSet::from([role.clone()])).await?;
    giver.check_roles([&role], &carried, "the group's members")?;
    if held.roles.contains_key(&role) {
        return Err(AppError::conflict(format!("the group gives the role {role} already")));
    }
    if held.roles.len() >= MOST_ROLES {
        return Err(AppError::conflict(format!("a group gives at most {MOST_ROLES} roles")));
    }
    unit.insert_group_role(group, &role, now).await?;
    record(app, caller, &unit, AuditAction::GroupRoleAdded, (&held, &role)).await?;
    once.remember(&unit, &role, now).await?;
    unit.commit().await?;
    Ok(Made::Now(GivenRole { role, created_at: now }))
}

/// Has a group give a role no longer, from the next call on.
pub async fn remove_role(app: &App, caller: &Caller, group: GroupId, role: RoleSlug) -> Result<(), AppError> {
    caller.require(Scope::GroupsUpdate)?;
    let unit = app.store.tenant(caller.tenant).write().await?;
    let held = hold(&unit, caller, Scope::GroupsUpdate, group).await;
    let (held, _) = held.map_err(|problem| match problem {
        AppError::NotFound(_) => NO_SUCH_ROLE,
        other => other,
    })?;
    let given = given_role(&held, role)?;
    unit.delete_group_role(group, &given.role).await?;
    record(app, caller, &unit, AuditAction::GroupRoleRemoved, (&held, &given.role)).await?;
    Ok(unit.commit().await?)
}

fn given_role(group: &Group, role: RoleSlug) -> Result<GivenRole, AppError> {
    let created_at = *group.roles.get(&role).ok_or(NO_SUCH_ROLE)?;
    Ok(GivenRole { role, created_at })
}

async fn record(
    app: &App,
    caller: &Caller,
    unit: &WriteUnit,
    action: AuditAction,
    (group, role): (&Group, &RoleSlug),
) -> Result<(), AppError> {
    let entry = NewEntry::new(caller.actor, action, "group", group.id)
        .with("role", role.as_str())
        .with("members", group.member_count);
    unit.record(entry, app.now(), app.entropy.as_ref()).await?;
    Ok(())
}
