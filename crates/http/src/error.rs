use std::error::Error;
use std::sync::Arc;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use curfew_api::ErrorBody;
use curfew_app::{AppError, FieldProblem};
use curfew_domain::ErrorCode;
use serde_json::{Map, Value};

/// Why a request was not answered as asked: a use case's word, or the edge's own.
///
/// Handlers return it with `?`. It becomes the contract's one error body, with the status of its code.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// A use case refused.
    #[error(transparent)]
    App(#[from] AppError),
    /// There is no such path.
    #[error("there is no such path; GET /openapi.json lists them")]
    UnknownPath,
    /// The path exists, the method does not; axum adds `Allow`.
    #[error("this path does not take that method; Allow says which it takes")]
    MethodNotAllowed,
    /// Something is larger than is accepted.
    #[error("{what} is larger than the {limit} that are accepted")]
    TooLarge {
        /// What: "the body", "the URL".
        what: &'static str,
        /// How much is accepted, with its unit.
        limit: String,
    },
    /// The body is not announced as JSON.
    #[error("the body must be JSON, announced as Content-Type: application/json")]
    UnsupportedMediaType,
    /// Our fault, found at the edge: a panic, or wiring that is wrong.
    #[error("internal error")]
    Fault(#[source] Arc<dyn Error + Send + Sync>),
}

impl ApiError {
    /// Several fields that are not as they should be.
    pub(crate) fn fields(problems: Vec<FieldProblem>) -> Self {
        AppError::Invalid(problems).into()
    }

    /// One field that is not as it should be.
    pub(crate) fn field(path: impl Into<String>, problem: impl Into<String>) -> Self {
        AppError::field(path, problem).into()
    }

    /// Too busy, or too slow: the same request may pass later.
    pub(crate) fn unavailable(message: &'static str) -> Self {
        AppError::Unavailable { message, source: None }.into()
    }

    /// Its code in the contract's registry.
    pub const fn code(&self) -> ErrorCode {
        match self {
            ApiError::App(error) => error.code(),
            ApiError::UnknownPath => ErrorCode::NotFound,
            ApiError::MethodNotAllowed => ErrorCode::MethodNotAllowed,
            ApiError::TooLarge { .. } => ErrorCode::PayloadTooLarge,
            ApiError::UnsupportedMediaType => ErrorCode::UnsupportedMediaType,
            ApiError::Fault(_) => ErrorCode::Internal,
        }
    }
}

/// The status that the contract gives to a code. The one place where statuses are chosen.
pub(crate) const fn status(code: ErrorCode) -> StatusCode {
    match code {
        ErrorCode::InvalidRequest | ErrorCode::InvalidTenantId => StatusCode::BAD_REQUEST,
        ErrorCode::Unauthenticated => StatusCode::UNAUTHORIZED,
        ErrorCode::Forbidden | ErrorCode::TenantMismatch => StatusCode::FORBIDDEN,
        ErrorCode::NotFound => StatusCode::NOT_FOUND,
        ErrorCode::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        ErrorCode::Conflict | ErrorCode::InvalidState | ErrorCode::NotConfigured => StatusCode::CONFLICT,
        ErrorCode::PayloadTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorCode::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ErrorCode::UnsafeTrustPolicy | ErrorCode::PolicyInvalid => StatusCode::UNPROCESSABLE_ENTITY,
        ErrorCode::LockedDown => StatusCode::LOCKED,
        ErrorCode::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        ErrorCode::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        ErrorCode::AwsUnreachable | ErrorCode::StsCheckFailed => StatusCode::BAD_GATEWAY,
        ErrorCode::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// What went wrong inside, carried by the response to where it is logged; the caller never sees it.
#[derive(Clone)]
pub(crate) struct Hidden(pub(crate) Arc<dyn Error + Send + Sync>);

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let code = self.code();
        let mut body =
            ErrorBody { code, message: self.to_string(), details: Map::new(), notices: Vec::new() };
        let mut retry_after = None;
        let mut hidden = None;
        match self {
            ApiError::App(error) => describe(error, &mut body, &mut retry_after, &mut hidden),
            ApiError::Fault(source) => hidden = Some(Hidden(source)),
            ApiError::UnknownPath
            | ApiError::MethodNotAllowed
            | ApiError::TooLarge { .. }
            | ApiError::UnsupportedMediaType => {}
        }
        let mut response = (status(code), Json(body)).into_response();
        if let Some(seconds) = retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if code == ErrorCode::Unauthenticated {
            let challenge = HeaderValue::from_static("Bearer realm=\"curfew\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        if let Some(hidden) = hidden {
            response.extensions_mut().insert(hidden);
        }
        response
    }
}

/// Seconds after which a request that met a busy server may come again.
const BUSY_RETRY_SECONDS: u64 = 1;

fn describe(
    error: AppError,
    body: &mut ErrorBody,
    retry_after: &mut Option<u64>,
    hidden: &mut Option<Hidden>,
) {
    match error {
        AppError::Invalid(fields) => drop(body.details.insert("fields".to_owned(), by_path(fields))),
        AppError::Forbidden { details, notices, .. } => {
            body.details = details;
            body.notices = notices;
        }
        AppError::Conflict { details, .. }
        | AppError::LockedDown { details, .. }
        | AppError::UnsafeTrustPolicy { details, .. }
        | AppError::StsCheckFailed { details, .. }
        | AppError::AwsUnreachable { details, .. } => body.details = details,
        AppError::InvalidState { state, .. } => {
            body.details.insert("state".to_owned(), Value::from(state));
        }
        AppError::PolicyInvalid { errors, .. } => {
            body.details.insert("errors".to_owned(), Value::from(errors));
        }
        AppError::RateLimited { retry_after_seconds } => *retry_after = Some(retry_after_seconds),
        AppError::Unavailable { source, .. } => {
            *retry_after = Some(BUSY_RETRY_SECONDS);
            *hidden = source.map(|source| Hidden(source.into()));
        }
        AppError::Internal(source) => *hidden = Some(Hidden(source.into())),
        AppError::InvalidTenantId
        | AppError::Unauthenticated(_)
        | AppError::TenantMismatch
        | AppError::NotFound(_)
        | AppError::NotConfigured(_) => {}
    }
}

/// `path -> problem`; several problems of one path are joined.
fn by_path(problems: Vec<FieldProblem>) -> Value {
    let mut fields = Map::new();
    for FieldProblem { path, problem } in problems {
        match fields.get_mut(&path) {
            Some(Value::String(earlier)) => {
                earlier.push_str("; ");
                earlier.push_str(&problem);
            }
            _ => drop(fields.insert(path, Value::from(problem))),
        }
    }
    Value::Object(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_the_status_that_the_contract_writes_beside_it() {
        let of = |code: ErrorCode| status(code).as_u16();
        let statuses: Vec<_> = ErrorCode::ALL.iter().map(|&code| (code.as_str(), of(code))).collect();
        assert_eq!(
            statuses,
            [
                ("invalid_request", 400),
                ("invalid_tenant_id", 400),
                ("unauthenticated", 401),
                ("forbidden", 403),
                ("tenant_mismatch", 403),
                ("not_found", 404),
                ("method_not_allowed", 405),
                ("conflict", 409),
                ("invalid_state", 409),
                ("not_configured", 409),
                ("payload_too_large", 413),
                ("unsupported_media_type", 415),
                ("unsafe_trust_policy", 422),
                ("policy_invalid", 422),
                ("locked_down", 423),
                ("rate_limited", 429),
                ("internal", 500),
                ("aws_unreachable", 502),
                ("sts_check_failed", 502),
                ("unavailable", 503),
            ]
        );
    }

    #[test]
    fn problems_of_one_field_are_told_together() {
        let problem = |path: &str, problem: &str| FieldProblem { path: path.into(), problem: problem.into() };
        let fields = by_path(vec![problem("a", "one"), problem("b", "two"), problem("a", "three")]);
        assert_eq!(fields, serde_json::json!({ "a": "one; three", "b": "two" }));
    }
}
