use std::sync::Arc;

use curfew_domain::{AuditEntryId, Page, PageRequest, Scope};
use curfew_store::audit::verify::Verification;
use curfew_store::audit::{AuditFilter, AuditRecord};

use crate::{App, AppError, Caller};

/// A page of the tenant's log, newest first. What is about to be listed is sealed before.
pub async fn list(
    app: &App,
    caller: &Caller,
    filter: &AuditFilter,
    page: &PageRequest,
) -> Result<Page<AuditRecord>, AppError> {
    caller.require(Scope::AuditRead)?;
    app.store.seal(caller.tenant).await?;
    Ok(app.store.tenant(caller.tenant).read().await?.audit_page(filter, page).await?)
}

/// One entry.
pub async fn entry(app: &App, caller: &Caller, id: AuditEntryId) -> Result<AuditRecord, AppError> {
    caller.require(Scope::AuditRead)?;
    app.store.seal(caller.tenant).await?;
    let unit = app.store.tenant(caller.tenant).read().await?;
    unit.audit_entry(id).await?.ok_or(AppError::NotFound("audit entry"))
}

/// Walks the tenant's chain against the heads that the database keeps copies of. That proves the midst of the chain;
/// its end is proved only by heads that left the database: `curfewd audit verify --heads`.
///
/// Those who ask at the same time share one walk.
pub async fn verify(app: &App, caller: &Caller) -> Result<Arc<Verification>, AppError> {
    caller.require(Scope::AuditRead)?;
    Ok(app.audit_walks.join(&app.store, caller.tenant).await?)
}
