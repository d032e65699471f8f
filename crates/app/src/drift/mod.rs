//! Findings of drift, for people: what AWS held otherwise than it should, and what became of it.

use curfew_domain::audit::{AuditAction, NewEntry};
use curfew_domain::{DoneBy, Drift, DriftId, DriftResolution, Page, PageRequest, Reason, Scope};

pub use curfew_store::DriftFilter;

use crate::{App, AppError, Caller};

/// A page of findings, newest first.
pub async fn list(
    app: &App,
    caller: &Caller,
    filter: &DriftFilter,
    page: &PageRequest,
) -> Result<Page<Drift>, AppError> {
    caller.require(Scope::DriftRead)?;
    let unit = app.store.tenant(caller.tenant).read().await?;
    Ok(unit.drift(filter, page).await?)
}

/// The caller is content with a finding: it is open no longer, and one that lasts is not found anew while it does.
pub async fn resolve(
    app: &App,
    caller: &Caller,
    id: DriftId,
    reason: Option<Reason>,
) -> Result<Drift, AppError> {
    caller.require(Scope::DriftResolve)?;
    let unit = app.store.tenant(caller.tenant).write().await?;
    caller.stays(&unit).await?;
    let found = unit.lock_drift(id).await?.ok_or(AppError::NotFound("finding"))?;
    if found.resolved.is_some() {
        return Err(AppError::InvalidState {
            message: "the finding is settled already".to_owned(),
            state: "resolved".to_owned(),
        });
    }
    let resolution = DriftResolution { by: DoneBy::Person(caller.user), at: app.now(), reason };
    unit.resolve_drift(id, &resolution).await?;
    let entry = NewEntry::new(caller.actor, AuditAction::DriftResolved, "drift", id)
        .with("kind", found.kind.as_str());
    let entry = match &resolution.reason {
        Some(reason) => entry.with_personal("reason", reason.as_str()),
        None => entry,
    };
    unit.record(entry, app.now(), app.entropy.as_ref()).await?;
    unit.commit().await?;
    Ok(Drift { resolved: Some(resolution), ..found })
}
