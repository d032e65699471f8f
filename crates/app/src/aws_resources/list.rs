use curfew_domain::{AccountId, CachedResource, Page, PageRequest, ResourceType, Scope};
use curfew_store::ResourceFilter;

use super::instance_of;
use crate::{App, AppError, Caller};

/// What to list.
#[derive(Debug, Clone, Default)]
pub struct ResourceQuery {
    /// Only this kind.
    pub kind: Option<ResourceType>,
    /// Only what lies in this account.
    pub account: Option<AccountId>,
    /// Only what has this in its name or id, whatever the case.
    pub text: Option<String>,
}

/// A page of what is known, weak ranks first. Nothing, before a connection is saved.
pub async fn list(
    app: &App,
    caller: &Caller,
    query: &ResourceQuery,
    page: &PageRequest,
) -> Result<Page<CachedResource>, AppError> {
    caller.require(Scope::AwsRead)?;
    let unit = app.store.tenant(caller.tenant).read().await?;
    let Some(instance) = instance_of(&unit).await? else {
        return Ok(Page { items: Vec::new(), next: None });
    };
    let filter = ResourceFilter {
        instance: &instance,
        kind: query.kind,
        account: query.account.as_ref(),
        text: query.text.as_deref(),
    };
    Ok(unit.list_aws_resources(filter, page).await?)
}
