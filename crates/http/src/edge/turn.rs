use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use curfew_app::AppError;

use super::{Edge, is_probe, source_of};
use crate::ApiError;

/// Works on so many requests at a time, on so many for one address, and on each for so long: what is more is told to
/// come back.
///
/// A request that runs out of time is dropped where it stands: its transaction is rolled back.
pub(super) async fn take_turn(State(edge): State<Arc<Edge>>, request: Request, next: Next) -> Response {
    if is_probe(request.uri().path()) {
        return next.run(request).await;
    }
    let source = source_of(request.extensions());
    // Trusted proxies ask for many, where they don't say for whom.
    let counted = source.filter(|source| !edge.trusted_proxies.contains(*source));
    let place = counted.map(|source| edge.crowd.enter(source));
    if matches!(place, Some(None)) {
        return ApiError::from(AppError::RateLimited { retry_after_seconds: 1 }).into_response();
    }
    let Ok(_turn) = edge.turns.try_acquire() else {
        return ApiError::unavailable("the server is busy; come back in a moment").into_response();
    };
    match tokio::time::timeout(edge.patience, next.run(request)).await {
        Ok(response) => response,
        Err(_) => ApiError::unavailable("the server took too long; come back in a moment").into_response(),
    }
}
