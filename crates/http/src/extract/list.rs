use axum::extract::{FromRequestParts, MatchedPath};
use axum::http::request::Parts;
use curfew_api::PageBody;
use curfew_app::Caller;
use curfew_app::cursors::{self, ListScope};
use curfew_domain::{Page, PageLimit, PageRequest, TenantId};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use utoipa::{IntoParams, ToSchema};

use super::query;
use crate::{ApiError, HttpState};

/// What every list takes, for `params(ListQuery, …)` of its description.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// How many items at most.
    #[param(minimum = 1, maximum = 250, default = 50)]
    limit: Option<u16>,
    /// Where the page begins: `next_cursor` of the page before, unchanged.
    #[param(max_length = 2048)]
    cursor: Option<String>,
}

/// The query of a list: `limit`, `cursor`, and the list's own filters.
///
/// ```ignore
/// async fn list(State(state): State<HttpState>, Authenticated(caller): Authenticated, list: ApiList<Filters>)
///     -> Result<Json<PageBody<Grant>>, ApiError>
/// {
///     let page = list.page(&state, &caller)?;
///     let grants = grants::list(&state.app, &caller, &list.filters, page).await?;
///     Ok(Json(list.body(&state, &caller, grants.map(Grant::from))))
/// }
/// ```
#[derive(Debug)]
pub struct ApiList<F> {
    /// The list's own parameters: give it `#[serde(deny_unknown_fields)]`, and [`NoFilters`] where there are none.
    pub filters: F,
    limit: PageLimit,
    cursor: Option<String>,
    /// The operation's path, and its filters in one canonical text: what a cursor is bound to.
    list: String,
    filter_text: String,
}

/// For lists without filters.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoFilters {}

impl<F> ApiList<F> {
    /// Which page is asked for. A cursor of another tenant, list or filter is refused.
    pub fn page(&self, state: &HttpState, caller: &Caller) -> Result<PageRequest, ApiError> {
        let open = |text: &String| {
            cursors::open(&state.app.keyring, self.scope(caller.tenant), text)
                .map_err(|error| ApiError::field("cursor", error.to_string()))
        };
        Ok(PageRequest { limit: self.limit, after: self.cursor.as_ref().map(open).transpose()? })
    }

    /// The answer's body.
    pub fn body<T: ToSchema>(&self, state: &HttpState, caller: &Caller, page: Page<T>) -> PageBody<T> {
        let next =
            page.next.map(|cursor| cursors::seal(&state.app.keyring, self.scope(caller.tenant), &cursor));
        PageBody::new(page.items, next)
    }

    fn scope(&self, tenant: TenantId) -> ListScope<'_> {
        ListScope { tenant, list: &self.list, filters: &self.filter_text }
    }
}

impl<S: Send + Sync, F: DeserializeOwned> FromRequestParts<S> for ApiList<F> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let is_paging = |pair: &(String, String)| matches!(pair.0.as_str(), "limit" | "cursor");
        let (paging, mut filters): (Vec<_>, Vec<_>) = query::pairs(parts)?.into_iter().partition(is_paging);
        let paging: ListQuery = query::read(&paging)?;
        let limit = match paging.limit.map(PageLimit::new) {
            None => PageLimit::default(),
            Some(limit) => limit.map_err(|problem| ApiError::field("limit", problem.to_string()))?,
        };
        let read = query::read(&filters)?;
        filters.sort();
        // A list under an id (`/v1/requests/{id}/messages`) is another list for each id.
        let list = match parts.extensions.get::<MatchedPath>() {
            Some(route) => format!("{} {}", route.as_str(), parts.uri.path()),
            None => parts.uri.path().to_owned(),
        };
        Ok(Self { filters: read, limit, cursor: paging.cursor, list, filter_text: query::encode(&filters) })
    }
}
