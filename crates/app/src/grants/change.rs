//! What may be changed of a grant.

use curfew_domain::audit::{AuditAction, NewEntry};
use curfew_domain::{GrantId, Scope};
use curfew_store::GrantView;

use crate::{App, AppError, Caller};

use super::read::visible;

/// Follows a grant's sessions from now on, or no longer.
pub async fn set_audit(
    app: &App,
    caller: &Caller,
    id: GrantId,
    enabled: bool,
) -> Result<GrantView, AppError> {
    caller.require(Scope::GrantsUpdate)?;
    let unit = app.store.tenant(caller.tenant).write().await?;
    let mut grant = unit.lock_grant(id).await?.ok_or(AppError::NotFound("grant"))?;
    let now = app.now();
    grant.audit_enabled = enabled;
    grant.updated_at = now;
    unit.save_grant_audit(&grant).await?;
    let entry =
        NewEntry::new(caller.actor, AuditAction::GrantUpdated, "grant", id).with("audit_enabled", enabled);
    unit.record(entry, app.now(), app.entropy.as_ref()).await?;
    let view = visible(app, caller, &unit, id, Scope::GrantsUpdate).await?;
    unit.commit().await?;
    Ok(view)
}
