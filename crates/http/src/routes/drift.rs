//! How AWS differs from what should be there.

use axum::Json;
use axum::extract::State;
use curfew_api::{Drift, ErrorBody, PageBody, ResolveDrift};
use curfew_app::drift::{self, DriftFilter};
use curfew_domain::{AccountId, DriftId, DriftKind};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::{ApiError, ApiJson, ApiList, ApiPath, Authenticated, HttpState, ListQuery};

pub(crate) fn routes() -> OpenApiRouter<HttpState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(resolve))
}

/// Which findings to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Filters {
    /// Those that wait for somebody to settle them, or the others.
    open: Option<bool>,
    /// How AWS differs.
    #[param(value_type = Option<String>, pattern = "^(removed|reappeared|unmanaged_user|unmanaged_group)$")]
    kind: Option<DriftKind>,
    /// Where.
    #[param(value_type = Option<String>, pattern = "^[0-9]{12}$")]
    account_id: Option<AccountId>,
}

/// Findings of drift, newest first.
///
/// What is live is compared with AWS every `RECONCILIATION_INTERVAL`, all else where Curfew works every 15 minutes.
/// Access that somebody removed ends the grants that needed it, or is put back where the setting
/// `put_back_removed_access` says so; access that was gone and is there again is deleted again; access that Curfew never
/// gave is left alone.
#[utoipa::path(get, path = "/v1/drift", tag = "drift", params(ListQuery, Filters),
    responses((status = 200, body = PageBody<Drift>)))]
async fn list(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    list: ApiList<Filters>,
) -> Result<Json<PageBody<Drift>>, ApiError> {
    let page = list.page(&state, &caller)?;
    let filter = DriftFilter {
        open: list.filters.open,
        kind: list.filters.kind,
        account: list.filters.account_id.clone(),
    };
    let found = drift::list(&state.app, &caller, &filter, &page).await?;
    Ok(Json(list.body(&state, &caller, found.map(Drift::from))))
}

/// Settle a finding: somebody has looked at it, and is content.
///
/// Nothing changes in AWS. Access that Curfew never gave and that stays is not found anew.
#[utoipa::path(post, path = "/v1/drift/{id}/resolve", tag = "drift", params(("id" = Uuid, Path)),
    request_body = Option<ResolveDrift>,
    responses((status = 200, body = Drift), (status = 409, description = "Settled before.", body = ErrorBody)))]
async fn resolve(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiPath(id): ApiPath<DriftId>,
    body: Option<ApiJson<ResolveDrift>>,
) -> Result<Json<Drift>, ApiError> {
    let reason = body.and_then(|ApiJson(body)| body.reason);
    Ok(Json(drift::resolve(&state.app, &caller, id, reason).await?.into()))
}
