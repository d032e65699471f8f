use axum::http::{HeaderMap, HeaderName, HeaderValue};

/// The header that names a request in logs, on both sides.
pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The name of a request: the caller's own where it is sane, else one that we made. In the request's extensions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(HeaderValue);

impl RequestId {
    /// The caller's, or a new one.
    pub(super) fn of(headers: &HeaderMap, fresh: impl FnOnce() -> String) -> Option<Self> {
        match headers.get(X_REQUEST_ID) {
            Some(sent) if is_sane(sent.as_bytes()) => Some(Self(sent.clone())),
            _ => HeaderValue::try_from(fresh()).ok().map(Self),
        }
    }

    /// As a header.
    pub(super) fn header(&self) -> HeaderValue {
        self.0.clone()
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }
}

/// 1 to 128 letters, digits and `-_.`: nothing that could do harm in a log or a header.
fn is_sane(id: &[u8]) -> bool {
    (1..=128).contains(&id.len()) && id.iter().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(b))
}
