use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, header};
use curfew_app::gate::{self, Presented};
use curfew_app::{AppError, Caller};

use crate::{ApiError, HttpState, edge};

const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const X_TENANT_ID: HeaderName = HeaderName::from_static("x-tenant-id");
const X_CSRF_TOKEN: HeaderName = HeaderName::from_static("x-csrf-token");

/// Who is asking, bound to their tenant. Always the first of a handler's extractors, so that nothing is told to
/// strangers: not even which parameters an operation takes.
///
/// Checks the credential and `X-Tenant-ID` in the contract's order, counts the request against the credential's
/// quota, and only then refuses query parameters that the operation does not describe.
#[derive(Debug, Clone)]
pub struct Authenticated(pub Caller);

impl FromRequestParts<HttpState> for Authenticated {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &HttpState) -> Result<Self, ApiError> {
        let caller = gate::authenticate(&state.app, presented(parts)).await?;
        let span = tracing::Span::current();
        span.record("tenant_id", tracing::field::display(caller.tenant));
        span.record("actor_id", caller.actor.id());
        state.edge.count_credential(caller.credential)?;
        state.known_query.check(parts)?;
        parts.extensions.insert(caller.clone());
        parts.extensions.insert(FoundBy(state.clone()));
        Ok(Self(caller))
    }
}

/// By what the caller was found, left with the request.
#[derive(Clone)]
struct FoundBy(HttpState);

/// Refuses a caller who is not any more who they were found to be, with all that they may do. Strangers to whom an
/// operation is open are nobody still.
pub(super) async fn ask_again(parts: &Parts) -> Result<(), ApiError> {
    let (Some(before), Some(FoundBy(state))) =
        (parts.extensions.get::<Caller>(), parts.extensions.get::<FoundBy>())
    else {
        return Ok(());
    };
    if gate::authenticate(&state.app, presented(parts)).await? == *before {
        return Ok(());
    }
    Err(AppError::conflict("what you may do has changed while the body was sent: send it again").into())
}

/// What the request shows of who sends it.
fn presented(parts: &Parts) -> Presented<'_> {
    let headers = &parts.headers;
    Presented {
        api_key: only(headers, &X_API_KEY),
        authorization: only(headers, &header::AUTHORIZATION),
        cookies: only(headers, &header::COOKIE),
        tenant: only(headers, &X_TENANT_ID),
        method_is_safe: parts.method.is_safe(),
        origin: only(headers, &header::ORIGIN),
        csrf_token: only(headers, &X_CSRF_TOKEN),
        source: edge::source_of(&parts.extensions),
    }
}

/// The one value of a header; an empty text, which is nobody's, when it came twice or is not text.
fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?;
    match (first.to_str(), values.next()) {
        (Ok(value), None) => Some(value),
        _ => Some(""),
    }
}
