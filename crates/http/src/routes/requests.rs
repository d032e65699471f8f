//! Access requests.

use axum::Json;
use axum::extract::State;
use curfew_api::{
    AccessRequest, AtMost, EmergencyReview, ErrorBody, NewAccessRequest, PageBody, ReviewRequest,
};
use curfew_app::requests::{self, ListedFor, NewRequest, RequestFilter};
use curfew_domain::emergency::ReviewStatus;
use curfew_domain::request::RequestStatus;
use curfew_domain::{RequestId, ResourceType, Timestamp, UserId};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::{ApiCreate, ApiError, ApiJson, ApiList, ApiPath, Authenticated, Created, HttpState, ListQuery};

pub(crate) fn routes() -> OpenApiRouter<HttpState> {
    OpenApiRouter::new()
        .routes(routes!(list, submit))
        .routes(routes!(get))
        .routes(routes!(approve))
        .routes(routes!(deny))
        .routes(routes!(cancel))
        .routes(routes!(review))
}

/// Which requests to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Filters {
    /// Where they stand.
    #[param(value_type = Option<String>, pattern = "^(pending|approved|denied|expired|cancelled)$")]
    status: Option<RequestStatus>,
    /// Who asked.
    #[param(value_type = Option<Uuid>)]
    requester_id: Option<UserId>,
    /// What kind of thing was named.
    #[param(value_type = Option<String>)]
    resource_type: Option<ResourceType>,
    /// What was named.
    #[param(value_type = Option<String>, max_length = 2048)]
    resource_id: Option<AtMost<2048>>,
    /// Asked at this moment or later.
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<Timestamp>,
    /// Asked before this moment.
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<Timestamp>,
    /// Emergencies, by whether somebody still has to review them.
    #[param(value_type = Option<String>, pattern = "^(owed|done)$")]
    review: Option<ReviewStatus>,
    /// The caller's own, or those that wait for the caller's word.
    #[param(inline)]
    role: Option<Side>,
}

#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Side {
    Mine,
    ToReview,
}

/// Requests, newest first: everybody's for those who may see or decide them, else one's own.
#[utoipa::path(get, path = "/v1/requests", tag = "requests", params(ListQuery, Filters),
    responses((status = 200, body = PageBody<AccessRequest>)))]
async fn list(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    list: ApiList<Filters>,
) -> Result<Json<PageBody<AccessRequest>>, ApiError> {
    let page = list.page(&state, &caller)?;
    let filters = &list.filters;
    let listed_for = filters.role.map(|side| match side {
        Side::Mine => ListedFor::Mine,
        Side::ToReview => ListedFor::ToReview,
    });
    let filter = RequestFilter {
        status: filters.status,
        requester: filters.requester_id,
        resource_type: filters.resource_type,
        resource_id: filters.resource_id.clone().map(String::from),
        from: filters.from,
        to: filters.to,
        review: filters.review,
        to_review_by: None,
    };
    let requests = requests::list(&state.app, &caller, listed_for, filter, page).await?;
    let now = state.app.now();
    Ok(Json(list.body(&state, &caller, requests.map(|request| AccessRequest::new(request, now)))))
}

/// One request.
#[utoipa::path(get, path = "/v1/requests/{id}", tag = "requests", params(("id" = Uuid, Path)),
    responses((status = 200, body = AccessRequest)))]
async fn get(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiPath(id): ApiPath<RequestId>,
) -> Result<Json<AccessRequest>, ApiError> {
    let request = requests::get(&state.app, &caller, id).await?;
    Ok(Json(AccessRequest::new(request, state.app.now())))
}

/// Ask for access.
///
/// What policy approves at once is a grant already when this answers. What it denies is recorded, and answered with
/// 403 and the notices of the rules that did; `details.max_duration_seconds` says what would do where the duration
/// alone was why. A denied request that is repeated with its `Idempotency-Key` is answered with the same 403 and the
/// same `details.request_id`; `Idempotency-Replayed` is said with 201 alone.
///
/// An emergency (`break_glass`) that a policy lets pass is approved at once, for `break_glass_max_duration_seconds` at
/// most; for longer it is denied like anything above a maximum.
#[utoipa::path(post, path = "/v1/requests", tag = "requests", request_body = NewAccessRequest,
    responses((status = 201, body = AccessRequest),
        (status = 409, description = "AWS is not connected, or the key was used for another body.", body = ErrorBody),
        (status = 423, description = "A lockdown covers it: `details.lockdown_id` says which.", body = ErrorBody),
        (status = 502, description = "AWS could not be asked for a person that is not known yet.", body = ErrorBody)))]
async fn submit(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiCreate { body, once }: ApiCreate<NewAccessRequest>,
) -> Result<Created<AccessRequest>, ApiError> {
    let wanted = NewRequest {
        resource: body.resource,
        action: body.action,
        permission_set: body.permission_set_arn,
        account: body.account_id,
        reason: body.reason,
        duration: body.duration_seconds,
        break_glass: body.break_glass,
        metadata: body.metadata,
    };
    let made = requests::submit(&state.app, &caller, &once, wanted).await?;
    let now = state.app.now();
    Ok(Created(made.map(|request| AccessRequest::new(request, now))))
}

/// Approve a request.
///
/// Never one's own, nor as somebody whose account the requester made or reset within 30 days. With the last
/// approval that is needed policy is asked again: the answer may then be a denied request.
#[utoipa::path(post, path = "/v1/requests/{id}/approve", tag = "requests", params(("id" = Uuid, Path)),
    request_body = Option<ReviewRequest>,
    responses((status = 200, body = AccessRequest), (status = 409, description = "No longer pending.", body = ErrorBody),
        (status = 423, description = "A lockdown covers it: the request goes on waiting.", body = ErrorBody)))]
async fn approve(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiPath(id): ApiPath<RequestId>,
    body: Option<ApiJson<ReviewRequest>>,
) -> Result<Json<AccessRequest>, ApiError> {
    let reasoning = body.and_then(|ApiJson(body)| body.reasoning);
    let request = requests::approve(&state.app, &caller, id, reasoning).await?;
    Ok(Json(AccessRequest::new(request, state.app.now())))
}

/// Deny a request: one denial is enough.
#[utoipa::path(post, path = "/v1/requests/{id}/deny", tag = "requests", params(("id" = Uuid, Path)),
    request_body = Option<ReviewRequest>,
    responses((status = 200, body = AccessRequest), (status = 409, description = "No longer pending.", body = ErrorBody)))]
async fn deny(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiPath(id): ApiPath<RequestId>,
    body: Option<ApiJson<ReviewRequest>>,
) -> Result<Json<AccessRequest>, ApiError> {
    let reasoning = body.and_then(|ApiJson(body)| body.reasoning);
    let request = requests::deny(&state.app, &caller, id, reasoning).await?;
    Ok(Json(AccessRequest::new(request, state.app.now())))
}

/// Take one's own request back.
#[utoipa::path(post, path = "/v1/requests/{id}/cancel", tag = "requests", params(("id" = Uuid, Path)),
    responses((status = 200, body = AccessRequest), (status = 409, description = "No longer pending.", body = ErrorBody)))]
async fn cancel(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiPath(id): ApiPath<RequestId>,
) -> Result<Json<AccessRequest>, ApiError> {
    let request = requests::cancel(&state.app, &caller, id).await?;
    Ok(Json(AccessRequest::new(request, state.app.now())))
}

/// Review an emergency: was there need for it?
///
/// By somebody who is as independent of the requester as whoever approves has to be, and once.
#[utoipa::path(post, path = "/v1/requests/{id}/review", tag = "requests", params(("id" = Uuid, Path)),
    request_body = EmergencyReview,
    responses((status = 200, body = AccessRequest),
        (status = 409, description = "Reviewed before, or no emergency.", body = ErrorBody)))]
async fn review(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiPath(id): ApiPath<RequestId>,
    ApiJson(body): ApiJson<EmergencyReview>,
) -> Result<Json<AccessRequest>, ApiError> {
    let request = requests::review(&state.app, &caller, id, body.outcome, body.reasoning).await?;
    Ok(Json(AccessRequest::new(request, state.app.now())))
}
