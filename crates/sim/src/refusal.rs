//! Every way in which AWS says no, and how each looks on the wire of each service.
//!
//! Codes and statuses: the `Errors` section of each operation in the API references, and
//! <https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html>. *Observed*: the JSON services answer
//! 400 to expired and unknown credentials, where the page of common errors says 403.

use serde_json::{Value, json};

use crate::service::Service;

/// Why a call is refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("{message}")]
    AccessDenied { message: String, kms: bool },
    #[error("Rate exceeded")]
    Throttled,
    #[error("The service failed")]
    ServerFault { status: u16 },
    #[error("{message}")]
    Invalid { message: String, reason: &'static str },
    #[error("{message}")]
    NotFound { what: Missing, message: String },
    #[error("{message}")]
    KeyUnusable { why: KeyUnusable, message: String },
    #[error("{message}")]
    Policy { why: PolicyRefusal, message: String },
    #[error("{message}")]
    Conflict { message: String },
    #[error("{message}")]
    QuotaExceeded { message: String },
    #[error("The security token included in the request is invalid.")]
    UnknownCredentials,
    #[error("The security token included in the request is expired")]
    ExpiredToken,
    #[error("{message}")]
    BadSignature { message: String },
    #[error("Request is missing Authentication Token")]
    Unsigned,
    #[error(
        "STS is not activated in this region for account:{account}. Your account administrator can activate STS in this region using the IAM Console."
    )]
    RegionDisabled { account: String },
    #[error("Your account is not a member of an organization.")]
    NotInOrganization,
    #[error("Could not find operation {operation}")]
    UnknownOperation { operation: String },
    #[error("{message}")]
    Unreadable { message: String },
    #[error("{message}")]
    Custom { code: String, status: u16, message: String },
}

/// What was not found; the services name it differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    Resource,
    User,
    Group,
    IdentityStore,
    Parent,
    Child,
    Target,
    Account,
    Policy,
}

/// Why a service control policy can't be changed so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PolicyRefusal {
    TooLong,
    Malformed,
    Duplicate,
}

/// Why a key in KMS can't be used for what was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyUnusable {
    Disabled,
    State,
    Usage,
}

/// An error as it is sent.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct WireError {
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) message: String,
    /// Further members of the error's shape.
    pub(crate) members: Vec<(&'static str, Value)>,
}

impl Refusal {
    /// The message of a caller that lacks a right.
    pub(crate) fn not_authorized(caller: &str, action: &str, resource: &str) -> Self {
        let message = format!(
            "User: {caller} is not authorized to perform: {action} on resource: {resource} because no identity-based policy allows the {action} action"
        );
        Self::AccessDenied { message, kms: false }
    }

    /// A parameter that doesn't have the form it must have.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::Invalid { message: message.into(), reason: "INVALID_PATTERN" }
    }

    /// How this refusal looks on a service's wire.
    pub(crate) fn on_wire(&self, service: Service) -> WireError {
        let (code, status) = match service {
            Service::Sts => self.sts_code(),
            Service::SsoAdmin | Service::IdentityStore => self.identity_center_code(),
            Service::Organizations => self.organizations_code(),
            Service::Kms => self.kms_code(),
        };
        WireError { status, code: code.to_owned(), message: self.to_string(), members: self.members(service) }
    }

    fn sts_code(&self) -> (&str, u16) {
        match self {
            Self::AccessDenied { .. } => ("AccessDenied", 403),
            Self::Throttled => ("Throttling", 400),
            Self::ServerFault { status: 500 } => ("InternalFailure", 500),
            Self::ServerFault { status } => ("ServiceUnavailable", *status),
            Self::Invalid { .. }
            | Self::KeyUnusable { .. }
            | Self::Policy { .. }
            | Self::Conflict { .. }
            | Self::QuotaExceeded { .. } => ("ValidationError", 400),
            Self::NotFound { .. } => ("NoSuchEntity", 404),
            Self::UnknownCredentials => ("InvalidClientTokenId", 403),
            Self::ExpiredToken => ("ExpiredToken", 403),
            Self::BadSignature { .. } => ("SignatureDoesNotMatch", 403),
            Self::Unsigned => ("MissingAuthenticationToken", 403),
            Self::RegionDisabled { .. } => ("RegionDisabledException", 403),
            Self::NotInOrganization | Self::UnknownOperation { .. } => ("InvalidAction", 400),
            Self::Unreadable { .. } => ("MalformedInput", 400),
            Self::Custom { code, status, .. } => (code, *status),
        }
    }

    fn identity_center_code(&self) -> (&str, u16) {
        match self {
            Self::Throttled => ("ThrottlingException", 400),
            Self::ServerFault { status: 500 } => ("InternalServerException", 500),
            Self::Invalid { .. } => ("ValidationException", 400),
            Self::NotFound { .. } => ("ResourceNotFoundException", 400),
            Self::Conflict { .. } => ("ConflictException", 400),
            Self::QuotaExceeded { .. } => ("ServiceQuotaExceededException", 400),
            _ => self.json_code(),
        }
    }

    fn organizations_code(&self) -> (&str, u16) {
        match self {
            Self::Throttled => ("TooManyRequestsException", 400),
            Self::ServerFault { status: 500 } => ("ServiceException", 500),
            Self::Invalid { .. } => ("InvalidInputException", 400),
            Self::NotFound { what, .. } => (what.organizations_code(), 400),
            Self::Conflict { .. } => ("ConcurrentModificationException", 400),
            Self::QuotaExceeded { .. } | Self::Policy { why: PolicyRefusal::TooLong, .. } => {
                ("ConstraintViolationException", 400)
            }
            Self::NotInOrganization => ("AWSOrganizationsNotInUseException", 400),
            Self::Policy { why: PolicyRefusal::Malformed, .. } => ("MalformedPolicyDocumentException", 400),
            Self::Policy { why: PolicyRefusal::Duplicate, .. } => ("DuplicatePolicyException", 400),
            _ => self.json_code(),
        }
    }

    fn kms_code(&self) -> (&str, u16) {
        match self {
            Self::Throttled => ("ThrottlingException", 400),
            Self::ServerFault { status: 500 } => ("KMSInternalException", 500),
            Self::NotFound { .. } => ("NotFoundException", 400),
            Self::KeyUnusable { why: KeyUnusable::Disabled, .. } => ("DisabledException", 400),
            Self::KeyUnusable { why: KeyUnusable::State, .. } => ("KMSInvalidStateException", 400),
            Self::KeyUnusable { why: KeyUnusable::Usage, .. } => ("InvalidKeyUsageException", 400),
            _ => self.json_code(),
        }
    }

    /// What all JSON services have in common.
    fn json_code(&self) -> (&str, u16) {
        match self {
            Self::AccessDenied { .. } | Self::RegionDisabled { .. } => ("AccessDeniedException", 400),
            Self::UnknownCredentials => ("UnrecognizedClientException", 400),
            Self::ExpiredToken => ("ExpiredTokenException", 400),
            Self::BadSignature { .. } => ("InvalidSignatureException", 400),
            Self::Unsigned => ("MissingAuthenticationTokenException", 400),
            Self::UnknownOperation { .. } => ("UnknownOperationException", 400),
            Self::Unreadable { .. } => ("SerializationException", 400),
            Self::ServerFault { status } => ("ServiceUnavailableException", *status),
            Self::Custom { code, status, .. } => (code, *status),
            Self::Throttled
            | Self::Invalid { .. }
            | Self::NotFound { .. }
            | Self::KeyUnusable { .. }
            | Self::Policy { .. }
            | Self::Conflict { .. }
            | Self::QuotaExceeded { .. }
            | Self::NotInOrganization => ("ValidationException", 400),
        }
    }

    fn members(&self, service: Service) -> Vec<(&'static str, Value)> {
        match (self, service) {
            (Self::AccessDenied { kms: true, .. }, Service::SsoAdmin) => {
                vec![("Reason", json!("KMS_AccessDeniedException"))]
            }
            (Self::AccessDenied { kms: true, .. }, Service::IdentityStore) => {
                vec![("Reason", json!("KMS_ACCESS_DENIED"))]
            }
            (Self::NotFound { what, .. }, Service::IdentityStore) => what
                .resource_type()
                .map(|resource_type| ("ResourceType", json!(resource_type)))
                .into_iter()
                .collect(),
            (Self::Invalid { reason, .. }, Service::Organizations) => vec![("Reason", json!(reason))],
            (Self::Policy { why: PolicyRefusal::TooLong, .. }, Service::Organizations) => {
                vec![("Reason", json!("POLICY_CONTENT_LIMIT_EXCEEDED"))]
            }
            _ => Vec::new(),
        }
    }

    /// Whether the service's model describes this error; then its message is a member named `Message`.
    pub(crate) fn is_modeled(&self) -> bool {
        !matches!(
            self,
            Self::UnknownCredentials
                | Self::ExpiredToken
                | Self::BadSignature { .. }
                | Self::Unsigned
                | Self::UnknownOperation { .. }
                | Self::Unreadable { .. }
        )
    }
}

impl Missing {
    fn organizations_code(self) -> &'static str {
        match self {
            Self::Parent => "ParentNotFoundException",
            Self::Child => "ChildNotFoundException",
            Self::Account => "AccountNotFoundException",
            Self::Policy => "PolicyNotFoundException",
            Self::Target | Self::Resource | Self::User | Self::Group | Self::IdentityStore => {
                "TargetNotFoundException"
            }
        }
    }

    fn resource_type(self) -> Option<&'static str> {
        match self {
            Self::User => Some("USER"),
            Self::Group => Some("GROUP"),
            Self::IdentityStore => Some("IDENTITY_STORE"),
            Self::Resource | Self::Parent | Self::Child | Self::Target | Self::Account | Self::Policy => None,
        }
    }
}
