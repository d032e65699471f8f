//! The `ExternalId`, and how it is replaced without locking Curfew out of its own revocations.

use curfew_domain::audit::AuditAction;
use curfew_domain::connection::{Connection, ExternalIds};
use curfew_domain::{ExternalId, Scope};

use super::entry;
use crate::{App, AppError, Caller};

/// The value in force, and the one that a rotation is bringing in.
pub async fn external_ids(app: &App, caller: &Caller) -> Result<ExternalIds, AppError> {
    caller.require(Scope::IntegrationsRead)?;
    let unit = app.store.tenant(caller.tenant).read().await?;
    let connection = unit.connection().await?.ok_or(AppError::NotFound("ExternalId"))?;
    Ok(connection.external_ids)
}

/// Makes a pending value. From now on all work tries the current, then the pending one, so that the customer can
/// change the role at any time.
pub async fn rotate(app: &App, caller: &Caller) -> Result<ExternalIds, AppError> {
    change(app, caller, AuditAction::ExternalIdRotated, |connection| {
        if connection.external_ids.pending.is_some() {
            return Err(AppError::conflict("a rotation is pending already: commit or cancel it first"));
        }
        connection.external_ids.pending = Some(ExternalId::generate(app.entropy.as_ref()));
        Ok(())
    })
    .await
}

/// Puts the pending value in force. Only once a test has shown that the role takes it.
pub async fn commit_rotation(app: &App, caller: &Caller) -> Result<ExternalIds, AppError> {
    change(app, caller, AuditAction::ExternalIdCommitted, |connection| {
        let pending = pending(connection)?;
        if connection.pending_proved_at.is_none() {
            return Err(AppError::conflict(
                "no test has shown yet that the role takes the pending ExternalId: add it to the trust policy, then test",
            ));
        }
        if let Some(verified) = &mut connection.verified {
            verified.external_id = pending.clone();
        }
        connection.external_ids = ExternalIds { current: pending, pending: None };
        Ok(())
    })
    .await
}

/// Drops the pending value. Not when the role takes nothing else: Curfew could take back nothing any more.
pub async fn cancel_rotation(app: &App, caller: &Caller) -> Result<ExternalIds, AppError> {
    change(app, caller, AuditAction::ExternalIdCancelled, |connection| {
        let pending = pending(connection)?;
        if connection.verified.as_ref().is_some_and(|verified| verified.external_id == pending) {
            return Err(AppError::conflict(
                "the role takes only the pending ExternalId: commit it, or put the current one back into the trust policy and test",
            ));
        }
        connection.external_ids.pending = None;
        Ok(())
    })
    .await
}

fn pending(connection: &Connection) -> Result<ExternalId, AppError> {
    connection.external_ids.pending.clone().ok_or_else(|| AppError::conflict("no rotation is pending"))
}

/// The `ExternalId` is part of what a test tests: a running one must not be taken for a test of the new value.
async fn change(
    app: &App,
    caller: &Caller,
    action: AuditAction,
    change: impl FnOnce(&mut Connection) -> Result<(), AppError>,
) -> Result<ExternalIds, AppError> {
    caller.require(Scope::IntegrationsWrite)?;
    let now = app.now();
    let unit = app.store.tenant(caller.tenant).write().await?;
    let mut connection = unit.lock_connection().await?.ok_or(AppError::NotFound("ExternalId"))?;
    change(&mut connection)?;
    connection.pending_proved_at = None;
    connection.saved_version += 1;
    unit.update_connection(&connection, now).await?;
    unit.record(entry(caller.actor, action, caller.tenant), now, app.entropy.as_ref()).await?;
    unit.commit().await?;
    app.aws.forget(caller.tenant);
    Ok(connection.external_ids)
}
