use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};

/// An answer about a policy of this version, with the version as its `ETag`: to be sent back as `If-Match`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tagged<R>(pub(crate) u32, pub(crate) R);

impl<R: IntoResponse> IntoResponse for Tagged<R> {
    fn into_response(self) -> Response {
        let mut response = self.1.into_response();
        if let Ok(tag) = HeaderValue::try_from(format!("\"{}\"", self.0)) {
            response.headers_mut().insert(header::ETAG, tag);
        }
        response
    }
}
