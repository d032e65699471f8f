//! What a tenant has chosen.

use axum::Json;
use axum::extract::State;
use curfew_api::{PageBody, Setting, SettingChange};
use curfew_app::AppError;
use curfew_app::settings::{self, SettingKey};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::{ApiError, ApiJson, ApiList, ApiPath, Authenticated, HttpState, ListQuery, NoFilters};

pub(crate) fn routes() -> OpenApiRouter<HttpState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(change))
}

/// List settings, by name, with what is in force.
#[utoipa::path(get, path = "/v1/settings", tag = "settings", params(ListQuery),
    responses((status = 200, body = PageBody<Setting>)))]
async fn list(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    list: ApiList<NoFilters>,
) -> Result<Json<PageBody<Setting>>, ApiError> {
    let page = list.page(&state, &caller)?;
    let found = settings::list(&state.app, &caller, &page).await?;
    Ok(Json(list.body(&state, &caller, found.map(shown))))
}

/// Set a setting.
#[utoipa::path(put, path = "/v1/settings/{key}", tag = "settings", params(("key" = String, Path)),
    request_body = SettingChange,
    responses((status = 200, body = Setting)))]
async fn change(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiPath(key): ApiPath<String>,
    ApiJson(body): ApiJson<SettingChange>,
) -> Result<Json<Setting>, ApiError> {
    let key: SettingKey = key.parse().map_err(|_| AppError::NotFound("setting"))?;
    Ok(Json(shown(settings::change(&state.app, &caller, key, body.value).await?)))
}

fn shown(setting: settings::Setting) -> Setting {
    Setting { key: setting.key.as_str().to_owned(), value: setting.value, updated_at: setting.updated_at }
}
