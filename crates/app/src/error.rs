use std::error::Error;
use std::sync::Arc;

use curfew_domain::{ErrorCode, Invalid, Scope};
use curfew_store::StoreError;
use serde_json::{Map, Value};

/// What is wrong with one field of a request, by its path (`resource.id`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldProblem {
    /// Where.
    pub path: String,
    /// What, and what would be right.
    pub problem: String,
}

impl FieldProblem {
    /// The same, of a field that lies below another: `name` below `changes[3]` is `changes[3].name`.
    #[must_use]
    pub fn below(self, place: &str) -> Self {
        Self { path: format!("{place}.{}", self.path), ..self }
    }
}

/// Why a use case did not do what was asked. Each variant is one code of the contract's registry, and carries
/// what its error body says.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// Fields that are not as the contract says, or contradict each other.
    #[error("the request is not valid: {}", summary(.0))]
    Invalid(Vec<FieldProblem>),
    /// `X-Tenant-ID` is missing or not a UUID.
    #[error("the X-Tenant-ID header must hold the tenant's id, a UUID")]
    InvalidTenantId,
    /// No credential, or one that is not good (any more). Says nothing of which.
    #[error("{0}")]
    Unauthenticated(&'static str),
    /// The caller may not do this.
    #[error("{message}")]
    Forbidden {
        /// Why, in words.
        message: String,
        /// Facts for programs.
        details: Map<String, Value>,
        /// The texts of the Cedar rules that decided.
        notices: Vec<String>,
    },
    /// The credential belongs to another tenant, or there is no such tenant: the two are not told apart.
    #[error("the credential does not belong to this tenant")]
    TenantMismatch,
    /// Nothing by that id that the caller could know of.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// It contradicts what is there.
    #[error("{message}")]
    Conflict {
        /// What, and what to do about it.
        message: String,
        /// Facts for programs.
        details: Map<String, Value>,
    },
    /// The thing is in a state that does not allow this.
    #[error("{message}")]
    InvalidState {
        /// What it is, in words.
        message: String,
        /// The state's name, for `details.state`.
        state: String,
    },
    /// AWS is not connected, or not verified, yet.
    #[error("{0}")]
    NotConfigured(String),
    /// The role can be assumed without the `ExternalId`.
    #[error("{message}")]
    UnsafeTrustPolicy {
        /// What to change in the trust policy.
        message: String,
        /// The checks of the test, and a hint.
        details: Map<String, Value>,
    },
    /// Cedar that does not parse or validate.
    #[error("{message}")]
    PolicyInvalid {
        /// A summary.
        message: String,
        /// Each error with line, column and hint.
        errors: Vec<Value>,
    },
    /// A lockdown is in force.
    #[error("{message}")]
    LockedDown {
        /// What it covers.
        message: String,
        /// Which one: `lockdown_id`, `scope`.
        details: Map<String, Value>,
    },
    /// Too many tries, requests, or of what takes long.
    #[error("too many requests; come back in {retry_after_seconds} s")]
    RateLimited {
        /// When to come back.
        retry_after_seconds: u64,
    },
    /// STS could not be reached, or refused.
    #[error("{message}")]
    StsCheckFailed {
        /// What happened, and what to do.
        message: String,
        /// `aws_error_code`, `role_arn`, `stage`, `hint`, `checks`.
        details: Map<String, Value>,
    },
    /// AWS could not be reached for something else than the test.
    #[error("{message}")]
    AwsUnreachable {
        /// What happened.
        message: String,
        /// Facts for programs.
        details: Map<String, Value>,
    },
    /// Not now: the database is away, or this node may not decide. The same request may pass later.
    #[error("{message}")]
    Unavailable {
        /// For the caller; no inner detail.
        message: &'static str,
        /// For the log.
        #[source]
        source: Option<Box<dyn Error + Send + Sync>>,
    },
    /// Our fault. The caller gets an incident id and nothing else; the log gets the source.
    #[error("internal error")]
    Internal(#[source] Box<dyn Error + Send + Sync>),
}

impl AppError {
    /// One field that is not as it should be.
    pub fn field(path: impl Into<String>, problem: impl Into<String>) -> Self {
        AppError::Invalid(vec![FieldProblem { path: path.into(), problem: problem.into() }])
    }

    /// One field that did not parse.
    pub fn invalid(path: impl Into<String>, problem: &Invalid) -> Self {
        Self::field(path, problem.to_string())
    }

    /// A refusal without notices.
    pub fn forbidden(message: impl Into<String>) -> Self {
        AppError::Forbidden { message: message.into(), details: Map::new(), notices: Vec::new() }
    }

    /// Whoever was let in has been suspended or erased since.
    pub(crate) const fn let_in_no_more() -> Self {
        AppError::Unauthenticated("the caller may not come in any more")
    }

    /// The caller lacks a scope; the answer names it.
    pub fn missing_scope(scope: Scope) -> Self {
        let details = Map::from_iter([("missing_scope".to_owned(), Value::from(scope.as_str()))]);
        let message = format!("this needs the scope {scope}, which the caller does not have");
        AppError::Forbidden { message, details, notices: Vec::new() }
    }

    /// A conflict without further facts.
    pub fn conflict(message: impl Into<String>) -> Self {
        AppError::Conflict { message: message.into(), details: Map::new() }
    }

    /// An error that is our fault.
    pub fn internal(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        AppError::Internal(source.into())
    }

    /// Its code in the contract's registry.
    pub const fn code(&self) -> ErrorCode {
        match self {
            AppError::Invalid(_) => ErrorCode::InvalidRequest,
            AppError::InvalidTenantId => ErrorCode::InvalidTenantId,
            AppError::Unauthenticated(_) => ErrorCode::Unauthenticated,
            AppError::Forbidden { .. } => ErrorCode::Forbidden,
            AppError::TenantMismatch => ErrorCode::TenantMismatch,
            AppError::NotFound(_) => ErrorCode::NotFound,
            AppError::Conflict { .. } => ErrorCode::Conflict,
            AppError::InvalidState { .. } => ErrorCode::InvalidState,
            AppError::NotConfigured(_) => ErrorCode::NotConfigured,
            AppError::UnsafeTrustPolicy { .. } => ErrorCode::UnsafeTrustPolicy,
            AppError::PolicyInvalid { .. } => ErrorCode::PolicyInvalid,
            AppError::LockedDown { .. } => ErrorCode::LockedDown,
            AppError::RateLimited { .. } => ErrorCode::RateLimited,
            AppError::StsCheckFailed { .. } => ErrorCode::StsCheckFailed,
            AppError::AwsUnreachable { .. } => ErrorCode::AwsUnreachable,
            AppError::Unavailable { .. } => ErrorCode::Unavailable,
            AppError::Internal(_) => ErrorCode::Internal,
        }
    }
}

fn summary(fields: &[FieldProblem]) -> String {
    fields.iter().map(|field| format!("{}: {}", field.path, field.problem)).collect::<Vec<_>>().join("; ")
}

impl From<StoreError> for AppError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) => unavailable("the database can't be reached; try again", error),
            StoreError::Full(_) => unavailable("the database has no space left", error),
            StoreError::Fenced => unavailable("another node has taken over", error),
            StoreError::Conflict(constraint) => AppError::conflict(format!("{constraint} is taken")),
            StoreError::Stale { .. } => {
                AppError::conflict("somebody else changed it at the same time; read it again")
            }
            StoreError::Corrupt { .. } | StoreError::Database(_) => AppError::internal(error),
        }
    }
}

/// The refusal of something that several wait for.
impl From<Arc<StoreError>> for AppError {
    fn from(error: Arc<StoreError>) -> Self {
        if error.is_transient() {
            let message = "the database is not available";
            return AppError::Unavailable { message, source: Some(Box::new(error)) };
        }
        AppError::internal(error)
    }
}

fn unavailable(message: &'static str, source: StoreError) -> AppError {
    AppError::Unavailable { message, source: Some(Box::new(source)) }
}
