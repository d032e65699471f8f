use axum::Json;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use curfew_app::Made;
use serde::Serialize;

const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// 201 with what was made; with `Idempotency-Replayed: true` when it was made by an earlier request.
#[derive(Debug, Clone, Copy)]
pub struct Created<T>(pub Made<T>);

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        let is_replayed = matches!(self.0, Made::Before(_));
        let response = (StatusCode::CREATED, Json(self.0.into_inner())).into_response();
        if is_replayed { replayed(response) } else { response }
    }
}

/// Says of an answer that it is a repeated request's.
pub(crate) fn replayed(mut response: Response) -> Response {
    response.headers_mut().insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
    response
}
