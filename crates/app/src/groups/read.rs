use curfew_domain::{Group, GroupId, GroupSource, Page, PageRequest, Scope};

use crate::{App, AppError, Caller};

/// The tenant's groups, newest first: all of them, or those of one source.
pub async fn list(
    app: &App,
    caller: &Caller,
    source: Option<GroupSource>,
    page: &PageRequest,
) -> Result<Page<Group>, AppError> {
    caller.require(Scope::GroupsRead)?;
    let unit = app.store.tenant(caller.tenant).read().await?;
    Ok(unit.groups(source, page).await?)
}

/// One of them.
pub async fn get(app: &App, caller: &Caller, id: GroupId) -> Result<Group, AppError> {
    caller.require(Scope::GroupsRead)?;
    let unit = app.store.tenant(caller.tenant).read().await?;
    unit.group(id).await?.ok_or(AppError::NotFound("group"))
}
