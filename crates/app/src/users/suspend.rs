use curfew_domain::audit::{AuditAction, NewEntry};
use curfew_domain::{DoneBy, LockdownOf, Reason, Revoked, Scope, Timestamp, User, UserId};
use curfew_store::WriteUnit;

use super::keep_one_admin;
use crate::grants::revoked_entry;
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
    take_back(app, caller, &unit, &user, now).await?;
    unit.commit().await?;
    app.nudge.about(caller.tenant);
    tracing::info!(tenant_id = %caller.tenant, user_id = %id, "user suspended");
    Ok(user)
}

/// What the user had going. Their logins stay as they are, refused with them; they end when the user comes back.
async fn take_back(
    app: &App,
    caller: &Caller,
    unit: &WriteUnit,
    user: &User,
    now: Timestamp,
) -> Result<(), AppError> {
    let entropy = app.entropy.as_ref();
    let by = DoneBy::Person(caller.user);
    let requests = unit.cancel_requests_of(user.id, by, now).await?;
    let grants = unit.revoke_all(&LockdownOf::User(user.id), by, &reason()?, now).await?;
    let keys = unit.revoke_api_keys_of(user.id, Revoked { by: caller.user, at: now }).await?;
    let entry = NewEntry::new(caller.actor, AuditAction::UserSuspended, "user", user.id)
        .with("requests_cancelled", requests.len())
        .with("grants_revoked", grants.len())
        .with("api_keys_revoked", keys.len());
    unit.record(entry, now, entropy).await?;
    for request in requests {
        let entry = NewEntry::new(caller.actor, AuditAction::RequestCancelled, "request", request)
            .with("requester_id", user.id.to_string())
            .with("cause", "user_suspended");
        unit.record(entry, now, entropy).await?;
    }
    let revoked = grants.iter().map(|grant| revoked_entry(caller.actor, grant, "user_suspended"));
    unit.record_all(revoked.collect(), now, entropy).await?;
    for key in keys {
        let entry = NewEntry::new(caller.actor, AuditAction::ApiKeyRevoked, "api_key", key)
            .with("cause", "user_suspended");
        unit.record(entry, now, entropy).await?;
    }
    Ok(())
}

/// Why a suspended person's grants ended.
fn reason() -> Result<Reason, AppError> {
    "the user was suspended".parse().map_err(AppError::internal)
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
