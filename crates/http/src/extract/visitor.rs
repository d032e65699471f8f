use std::convert::Infallible;
use std::net::IpAddr;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, header};

use crate::edge;

const X_SETUP_TOKEN: HeaderName = HeaderName::from_static("x-setup-token");

/// What is known of one who calls a public operation: nothing that they proved.
#[derive(Debug, Clone)]
pub(crate) struct Visitor {
    /// Where they call from.
    pub(crate) source: Option<IpAddr>,
    /// The page that had the browser call.
    pub(crate) origin: Option<String>,
    /// The name by which they reached the server.
    pub(crate) host: Option<String>,
    /// What shows that they may set the server up.
    pub(crate) setup_token: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for Visitor {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self {
            source: edge::source_of(&parts.extensions),
            origin: text(&parts.headers, &header::ORIGIN),
            host: text(&parts.headers, &header::HOST),
            setup_token: text(&parts.headers, &X_SETUP_TOKEN),
        })
    }
}

fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}
