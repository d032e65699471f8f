use curfew_domain::audit::{AuditAction, NewEntry};

use crate::{App, AppError, Caller};

/// Ends the caller's login, from the next call on, on every node. A key is no login: it is revoked, not signed out.
pub async fn sign_out(app: &App, caller: &Caller) -> Result<(), AppError> {
    let Some(session) = caller.session else {
        return Err(AppError::forbidden(
            "an API key has no login to end; DELETE /v1/api-keys/{id} revokes it",
        ));
    };
    let now = app.now();
    let unit = app.store.tenant(caller.tenant).write().await?;
    if unit.end_session(session, now).await? {
        let entry = NewEntry::new(caller.actor, AuditAction::LoggedOut, "session", session);
        unit.record(entry, now, app.entropy.as_ref()).await?;
    }
    unit.commit().await?;
    tracing::info!(tenant_id = %caller.tenant, user_id = %caller.user, session_id = %session, "signed out");
    Ok(())
}
