//! Reading grants: one's own, and everybody's with the right to.

use curfew_domain::{GrantId, Page, PageRequest, Scope};
use curfew_store::{GrantFilter, GrantView, ReadUnit};

use crate::{App, AppError, Caller};

/// A page of grants, newest first: everybody's for those who may see them, else one's own.
pub async fn list(
    app: &App,
    caller: &Caller,
    filter: GrantFilter,
    page: PageRequest,
) -> Result<Page<GrantView>, AppError> {
    let mut filter = filter;
    if !caller.may(Scope::GrantsRead) {
        sees_own(caller)?;
        if filter.grantee.is_some_and(|grantee| grantee != caller.user) {
            return Ok(Page { items: Vec::new(), next: None });
        }
        filter.grantee = Some(caller.user);
    }
    let unit = app.store.tenant(caller.tenant).read().await?;
    Ok(unit.grants(&filter, app.now(), &page).await?)
}

/// One grant. Another's is not there for those who may not see it.
pub async fn get(app: &App, caller: &Caller, id: GrantId) -> Result<GrantView, AppError> {
    let unit = app.store.tenant(caller.tenant).read().await?;
    visible(app, caller, &unit, id, Scope::GrantsRead).await
}

/// The grant, if the caller may know of it: whoever holds `right`, to do something about anybody's, may too.
pub(super) async fn visible(
    app: &App,
    caller: &Caller,
    unit: &ReadUnit,
    id: GrantId,
    right: Scope,
) -> Result<GrantView, AppError> {
    let view = unit.grant(id, app.now()).await?.ok_or(AppError::NotFound("grant"))?;
    if caller.may(Scope::GrantsRead) || caller.may(right) {
        return Ok(view);
    }
    sees_own(caller)?;
    if view.grant.grantee == caller.user { Ok(view) } else { Err(AppError::NotFound("grant")) }
}

/// Whoever may ask may see what they got.
fn sees_own(caller: &Caller) -> Result<(), AppError> {
    if caller.may(Scope::RequestsCreate) { Ok(()) } else { Err(AppError::missing_scope(Scope::GrantsRead)) }
}
