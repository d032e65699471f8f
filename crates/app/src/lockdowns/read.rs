use curfew_domain::{Lockdown, LockdownId, Page, PageRequest, Scope};

use crate::{App, AppError, Caller};

/// The tenant's lockdowns, newest first: all, or those in force, or those that were lifted.
pub async fn list(
    app: &App,
    caller: &Caller,
    in_force: Option<bool>,
    page: &PageRequest,
) -> Result<Page<Lockdown>, AppError> {
    caller.require(Scope::LockdownsRead)?;
    let unit = app.store.tenant(caller.tenant).read().await?;
    Ok(unit.lockdowns(in_force, page).await?)
}

/// One lockdown.
pub async fn get(app: &App, caller: &Caller, id: LockdownId) -> Result<Lockdown, AppError> {
    caller.require(Scope::LockdownsRead)?;
    let unit = app.store.tenant(caller.tenant).read().await?;
    unit.lockdown(id).await?.ok_or(AppError::NotFound("lockdown"))
}
