use std::error::Error;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};

use super::authenticated;
use crate::ApiError;

/// The largest body that is read: 1 MiB.
pub(crate) const BODY_LIMIT: usize = 1024 * 1024;

/// How long a body may take: one that is sent drop by drop would hold a turn for as long as its sender likes.
const BODY_PATIENCE: Duration = Duration::from_secs(10);

/// Reads the whole body of a request that is asked for by whoever [`Authenticated`](super::Authenticated) found, if
/// anybody, of at most `limit` bytes.
///
/// Who holds the end of a body back holds an answer to the question who they are that may not be true any more: they
/// could be suspended meanwhile. So whoever had to be waited for is asked again.
pub(crate) async fn of_request(parts: &Parts, body: Body, limit: usize) -> Result<Bytes, ApiError> {
    let mut reading = pin!(read(&parts.headers, body, limit));
    if let Poll::Ready(read) = futures::poll!(reading.as_mut()) {
        return read;
    }
    let read = reading.await?;
    authenticated::ask_again(parts).await?;
    Ok(read)
}

/// Reads a whole body of at most `limit` bytes.
async fn read(headers: &HeaderMap, body: Body, limit: usize) -> Result<Bytes, ApiError> {
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: usize| length > limit) {
        return Err(too_large(limit));
    }
    match tokio::time::timeout(BODY_PATIENCE, Limited::new(body, limit).collect()).await {
        Ok(Ok(read)) => Ok(read.to_bytes()),
        Ok(Err(error)) if is_length_limit(error.as_ref()) => Err(too_large(limit)),
        Ok(Err(_)) => Err(ApiError::field("", "the body ended before it was whole")),
        Err(_) => Err(ApiError::field("", "the body did not arrive within 10 seconds")),
    }
}

fn too_large(limit: usize) -> ApiError {
    ApiError::TooLarge { what: "the body", limit: format!("{limit} bytes") }
}

fn is_length_limit(error: &(dyn Error + 'static)) -> bool {
    error.is::<LengthLimitError>() || error.source().is_some_and(is_length_limit)
}
