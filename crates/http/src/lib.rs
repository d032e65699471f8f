//! The HTTP contract over the use cases: routes, credentials, limits, the one error body, OpenAPI.
//!
//! A handler is: extract, one use case, map to the body. Nothing else lives here: no SQL, no AWS, no policy.
//!
//! # To add an operation
//!
//! 1. **Bodies** in `curfew-api`, one module for each group: domain types, `deny_unknown_fields`, limits as
//!    `#[schema(…)]`.
//! 2. **The use case** in `curfew-app`: takes the [`App`], the [`Caller`](curfew_app::Caller) and
//!    domain types.
//! 3. **The handler** in `routes/<group>.rs`, registered with `routes!` in that file's `routes()`, and the file in
//!    `routes/mod.rs`:
//!
//! ```ignore
//! /// Revoke a grant now.
//! ///
//! /// The assignment is deleted in AWS as soon as no other grant needs it.
//! #[utoipa::path(delete, path = "/v1/grants/{id}", tag = "grants", params(("id" = Uuid, Path)),
//!     responses((status = 200, body = Grant), (status = 409, body = ErrorBody)))]
//! async fn revoke(
//!     State(state): State<HttpState>,
//!     Authenticated(caller): Authenticated,        // always first: credentials are looked at before anything else
//!     ApiPath(id): ApiPath<GrantId>,               // not an id: 404, like an id that never existed
//!     body: Option<ApiJson<RevokeGrant>>,          // last: it takes the body
//! ) -> Result<Json<Grant>, ApiError> {
//!     let grant = grants::revoke(&state.app, &caller, id, body.map(|ApiJson(body)| body.reason)).await?;
//!     Ok(Json(grant.into()))
//! }
//! ```
//!
//! What every operation has in common is not repeated: [`openapi`] adds `X-Tenant-ID`, the security schemes and the
//! errors 400, 401, 403, 404, 413, 415, 429, 500 and 503, each where it can happen. A handler names its successes,
//! and its own 409, 422, 423, 502. A public operation says `security(())`. A query parameter that the
//! description does not name is refused, so name all of them: `params(ListQuery, Filters)`.
//!
//! - A list takes [`ApiList<Filters>`](ApiList) and answers `PageBody<T>`.
//! - A POST that creates takes [`ApiCreate<T>`](ApiCreate) in place of [`ApiJson<T>`], hands its [`Once`](curfew_app::Once) to the use
//!   case, and answers [`Created`]: that is all of `Idempotency-Key`.
//! - An error is `?`: [`ApiError`] is made of [`AppError`](curfew_app::AppError), and has its status from one table.

mod created;
mod edge;
mod error;
mod extract;
mod known_query;
mod metrics_page;
mod openapi;
mod probe;
mod routes;
mod state;
mod tagged;

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::middleware::{from_fn_with_state, map_response};
use axum::response::{IntoResponse, Response};
use curfew_app::App;
use utoipa_swagger_ui::SwaggerUi;

pub use created::Created;
pub use edge::{Crowd, EdgeSettings, Place, RequestId, TrustedProxies};
pub use error::ApiError;
pub use extract::{
    ApiCreate, ApiJson, ApiList, ApiPath, ApiQuery, Authenticated, IfMatch, ListQuery, NoFilters,
};
pub use metrics_page::{MetricsError, MetricsPage};
pub use state::HttpState;

use created::replayed;
use edge::Edge;
use known_query::KnownQuery;

/// The whole server, to be served with `into_make_service_with_connect_info::<SocketAddr>()`.
pub fn router(app: Arc<App>, settings: &EdgeSettings, metrics: MetricsPage) -> Router {
    let (routes, described) = routes::routes().split_for_parts();
    let described = openapi::complete(described);
    let edge = Arc::new(Edge::new(settings, Arc::clone(&app.clock), Arc::clone(&app.entropy)));
    let known_query = Arc::new(KnownQuery::of(&described));
    let state = HttpState {
        app,
        edge: Arc::clone(&edge),
        known_query: Arc::clone(&known_query),
        metrics,
        probes: Arc::default(),
        description: render(&described).into(),
    };
    let routes = routes
        .with_state(state)
        .merge(docs())
        .layer(from_fn_with_state(known_query, known_query::check_public));
    edge::surround(routes::with_fallbacks(routes), &edge)
}

/// The OpenAPI 3.1 document of all routes, as `/openapi.json` shows it.
pub fn openapi() -> String {
    render(&openapi::complete(routes::routes().into_openapi()))
}

fn render(document: &utoipa::openapi::OpenApi) -> String {
    document.to_pretty_json().unwrap_or_default()
}

fn docs() -> Router {
    let docs: Router =
        SwaggerUi::new("/docs").config(utoipa_swagger_ui::Config::new(["/openapi.json"])).into();
    docs.layer(map_response(in_the_one_error_body))
}

/// Swagger UI answers what it does not have, or can't read, without the contract's body.
async fn in_the_one_error_body(response: Response) -> Response {
    match response.status() {
        StatusCode::NOT_FOUND | StatusCode::BAD_REQUEST => ApiError::UnknownPath.into_response(),
        _ => response,
    }
}
