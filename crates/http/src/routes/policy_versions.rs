//! What policies were, and making them so again.

use axum::Json;
use axum::extract::State;
use curfew_api::{ErrorBody, PageBody, PolicyAtVersion, PolicyChangeReason, PolicyVersion, WarnedPolicy};
use curfew_app::AppError;
use curfew_app::policies::versions;
use curfew_app::policies::{Edit, PolicyVersionSummary};
use curfew_domain::PolicyId;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::policies::{body, shown};
use crate::extract::IfMatchHeader;
use crate::tagged::Tagged;
use crate::{ApiError, ApiJson, ApiList, ApiPath, Authenticated, HttpState, IfMatch, ListQuery, NoFilters};

pub(crate) fn routes() -> OpenApiRouter<HttpState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(get)).routes(routes!(restore))
}

/// A policy's versions, newest first; also of a policy that was deleted.
#[utoipa::path(get, path = "/v1/policies/{policyId}/versions", tag = "policies",
    params(("policyId" = Uuid, Path), ListQuery),
    responses((status = 200, body = PageBody<PolicyVersion>)))]
async fn list(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiPath(policy): ApiPath<PolicyId>,
    list: ApiList<NoFilters>,
) -> Result<Json<PageBody<PolicyVersion>>, ApiError> {
    let page = list.page(&state, &caller)?;
    let versions = versions::list(&state.app, &caller, policy, page).await?;
    Ok(Json(list.body(&state, &caller, versions.map(shown_version))))
}

/// A policy as it was at a version; also one that was deleted.
#[utoipa::path(get, path = "/v1/policies/{policyId}/versions/{n}", tag = "policies",
    params(("policyId" = Uuid, Path), ("n" = u32, Path)),
    responses((status = 200, body = PolicyAtVersion)))]
async fn get(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiPath((policy, version)): ApiPath<(PolicyId, String)>,
) -> Result<Json<PolicyAtVersion>, ApiError> {
    let found = versions::get(&state.app, &caller, policy, number(&version)?).await?;
    Ok(Json(PolicyAtVersion { version: shown_version(found.version), policy: body(found.detail) }))
}

/// Make a policy what it was at a version: as a new version of it.
///
/// Names stand for whom they stood for then. A policy that was deleted comes back by its id, disabled.
#[utoipa::path(post, path = "/v1/policies/{policyId}/versions/{n}/restore", tag = "policies",
    params(("policyId" = Uuid, Path), ("n" = u32, Path), IfMatchHeader),
    request_body = Option<PolicyChangeReason>,
    responses((status = 200, body = WarnedPolicy, headers(("ETag" = String, description = "The policy's version."))),
        (status = 409, description = "The policy is at another version (`details.version`), or it was deleted and there are 1,000 policies.", body = ErrorBody),
        (status = 422, description = "Its rules don't fit today's schema.", body = ErrorBody)))]
async fn restore(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiPath((policy, version)): ApiPath<(PolicyId, String)>,
    IfMatch(expected): IfMatch,
    body: Option<ApiJson<PolicyChangeReason>>,
) -> Result<Tagged<Json<WarnedPolicy>>, ApiError> {
    let edit = Edit { expected, why: body.and_then(|ApiJson(body)| body.change_reason) };
    Ok(shown(versions::restore(&state.app, &caller, policy, number(&version)?, edit).await?))
}

/// What is no number is no version's.
fn number(text: &str) -> Result<u32, ApiError> {
    text.parse().map_err(|_| AppError::NotFound("version").into())
}

fn shown_version(version: PolicyVersionSummary) -> PolicyVersion {
    PolicyVersion {
        version: version.version,
        made_by: version.by.to_string(),
        made_at: version.at,
        change_reason: version.reason,
        changed: version.changed,
    }
}
