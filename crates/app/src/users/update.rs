use std::collections::BTreeSet;

use curfew_domain::audit::{AuditAction, NewEntry};
use curfew_domain::{BuiltInRole, DisplayName, RoleSlug, Scope, User, UserId};

use super::{check_roles, keep_one_admin};
use crate::roles::Giver;
use crate::{App, AppError, Caller};

/// What is to change of a user.
#[derive(Debug, Default)]
pub struct UserChange {
    /// Another name.
    pub name: Option<DisplayName>,
    /// Other roles, in place of all that they have.
    pub roles: Option<BTreeSet<RoleSlug>>,
}

/// Changes a user. Other roles count from the next call.
pub async fn update(app: &App, caller: &Caller, id: UserId, change: UserChange) -> Result<User, AppError> {
    caller.require(Scope::UsersUpdate)?;
    let now = app.now();
    let unit = app.store.tenant(caller.tenant).write().await?;
    // First: of two admins who demote each other, the second waits here, and then is the last.
    let giver = Giver::alone(caller, &unit, Scope::UsersUpdate).await?;
    let before = unit.user(id).await?.ok_or(AppError::NotFound("user"))?;
    let roles = change.roles.unwrap_or_else(|| before.roles.clone());
    if roles.is_empty() {
        return Err(AppError::field("roles", "a user has at least one role"));
    }
    let added: BTreeSet<RoleSlug> = roles.difference(&before.roles).cloned().collect();
    check_roles(&unit, &added, &giver).await?;
    if !roles.contains(&BuiltInRole::Admin.slug()) {
        keep_one_admin(&unit, &before).await?;
    }
    let name = change.name.unwrap_or_else(|| before.name.clone());
    let user = User { name, roles, updated_at: now, ..before.clone() };
    unit.update_user(&before, &user).await?;
    // With what the roles that it has now allow.
    let user = unit.user(id).await?.ok_or(AppError::NotFound("user"))?;
    let slugs = |user: &User| user.roles.iter().map(|role| role.as_str().to_owned()).collect::<Vec<_>>();
    let entry = NewEntry::new(caller.actor, AuditAction::UserUpdated, "user", id)
        .with("roles_before", slugs(&before))
        .with("roles", slugs(&user))
        .with("renamed", user.name != before.name);
    unit.record(entry, now, app.entropy.as_ref()).await?;
    unit.commit().await?;
    Ok(user)
}
