use std::any::Any;
use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use curfew_api::ErrorBody;
use curfew_app::with_causes;
use curfew_domain::ErrorCode;
use serde_json::{Map, Value};
use tracing::Instrument;
use uuid::Uuid;

use super::body::watched;
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
    let (request, body) = watched(request);
    let answering = async {
        let mut told = Told { method, route, path: path.clone(), begun: Instant::now(), status: GONE };
        let response = show_incident(&edge, next.run(request).await);
        told.status = response.status().as_u16();
        response
    };
    let mut response = answering.instrument(span).await;
    dress(&edge, &path, &mut response);
    if body.is_left() {
        // Nothing can follow what is not read: a caller who is not told would send the next request into a closed
        // connection.
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
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

/// What logs and metrics say of a caller who did not wait for the answer: no status of HTTP's own, but the one that
/// proxies write for it.
const GONE: u16 = 499;

/// A request, logged and counted when it is over: answered, or dropped because its caller is gone. The slowest ones are
/// those that nobody waits for.
struct Told {
    method: Method,
    route: String,
    path: String,
    begun: Instant,
    status: u16,
}

impl Drop for Told {
    fn drop(&mut self) {
        let taken = self.begun.elapsed();
        let labels = [
            ("method", method_label(&self.method).to_owned()),
            ("route", self.route.clone()),
            ("status", self.status.to_string()),
        ];
        metrics::counter!("curfew_http_requests_total", &labels).increment(1);
        metrics::histogram!("curfew_http_request_seconds", "route" => self.route.clone())
            .record(taken.as_secs_f64());
        let status = self.status;
        let micros = u64::try_from(taken.as_micros()).unwrap_or(u64::MAX);
        let said = if status == GONE { "request given up by its caller" } else { "request answered" };
        if is_probe(&self.path) {
            tracing::debug!(status, micros, "{said}");
        } else {
            tracing::info!(status, micros, "{said}");
        }
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
    let error = with_causes(source.as_ref());
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
    if edge.over_tls {
        set(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
}
