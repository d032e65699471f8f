//! API keys.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use curfew_api::{ApiKey, ApiKeyCreated, NewApiKey, PageBody};
use curfew_app::api_keys;
use curfew_domain::ApiKeyId;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::{ApiCreate, ApiError, ApiList, ApiPath, Authenticated, Created, HttpState, ListQuery, NoFilters};

const TAG: &str = "api-keys";

pub(crate) fn routes() -> OpenApiRouter<HttpState> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(revoke))
}

/// List API keys, newest first, live or not.
#[utoipa::path(get, path = "/v1/api-keys", tag = TAG, params(ListQuery),
    responses((status = 200, body = PageBody<ApiKey>)))]
async fn list(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    list: ApiList<NoFilters>,
) -> Result<Json<PageBody<ApiKey>>, ApiError> {
    let page = list.page(&state, &caller)?;
    let found = api_keys::list(&state.app, &caller, &page).await?;
    Ok(Json(list.body(&state, &caller, found.map(shown))))
}

/// Create an API key, which acts as the caller within its scopes.
#[utoipa::path(post, path = "/v1/api-keys", tag = TAG, request_body = NewApiKey,
    responses((status = 201, body = ApiKeyCreated)))]
async fn create(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiCreate { body, once }: ApiCreate<NewApiKey>,
) -> Result<Created<ApiKeyCreated>, ApiError> {
    if body.identity_provider_id.is_some() {
        return Err(ApiError::field("identity_provider_id", "there is no such identity provider"));
    }
    let ask = api_keys::NewApiKey { name: body.name, scopes: body.scopes, expires_at: body.expires_at };
    let made = api_keys::create(&state.app, &caller, ask, &once).await?;
    Ok(Created(made.map(|made| ApiKeyCreated { key: shown(made.key), raw_key: made.raw })))
}

/// Revoke an API key: it is refused from the next call on, on every node.
#[utoipa::path(delete, path = "/v1/api-keys/{id}", tag = TAG, params(("id" = Uuid, Path)),
    responses((status = 204, description = "Revoked.")))]
async fn revoke(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiPath(id): ApiPath<ApiKeyId>,
) -> Result<StatusCode, ApiError> {
    api_keys::revoke(&state.app, &caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn shown(key: curfew_domain::ApiKey) -> ApiKey {
    ApiKey {
        id: key.id,
        name: key.name,
        scopes: key.scopes,
        created_by: Some(key.maker),
        last_used_at: key.last_used_at,
        expires_at: key.expires_at,
        revoked_at: key.revoked.map(|revoked| revoked.at),
        revoked_by: key.revoked.map(|revoked| revoked.by),
        created_at: key.created_at,
        identity_provider_id: None,
    }
}
