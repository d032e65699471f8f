//! Lockdowns.

use axum::Json;
use axum::extract::State;
use curfew_api::{ErrorBody, Lockdown, NewLockdown, PageBody};
use curfew_app::{AppError, lockdowns};
use curfew_domain::{LockdownId, LockdownOf};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::{ApiCreate, ApiError, ApiList, ApiPath, Authenticated, Created, HttpState, ListQuery};

const TAG: &str = "lockdowns";

pub(crate) fn routes() -> OpenApiRouter<HttpState> {
    OpenApiRouter::new().routes(routes!(list, start)).routes(routes!(get, lift))
}

/// Which lockdowns to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Filters {
    /// Those in force, or those that were lifted.
    in_force: Option<bool>,
}

/// Lockdowns, newest first.
#[utoipa::path(get, path = "/v1/lockdowns", tag = TAG, params(ListQuery, Filters),
    responses((status = 200, body = PageBody<Lockdown>)))]
async fn list(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    list: ApiList<Filters>,
) -> Result<Json<PageBody<Lockdown>>, ApiError> {
    let page = list.page(&state, &caller)?;
    let found = lockdowns::list(&state.app, &caller, list.filters.in_force, &page).await?;
    Ok(Json(list.body(&state, &caller, found.map(shown))))
}

/// Lock down a person, an AWS account, or the whole tenant.
///
/// All live grants that it covers end at once, and AWS follows before anything else is done there. Until the lockdown is
/// lifted nobody is given what it covers: to ask for it, to approve it and to extend it is answered with 423. Requests
/// that wait for a decision go on waiting.
#[utoipa::path(post, path = "/v1/lockdowns", tag = TAG, request_body = NewLockdown,
    responses((status = 201, body = Lockdown),
        (status = 409, description = "The same is locked down already (`details.lockdown_id`), or too much is; or the key was used for another body.", body = ErrorBody)))]
async fn start(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiCreate { body, once }: ApiCreate<NewLockdown>,
) -> Result<Created<Lockdown>, ApiError> {
    let of = LockdownOf::named(body.scope, body.id.as_deref())
        .map_err(|problem| AppError::invalid("id", &problem))?;
    let ask = lockdowns::NewLockdown { of, reason: body.reason };
    let made = lockdowns::start(&state.app, &caller, ask, &once).await?;
    Ok(Created(made.map(shown)))
}

/// Read a lockdown.
#[utoipa::path(get, path = "/v1/lockdowns/{id}", tag = TAG, params(("id" = Uuid, Path)),
    responses((status = 200, body = Lockdown)))]
async fn get(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiPath(id): ApiPath<LockdownId>,
) -> Result<Json<Lockdown>, ApiError> {
    Ok(Json(shown(lockdowns::get(&state.app, &caller, id).await?)))
}

/// Lift a lockdown. What it ended stays ended. Nobody lifts the one that covers themselves.
#[utoipa::path(delete, path = "/v1/lockdowns/{id}", tag = TAG, params(("id" = Uuid, Path)),
    responses((status = 200, body = Lockdown),
        (status = 409, description = "It was lifted before.", body = ErrorBody)))]
async fn lift(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiPath(id): ApiPath<LockdownId>,
) -> Result<Json<Lockdown>, ApiError> {
    Ok(Json(shown(lockdowns::lift(&state.app, &caller, id).await?)))
}

fn shown(lockdown: curfew_domain::Lockdown) -> Lockdown {
    Lockdown {
        id: lockdown.id,
        scope: lockdown.of.scope(),
        subject_id: lockdown.of.id(),
        reason: lockdown.reason,
        in_force: lockdown.lifted.is_none(),
        grants_revoked: lockdown.grants_revoked,
        created_by: lockdown.created_by,
        created_at: lockdown.created_at,
        lifted_by: lockdown.lifted.map(|lifted| lifted.by),
        lifted_at: lockdown.lifted.map(|lifted| lifted.at),
    }
}
