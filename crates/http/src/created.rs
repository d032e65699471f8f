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
        let replayed = matches!(self.0, Made::Before(_));
        let mut response = (StatusCode::CREATED, Json(self.0.into_inner())).into_response();
        if replayed {
            response.headers_mut().insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
        }
        response
    }
}
