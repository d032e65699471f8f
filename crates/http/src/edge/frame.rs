use std::any::Any;
use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use curfew_api::ErrorBody;
use curfew_domain::ErrorCode;
use serde_json::{Map, Value};
use tracing::Instrument;
use uuid::Uuid;

use super::request_id::X_REQUEST_ID;
use super::{Edge, RequestId, Source, is_probe, source_of};
use crate::ApiError;
use crate::error::Hidden;

/// The outermost layer: names the request, times it, logs it once, and dresses the answer.
pub(super) async fn frame(State(edge): State<Arc<Edge>>, mut request: Request, next: Next) -> Response {
    if let Some(source) = Source::of(&edge, &request) {
        request.extensions_mut().insert(source);
    }
    let id = RequestId::of(request.headers(), || fresh_id(&edge).to_string());
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let route = route_of(&request);
    let span = tracing::info_span!(
        "request",
        request_id = id.as_ref().map(RequestId::as_str),
        %method,
        route,
        source = source_of(request.extensions()).map(tracing::field::display),
        tenant_id = tracing::field::Empty,
        actor_id = tracing::field::Empty,
    );
    if let Some(id) = id.clone() {
        request.extensions_mut().insert(id);
    }
    let answering = async {
        let begun = Instant::now();
        let response = show_incident(&edge, next.run(request).await);
        tell(&method, &route, &path, response.status(), begun);
        response
    };
    let mut response = answering.instrument(span).await;
    dress(&edge, &path, &mut response);
    if let Some(id) = id {
        response.headers_mut().insert(X_REQUEST_ID, id.header());
    }
    response
}

/// The path as the router knows it: few different ones, and without ids.
fn route_of(request: &Request) -> String {
    let route = request.extensions().get::<MatchedPath>().map_or("unknown", MatchedPath::as_str);
    if route.starts_with("/docs") { "/docs".to_owned() } else { route.to_owned() }
}

fn fresh_id(edge: &Edge) -> Uuid {
    let mut random = [0; 10];
    edge.entropy.fill(&mut random);
    uuid::Builder::from_unix_timestamp_millis(edge.clock.now().unix_millis(), &random).into_uuid()
}

/// Logs and counts a request that was answered.
fn tell(method: &Method, route: &str, path: &str, status: StatusCode, begun: Instant) {
    let taken = begun.elapsed();
    let labels = [
        ("method", method_label(method).to_owned()),
        ("route", route.to_owned()),
        ("status", status.as_u16().to_string()),
    ];
    metrics::counter!("curfew_http_requests_total", &labels).increment(1);
    metrics::histogram!("curfew_http_request_seconds", "route" => route.to_owned())
        .record(taken.as_secs_f64());
    let status = status.as_u16();
    let micros = u64::try_from(taken.as_micros()).unwrap_or(u64::MAX);
    if is_probe(path) {
        tracing::debug!(status, micros, "request answered");
    } else {
        tracing::info!(status, micros, "request answered");
    }
}

/// Callers may invent methods; each would be a new time series.
fn method_label(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

/// Logs what the caller must not see. For a fault of ours the caller gets the incident's id and nothing else.
fn show_incident(edge: &Edge, mut response: Response) -> Response {
    let Some(Hidden(source)) = response.extensions_mut().remove::<Hidden>() else { return response };
    let error = chain(source.as_ref());
    if response.status() != StatusCode::INTERNAL_SERVER_ERROR {
        tracing::warn!(error, "request could not be served now");
        return response;
    }
    let incident = fresh_id(edge).to_string();
    tracing::error!(incident_id = incident, error, "request failed");
    metrics::counter!("curfew_http_faults_total").increment(1);
    let body = ErrorBody {
        code: ErrorCode::Internal,
        message: "something went wrong on our side; the incident id finds it in the log".to_owned(),
        details: Map::from_iter([("incident_id".to_owned(), Value::from(incident))]),
        notices: Vec::new(),
    };
    (StatusCode::INTERNAL_SERVER_ERROR, Json(body)).into_response()
}

/// An error and all its causes.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    std::iter::successors(Some(error), |error| error.source())
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

/// A handler panicked: the answer of any other fault.
pub(super) fn panicked(payload: Box<dyn Any + Send + 'static>) -> Response {
    let message = payload
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| payload.downcast_ref::<&str>().copied())
        .unwrap_or("without a message");
    ApiError::Fault(Arc::new(Panic(message.to_owned()))).into_response()
}

#[derive(Debug, thiserror::Error)]
#[error("a handler panicked: {0}")]
struct Panic(String);

/// Headers that keep browsers from doing anything with an answer but what it is for.
fn dress(edge: &Edge, path: &str, response: &mut Response) {
    // Swagger UI is one page with its own scripts, and styles that it writes itself.
    const DOCS: &str = "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; \
                        frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
    const NOTHING: &str = "default-src 'none'; frame-ancestors 'none'";
    // What is left of the body is not read, so nothing can follow it here: a caller who is not told would send the
    // next request into a closed connection.
    let ends_here = response.status() == StatusCode::PAYLOAD_TOO_LARGE;
    let headers = response.headers_mut();
    let policy = if path.starts_with("/docs") { DOCS } else { NOTHING };
    let mut set = |name, value| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    set(header::CONTENT_SECURITY_POLICY, policy);
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::X_FRAME_OPTIONS, "DENY");
    set(header::REFERRER_POLICY, "no-referrer");
    if path.starts_with("/v1/") {
        set(header::CACHE_CONTROL, "no-store");
    }
    if ends_here {
        set(header::CONNECTION, "close");
    }
    if edge.over_tls {
        set(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
}
