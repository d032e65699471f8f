//! Grants.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use curfew_api::{
    AccessRequest, ErrorBody, ExtendGrant, Grant, GrantChange, GrantSessions, Happening, NewGrant, PageBody,
    RevokeGrant,
};
use curfew_app::Made;
use curfew_app::grants::{self, Extended, Extension, GrantFilter, GrantView};
use curfew_domain::grant::{GrantStatus, ProvisioningStatus};
use curfew_domain::{AccountId, GrantId, Timestamp, UserId};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::{
    ApiCreate, ApiError, ApiJson, ApiList, ApiPath, Authenticated, Created, HttpState, ListQuery, NoFilters,
    replayed,
};

pub(crate) fn routes() -> OpenApiRouter<HttpState> {
    OpenApiRouter::new()
        .routes(routes!(list, give))
        .routes(routes!(get, change, revoke))
        .routes(routes!(extend))
        .routes(routes!(timeline))
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

/// Give somebody else access by hand.
///
/// No policy has to permit it, and none may forbid it: a forbid of any priority answers 403 with its notice. Never to oneself,
/// and within the tenant's maximum. The answer's `request_id` is null.
#[utoipa::path(post, path = "/v1/grants", tag = "grants", request_body = NewGrant,
    responses((status = 201, body = Grant),
        (status = 409, description = "AWS is not connected, or the key was used for another body.", body = ErrorBody),
        (status = 502, description = "AWS could not be asked for a person that is not known yet.", body = ErrorBody)))]
async fn give(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiCreate { body, once }: ApiCreate<NewGrant>,
) -> Result<Created<Grant>, ApiError> {
    let wanted = grants::NewGrant {
        grantee: body.grantee_id,
        resource: body.resource,
        permission_set: body.permission_set_arn,
        account: body.account_id,
        action: body.action,
        duration: body.duration_seconds,
        reason: body.reason,
    };
    let made = grants::give(&state.app, &caller, &once, wanted).await?;
    let now = state.app.now();
    Ok(Created(made.map(|view| shown(view, now))))
}

/// Ask for more time.
///
/// Policy is asked again, about the duration of the whole. What it approves at once is answered with the grant; where
/// people have to approve it, with 202 and the request that waits for them: the grant's end moves when the last of them
/// has. Only whoever has the access asks for more of it, and only while it is live.
#[utoipa::path(post, path = "/v1/grants/{id}/extend", tag = "grants",
    params(("id" = Uuid, Path),
        ("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 255, pattern = "^[!-~]{1,255}$",
            description = "Makes the request safe to repeat for 24 hours: the same key and body extend nothing twice.")),
    request_body = ExtendGrant,
    responses((status = 200, description = "It lasts longer.", body = Grant),
        (status = 202, description = "People have to approve it.", body = AccessRequest),
        (status = 409, description = "It is over, or an extension of it waits already.", body = ErrorBody)))]
async fn extend(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiPath(id): ApiPath<GrantId>,
    ApiCreate { body, once }: ApiCreate<ExtendGrant>,
) -> Result<Response, ApiError> {
    let wanted = Extension { by: body.duration_seconds, reason: body.reason };
    let made = grants::extend(&state.app, &caller, &once, id, wanted).await?;
    let now = state.app.now();
    Ok(match made {
        Made::Now(extended) => answer(extended, now),
        Made::Before(extended) => replayed(answer(extended, now)),
    })
}

/// What happened to a grant, oldest first.
///
/// From the request to the last look for what is gone: what people and policy decided, each call to AWS and what came of it.
#[utoipa::path(get, path = "/v1/grants/{id}/timeline", tag = "grants", params(("id" = Uuid, Path), ListQuery),
    responses((status = 200, body = PageBody<Happening>)))]
async fn timeline(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiPath(id): ApiPath<GrantId>,
    list: ApiList<NoFilters>,
) -> Result<Json<PageBody<Happening>>, ApiError> {
    let page = list.page(&state, &caller)?;
    let told = grants::timeline(&state.app, &caller, id, page).await?;
    Ok(Json(list.body(&state, &caller, told.map(happening))))
}

fn answer(extended: Extended, now: Timestamp) -> Response {
    match extended {
        Extended::Grant(view) => Json(shown(*view, now)).into_response(),
        Extended::Asked(request) => {
            (StatusCode::ACCEPTED, Json(AccessRequest::new(*request, now))).into_response()
        }
    }
}

fn happening(told: grants::Happening) -> Happening {
    Happening {
        id: told.entry,
        at: told.at,
        action: told.action,
        actor_id: told.actor,
        actor_type: told.actor_type,
        what: told.what,
        details: told.details,
    }
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
    let sessions = GrantSessions::new(view.sessions(now), view.session_lasts(), view.grant.times.duration);
    Grant::new(view.grant, provisioning, view.standing, sessions, attempts, view.drift, now)
}
