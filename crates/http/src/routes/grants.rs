//! Grants.

use axum::Json;
use axum::extract::State;
use curfew_api::{ErrorBody, Grant, GrantChange, PageBody, RevokeGrant};
use curfew_app::grants::{self, GrantFilter, GrantView};
use curfew_domain::grant::{GrantStatus, ProvisioningStatus};
use curfew_domain::{AccountId, GrantId, Timestamp, UserId};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::{ApiError, ApiJson, ApiList, ApiPath, Authenticated, HttpState, ListQuery};

pub(crate) fn routes() -> OpenApiRouter<HttpState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(get, change, revoke))
}

/// Which grants to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Filters {
    /// What the grantee is entitled to.
    #[param(value_type = Option<String>, pattern = "^(active|expired|revoked)$")]
    status: Option<GrantStatus>,
    /// Who has the access.
    #[param(value_type = Option<Uuid>)]
    grantee_id: Option<UserId>,
    /// What AWS holds.
    #[param(value_type = Option<String>, pattern = "^(pending|provisioning|successful|failed|revoking|revoked)$")]
    provisioning_status: Option<ProvisioningStatus>,
    /// An account that they give access to.
    #[param(value_type = Option<String>, pattern = "^[0-9]{12}$")]
    account_id: Option<AccountId>,
}

/// Grants, newest first: everybody's for those who may see them, else one's own.
#[utoipa::path(get, path = "/v1/grants", tag = "grants", params(ListQuery, Filters),
    responses((status = 200, body = PageBody<Grant>)))]
async fn list(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    list: ApiList<Filters>,
) -> Result<Json<PageBody<Grant>>, ApiError> {
    let page = list.page(&state, &caller)?;
    let filter = GrantFilter {
        status: list.filters.status,
        grantee: list.filters.grantee_id,
        provisioning: list.filters.provisioning_status,
        account: list.filters.account_id.clone(),
    };
    let grants = grants::list(&state.app, &caller, filter, page).await?;
    let now = state.app.now();
    Ok(Json(list.body(&state, &caller, grants.map(|view| shown(view, now)))))
}

/// One grant.
#[utoipa::path(get, path = "/v1/grants/{id}", tag = "grants", params(("id" = Uuid, Path)),
    responses((status = 200, body = Grant)))]
async fn get(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiPath(id): ApiPath<GrantId>,
) -> Result<Json<Grant>, ApiError> {
    let view = grants::get(&state.app, &caller, id).await?;
    Ok(Json(shown(view, state.app.now())))
}

/// Follow a grant's sessions, or no longer.
#[utoipa::path(patch, path = "/v1/grants/{id}", tag = "grants", params(("id" = Uuid, Path)),
    request_body = GrantChange, responses((status = 200, body = Grant)))]
async fn change(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiPath(id): ApiPath<GrantId>,
    ApiJson(body): ApiJson<GrantChange>,
) -> Result<Json<Grant>, ApiError> {
    let view = grants::set_audit(&state.app, &caller, id, body.audit_enabled).await?;
    Ok(Json(shown(view, state.app.now())))
}

/// Revoke a grant now.
///
/// The assignment is deleted in AWS as soon as no other grant needs it.
#[utoipa::path(delete, path = "/v1/grants/{id}", tag = "grants", params(("id" = Uuid, Path)),
    request_body = Option<RevokeGrant>,
    responses((status = 200, body = Grant), (status = 409, description = "Ended before.", body = ErrorBody)))]
async fn revoke(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiPath(id): ApiPath<GrantId>,
    body: Option<ApiJson<RevokeGrant>>,
) -> Result<Json<Grant>, ApiError> {
    let reason = body.and_then(|ApiJson(body)| body.reason);
    let view = grants::revoke(&state.app, &caller, id, reason).await?;
    Ok(Json(shown(view, state.app.now())))
}

fn shown(view: GrantView, now: Timestamp) -> Grant {
    let (provisioning, attempts) = (view.provisioning(now), view.attempts(now));
    Grant::new(view.grant, provisioning, view.standing, attempts, now)
}
