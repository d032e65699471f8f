use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::{Edge, is_probe, source_of};
use crate::ApiError;

/// The longest URL (path and query) in bytes: a cursor and every filter fit several times over.
const URL_BYTES: usize = 8 * 1024;
/// Most header fields, and most bytes of all names and values.
const HEADERS: usize = 64;
const HEADER_BYTES: usize = 32 * 1024;

/// Refuses what is too large, and addresses that ask too much.
pub(super) async fn check(State(edge): State<Arc<Edge>>, request: Request, next: Next) -> Response {
    match too_large(&request).and_then(|()| count_address(&edge, &request)) {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

fn too_large(request: &Request) -> Result<(), ApiError> {
    let url = request.uri().path_and_query().map_or(0, |url| url.as_str().len());
    if url > URL_BYTES {
        return Err(ApiError::TooLarge { what: "the URL", limit: format!("{URL_BYTES} bytes") });
    }
    let headers = request.headers();
    if headers.len() > HEADERS {
        return Err(ApiError::TooLarge { what: "the list of headers", limit: format!("{HEADERS} fields") });
    }
    if bytes_of(headers) > HEADER_BYTES {
        return Err(ApiError::TooLarge { what: "the header", limit: format!("{HEADER_BYTES} bytes") });
    }
    Ok(())
}

fn bytes_of(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum()
}

fn count_address(edge: &Edge, request: &Request) -> Result<(), ApiError> {
    let (Some(quota), Some(source)) = (&edge.addresses, source_of(request.extensions())) else {
        return Ok(());
    };
    if is_probe(request.uri().path()) {
        return Ok(());
    }
    quota.take(&source.into())
}
