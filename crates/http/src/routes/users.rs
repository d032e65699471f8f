//! The tenant's people.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use curfew_api::{ErrorBody, Me, NewUser, PageBody, User, UserChange};
use curfew_app::users;
use curfew_domain::UserId;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::tenants;
use crate::{
    ApiCreate, ApiError, ApiJson, ApiList, ApiPath, Authenticated, Created, HttpState, ListQuery, NoFilters,
};

const TAG: &str = "users";

pub(crate) fn routes() -> OpenApiRouter<HttpState> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(me))
        .routes(routes!(get, update, delete))
        .routes(routes!(suspend))
        .routes(routes!(activate))
}

/// List users, newest first.
#[utoipa::path(get, path = "/v1/users", tag = TAG, params(ListQuery),
    responses((status = 200, body = PageBody<User>)))]
async fn list(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    list: ApiList<NoFilters>,
) -> Result<Json<PageBody<User>>, ApiError> {
    let page = list.page(&state, &caller)?;
    let found = users::list(&state.app, &caller, &page).await?;
    Ok(Json(list.body(&state, &caller, found.map(shown))))
}

/// Create a user.
///
/// For 30 days the account decides no request of whoever made it: they could be one person.
#[utoipa::path(post, path = "/v1/users", tag = TAG, request_body = NewUser,
    responses((status = 201, body = User),
        (status = 409, description = "The e-mail address is taken.", body = ErrorBody)))]
async fn create(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiCreate { body, once }: ApiCreate<NewUser>,
) -> Result<Created<User>, ApiError> {
    let ask = users::NewUser {
        email: body.email,
        name: body.name,
        password: body.password,
        roles: body.roles,
        auth_provider: body.auth_provider,
    };
    let made = users::create(&state.app, &caller, ask, &once).await?;
    Ok(Created(made.map(shown)))
}

/// Who the caller is: person, tenant, roles, effective scopes.
#[utoipa::path(get, path = "/v1/users/me", tag = TAG, responses((status = 200, body = Me)))]
async fn me(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
) -> Result<Json<Me>, ApiError> {
    let me = users::me(&state.app, &caller).await?;
    Ok(Json(Me {
        user: shown(me.user),
        tenant: tenants::shown(me.tenant),
        scopes: me.scopes,
        csrf_token: me.csrf_token.map(|token| token.as_str().to_owned()),
    }))
}

/// Read a user.
#[utoipa::path(get, path = "/v1/users/{id}", tag = TAG, params(("id" = Uuid, Path)),
    responses((status = 200, body = User)))]
async fn get(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiPath(id): ApiPath<UserId>,
) -> Result<Json<User>, ApiError> {
    Ok(Json(shown(users::get(&state.app, &caller, id).await?)))
}

/// Change a user's name or roles. Other roles count from the next call.
#[utoipa::path(put, path = "/v1/users/{id}", tag = TAG, params(("id" = Uuid, Path)),
    request_body = UserChange,
    responses((status = 200, body = User),
        (status = 409, description = "The last admin stays one.", body = ErrorBody)))]
async fn update(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiPath(id): ApiPath<UserId>,
    ApiJson(body): ApiJson<UserChange>,
) -> Result<Json<User>, ApiError> {
    let change = users::UserChange { name: body.name, roles: body.roles };
    Ok(Json(shown(users::update(&state.app, &caller, id, change).await?)))
}

/// Delete a user, and erase what is known of them.
///
/// Nothing of theirs is let in any more, their pending requests are cancelled, their live grants revoked in AWS. Their
/// name, address, reasons and other texts are erased; what was done stays, under their id. There is no way back.
#[utoipa::path(delete, path = "/v1/users/{id}", tag = TAG, params(("id" = Uuid, Path)),
    responses((status = 204, description = "Deleted."),
        (status = 403, description = "Oneself, or somebody who may do what the caller may not.", body = ErrorBody),
        (status = 409, description = "The last admin, the tenant's owner, somebody whom a lockdown covers, or whose \
            emergency waits for its review.", body = ErrorBody)))]
async fn delete(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiPath(id): ApiPath<UserId>,
) -> Result<StatusCode, ApiError> {
    users::delete(&state.app, &caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Suspend a user.
///
/// Nothing of theirs is let in any more, their keys are revoked, their pending requests cancelled, their live grants
/// revoked in AWS.
#[utoipa::path(post, path = "/v1/users/{id}/suspend", tag = TAG, params(("id" = Uuid, Path)),
    responses((status = 200, body = User),
        (status = 409, description = "The last admin can't be suspended.", body = ErrorBody)))]
async fn suspend(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiPath(id): ApiPath<UserId>,
) -> Result<Json<User>, ApiError> {
    Ok(Json(shown(users::suspend(&state.app, &caller, id).await?)))
}

/// Let a suspended user in again; they sign in anew.
#[utoipa::path(post, path = "/v1/users/{id}/activate", tag = TAG, params(("id" = Uuid, Path)),
    responses((status = 200, body = User)))]
async fn activate(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiPath(id): ApiPath<UserId>,
) -> Result<Json<User>, ApiError> {
    Ok(Json(shown(users::activate(&state.app, &caller, id).await?)))
}

/// A user as others see them.
pub(super) fn shown(user: curfew_domain::User) -> User {
    User {
        id: user.id,
        email: user.email,
        name: user.name,
        roles: user.roles,
        group_roles: user.memberships.roles,
        auth_provider: user.auth_provider,
        active: user.active,
        email_verified: user.email_verified,
        is_owner: user.is_owner,
        created_at: user.created_at,
        updated_at: user.updated_at,
        avatar_base64: None,
    }
}
