//! Health, metrics, and the description of the API. All public.

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use curfew_api::{ErrorBody, Health, HealthStatus};
use curfew_app::AppError;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::probe::NotWell;
use crate::{ApiError, HttpState};

pub(crate) fn routes() -> OpenApiRouter<HttpState> {
    OpenApiRouter::new()
        .routes(routes!(healthz))
        .routes(routes!(readyz))
        .routes(routes!(metrics))
        .routes(routes!(openapi))
}

/// Whether the server answers and reaches its database.
#[utoipa::path(get, path = "/healthz", tag = "health", security(()),
    responses((status = 200, body = Health), (status = 503, description = "The database does not answer.", body = ErrorBody)))]
async fn healthz(State(state): State<HttpState>) -> Result<Json<Health>, ApiError> {
    state
        .probes
        .alive
        .answer(state.app.clock.as_ref(), NotWell::unless(state.app.check_alive()))
        .await
        .map_err(AppError::from)?;
    Ok(Json(Health { status: HealthStatus::Ok }))
}

/// Whether this node should be sent requests.
///
/// The database answers and has the migrations that this program knows, the reconciler is alive, and the clock is
/// right. It says nothing of any tenant's AWS: one customer's deleted role must not take every node out of service.
#[utoipa::path(get, path = "/readyz", tag = "health", security(()),
    responses((status = 200, body = Health), (status = 503, description = "Not ready; the message says why.", body = ErrorBody)))]
async fn readyz(State(state): State<HttpState>) -> Result<Json<Health>, ApiError> {
    state
        .probes
        .ready
        .answer(state.app.clock.as_ref(), NotWell::unless(state.app.check_ready()))
        .await
        .map_err(AppError::from)?;
    Ok(Json(Health { status: HealthStatus::Ok }))
}

/// Metrics in Prometheus's text format.
#[utoipa::path(get, path = "/metrics", tag = "health", security(()),
    responses((status = 200, body = String, content_type = "text/plain")))]
async fn metrics(State(state): State<HttpState>) -> Response {
    let page = state
        .probes
        .metrics
        .answer(state.app.clock.as_ref(), async { Bytes::from(state.metrics.render()) })
        .await;
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], page).into_response()
}

/// This description.
#[utoipa::path(get, path = "/openapi.json", tag = "health", security(()),
    responses((status = 200, body = serde_json::Value)))]
async fn openapi(State(state): State<HttpState>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], Bytes::clone(&state.description)).into_response()
}
