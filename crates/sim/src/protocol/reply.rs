//! Answers and errors in each service's dialect.

use axum::{
    body::Body,
    http::{Response, StatusCode, header},
};
use serde_json::{Map, Value, json};

use super::xml;
use crate::{
    refusal::{Refusal, WireError},
    service::Service,
};

/// The answer to a call that was handled.
pub(crate) fn answer(service: Service, operation: &str, result: &Value) -> Response<Body> {
    let request_id = new_request_id();
    let body = match service {
        Service::Sts => xml::answer(operation, result, &request_id),
        _ => result.to_string(),
    };
    respond(service, 200, body, &request_id, None)
}

/// The answer to a call that was refused.
pub(crate) fn refuse(service: Service, refusal: &Refusal) -> Response<Body> {
    let request_id = new_request_id();
    let error = refusal.on_wire(service);
    let body = match service {
        Service::Sts => xml::error(error.status, &error.code, &error.message, &request_id),
        _ => json_error(service, refusal, &error, &request_id).to_string(),
    };
    respond(service, error.status, body, &request_id, Some(&error.code))
}

/// Something that is no answer of AWS's.
pub(crate) fn garbage() -> Response<Body> {
    let mut response = Response::new(Body::from("<html><body>502 <b>not what you expected"));
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("text/html"));
    response
}

/// Errors of the JSON protocol: the code in `__type`, the other members as the model names them.
fn json_error(service: Service, refusal: &Refusal, error: &WireError, request_id: &str) -> Value {
    let mut members = Map::new();
    members.insert("__type".to_owned(), json!(error.code));
    // KMS has its own mind about the letter.
    let message = if refusal.is_modeled() && service != Service::Kms { "Message" } else { "message" };
    members.insert(message.to_owned(), json!(error.message));
    if service == Service::IdentityStore && refusal.is_modeled() {
        members.insert("RequestId".to_owned(), json!(request_id));
    }
    members.extend(error.members.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    Value::Object(members)
}

fn respond(
    service: Service,
    status: u16,
    body: String,
    request_id: &str,
    error: Option<&str>,
) -> Response<Body> {
    let content_type = match service {
        Service::Sts => "text/xml",
        _ => "application/x-amz-json-1.1",
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static(content_type));
    let named = [
        ("x-amzn-requestid", Some(request_id)),
        ("x-amzn-errortype", error.filter(|_| service != Service::Sts)),
    ];
    for (name, value) in named {
        if let Some(value) = value.and_then(|value| header::HeaderValue::from_str(value).ok()) {
            headers.insert(name, value);
        }
    }
    response
}

fn new_request_id() -> String {
    crate::entropy::uuid()
}
