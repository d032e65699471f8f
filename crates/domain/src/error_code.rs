use serde::{Deserialize, Serialize};

macro_rules! error_codes {
    ($($(#[$doc:meta])* $variant:ident = $name:literal),+ $(,)?) => {
        /// The closed registry of the contract's error codes: added to over time, never renamed.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum ErrorCode {
            $($(#[$doc])* #[serde(rename = $name)] $variant),+
        }

        impl ErrorCode {
            /// All of them, in the contract's order.
            pub const ALL: &[ErrorCode] = &[$(ErrorCode::$variant),+];

            /// The name on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(ErrorCode::$variant => $name),+ }
            }
        }
    };
}

error_codes! {
    /// Something in the request is not as the contract says; `details.fields` tells what.
    InvalidRequest = "invalid_request",
    /// `X-Tenant-ID` is missing or not a UUID.
    InvalidTenantId = "invalid_tenant_id",
    /// No credential, or one that is not good (any more).
    Unauthenticated = "unauthenticated",
    /// The caller may not do this.
    Forbidden = "forbidden",
    /// The credential belongs to another tenant, or the tenant does not exist.
    TenantMismatch = "tenant_mismatch",
    /// Nothing by that name that the caller could know of.
    NotFound = "not_found",
    /// The path exists, the method does not.
    MethodNotAllowed = "method_not_allowed",
    /// It contradicts what is there.
    Conflict = "conflict",
    /// The thing is in a state that does not allow this; `details.state` tells which.
    InvalidState = "invalid_state",
    /// AWS is not connected yet.
    NotConfigured = "not_configured",
    /// Larger than is accepted.
    PayloadTooLarge = "payload_too_large",
    /// Not JSON.
    UnsupportedMediaType = "unsupported_media_type",
    /// The role can be assumed without the `ExternalId`.
    UnsafeTrustPolicy = "unsafe_trust_policy",
    /// Cedar that does not parse or validate; `details.errors[]` with line and column.
    PolicyInvalid = "policy_invalid",
    /// A lockdown is in force.
    LockedDown = "locked_down",
    /// Too many requests; `Retry-After` says when to come back.
    RateLimited = "rate_limited",
    /// Our fault; an incident id and nothing else.
    Internal = "internal",
    /// AWS could not be reached.
    AwsUnreachable = "aws_unreachable",
    /// STS could not be reached, or refused.
    StsCheckFailed = "sts_check_failed",
    /// Not now; the same request may pass later.
    Unavailable = "unavailable",
}
