use axum::extract::{FromRequest, MatchedPath, Request};
use axum::http::{HeaderMap, HeaderName};
use curfew_app::{Caller, Once};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::body::{self, BODY_LIMIT};
use super::json;
use crate::{ApiError, HttpState};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The JSON body of a POST that creates, with what makes it safe to repeat: [`ApiJson`](super::ApiJson) and
/// `Idempotency-Key` in one. Stands after `Authenticated`, for a key is its caller's own.
///
/// ```ignore
/// async fn create(
///     State(state): State<HttpState>,
///     Authenticated(caller): Authenticated,
///     ApiCreate { body, once }: ApiCreate<NewPolicy>,
/// ) -> Result<Created<Policy>, ApiError> {
///     let made = policies::create(&state.app, &caller, body.into(), &once).await?;
///     Ok(Created(made.map(Policy::from)))
/// }
/// ```
#[derive(Debug)]
pub struct ApiCreate<T> {
    /// What is to be created.
    pub body: T,
    /// For the use case.
    pub once: Once,
}

impl<T: DeserializeOwned> FromRequest<HttpState> for ApiCreate<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &HttpState) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        json::require_json(&parts.headers)?;
        let bytes = body::of_request(&parts, body, BODY_LIMIT).await?;
        let body = json::parse(&bytes)?;
        let Some(key) = key_in(&parts.headers)? else { return Ok(Self { body, once: Once::unkeyed() }) };
        let (Some(caller), Some(route)) =
            (parts.extensions.get::<Caller>(), parts.extensions.get::<MatchedPath>())
        else {
            return Err(ApiError::Fault(std::sync::Arc::new(NoCaller)));
        };
        // Canonical, so that a client that writes the same fields in another order repeats itself.
        let value: Value = json::parse(&bytes)?;
        let canonical = serde_json_canonicalizer::to_vec(&value)
            .map_err(|error| ApiError::field("", format!("not sound JSON: {error}")))?;
        let once = Once::keyed(&state.app.keyring, caller, &place(route, &parts.uri), &key, &canonical);
        Ok(Self { body, once })
    }
}

#[derive(Debug, thiserror::Error)]
#[error("ApiCreate stands before Authenticated, or outside a route")]
struct NoCaller;

/// The operation, and what it is asked of: `/v1/policies/{id}/rules` is another place for each policy.
fn place(route: &MatchedPath, uri: &axum::http::Uri) -> String {
    format!("POST {} {}", route.as_str(), uri.path())
}

/// 1 to 255 visible ASCII characters.
fn key_in(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let mut sent = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(key) = sent.next() else { return Ok(None) };
    let is_sound = (1..=255).contains(&key.len()) && key.as_bytes().iter().all(u8::is_ascii_graphic);
    match key.to_str() {
        Ok(key) if is_sound && sent.next().is_none() => Ok(Some(key.to_owned())),
        _ => Err(ApiError::field("Idempotency-Key", "must be one text of 1 to 255 visible ASCII characters")),
    }
}
