use curfew_domain::audit::{AuditAction, NewEntry};
use curfew_domain::{Revoked, Scope, User, UserId};

use super::keep_one_admin;
use super::take_back::{Going, take_back};
use crate::roles::Giver;
use crate::{App, AppError, Caller};

/// Suspends a user: from the next call on nothing of theirs is let in, their pending requests are cancelled, their
/// live grants revoked. One who is suspended stays so.
pub async fn suspend(app: &App, caller: &Caller, id: UserId) -> Result<User, AppError> {
    caller.require(Scope::UsersSuspend)?;
    let now = app.now();
    let unit = app.store.tenant(caller.tenant).write().await?;
    // First: of two admins who suspend each other, the second waits here, and then is the last.
    Giver::alone(caller, &unit, Scope::UsersSuspend).await?;
    let before = unit.user(id).await?.ok_or(AppError::NotFound("user"))?;
    if !before.active {
        return Ok(before);
    }
    keep_one_admin(&unit, &before).await?;
    let user = User { active: false, updated_at: now, ..before.clone() };
    unit.update_user(&before, &user).await?;
    // Their logins stay as they are, refused with them; they end when the user comes back.
    take_back(app, caller, &unit, &user, Going::Suspended, now).await?;
    unit.commit().await?;
    app.nudge.about(caller.tenant);
    tracing::info!(tenant_id = %caller.tenant, user_id = %id, "user suspended");
    Ok(user)
}

/// Lets a suspended user in again, to sign in anew: what they held before stays dead.
pub async fn activate(app: &App, caller: &Caller, id: UserId) -> Result<User, AppError> {
    caller.require(Scope::UsersSuspend)?;
    let now = app.now();
    let unit = app.store.tenant(caller.tenant).write().await?;
    let giver = Giver::alone(caller, &unit, Scope::UsersSuspend).await?;
    let before = unit.user(id).await?.ok_or(AppError::NotFound("user"))?;
    if before.active {
        return Ok(before);
    }
    // Else whoever may activate could bring back an admin that they could not make.
    giver.check_scopes(&before.scopes(), "their roles, also those by groups,")?;
    unit.end_sessions_of(id, now).await?;
    // Nothing can be made for someone who is suspended; should a key be there all the same, it is no surprise later.
    unit.revoke_api_keys_of(id, Revoked { by: caller.user, at: now }).await?;
    let user = User { active: true, updated_at: now, ..before.clone() };
    unit.update_user(&before, &user).await?;
    let entry = NewEntry::new(caller.actor, AuditAction::UserActivated, "user", id);
    unit.record(entry, now, app.entropy.as_ref()).await?;
    unit.commit().await?;
    Ok(user)
}
