use curfew_domain::audit::{AuditAction, NewEntry};
use curfew_domain::{ApiKeyId, Revoked, Scope};

use crate::{App, AppError, Caller};

/// Ends a key, from the next call on, on every node. One that has ended stays so.
pub async fn revoke(app: &App, caller: &Caller, id: ApiKeyId) -> Result<(), AppError> {
    caller.require(Scope::ApiKeysDelete)?;
    let now = app.now();
    let unit = app.store.tenant(caller.tenant).write().await?;
    unit.api_key(id).await?.ok_or(AppError::NotFound("API key"))?;
    if unit.revoke_api_key(id, Revoked { by: caller.user, at: now }).await? {
        let entry = NewEntry::new(caller.actor, AuditAction::ApiKeyRevoked, "api_key", id);
        unit.record(entry, now, app.entropy.as_ref()).await?;
    }
    Ok(unit.commit().await?)
}
