use curfew_domain::audit::{AuditAction, NewEntry};
use curfew_domain::{Lifted, Lockdown, LockdownId, LockdownOf, Scope, TenantState};

use crate::requests::reviewer;
use crate::roles::Giver;
use crate::{App, AppError, Caller};

/// Lifts a lockdown: from now on access is asked for and given as before. What it ended stays ended. Nobody lifts the one
/// that covers themselves.
pub async fn lift(app: &App, caller: &Caller, id: LockdownId) -> Result<Lockdown, AppError> {
    caller.require(Scope::LockdownsDelete)?;
    let now = app.now();
    let unit = app.store.tenant(caller.tenant).write().await?;
    Giver::alone(caller, &unit, Scope::LockdownsDelete).await?;
    if unit.this_tenant().await?.is_some_and(|tenant| tenant.state == TenantState::Deleting) {
        return Err(AppError::conflict("the tenant is being deleted"));
    }
    let lockdown = unit.lockdown(id).await?.ok_or(AppError::NotFound("lockdown"))?;
    if lockdown.of == LockdownOf::User(caller.user) {
        return Err(AppError::forbidden("somebody else must lift the lockdown of a person"));
    }
    if let LockdownOf::User(locked_down) = lockdown.of
        && reviewer(&unit, caller).await?.depends_on(now) == Some(locked_down)
    {
        return Err(AppError::forbidden(
            "whoever is locked down made or reset your account within 30 days: somebody else must lift it",
        ));
    }
    let lifted = Lifted { by: caller.user, at: now };
    if !unit.lift_lockdown(id, lifted).await? {
        return Err(AppError::InvalidState {
            message: "the lockdown was lifted before".to_owned(),
            state: "lifted".to_owned(),
        });
    }
    let entry = NewEntry::new(caller.actor, AuditAction::LockdownEnded, "lockdown", id)
        .with("scope", lockdown.of.scope().as_str())
        .with("id", lockdown.of.id());
    unit.record(entry, now, app.entropy.as_ref()).await?;
    unit.commit().await?;
    tracing::warn!(tenant_id = %caller.tenant, lockdown_id = %id, "lockdown lifted");
    Ok(Lockdown { lifted: Some(lifted), ..lockdown })
}
