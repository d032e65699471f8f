//! API keys: credentials that programs use in their maker's name.

mod create;
mod revoke;

use curfew_domain::{ApiKey, Page, PageRequest, Scope};

pub use create::{ApiKeyCreated, NewApiKey, create};
pub use revoke::revoke;

use crate::{App, AppError, Caller};

/// The tenant's keys, newest first, live or not.
pub async fn list(app: &App, caller: &Caller, page: &PageRequest) -> Result<Page<ApiKey>, AppError> {
    caller.require(Scope::ApiKeysRead)?;
    let unit = app.store.tenant(caller.tenant).read().await?;
    Ok(unit.api_keys(page).await?)
}
