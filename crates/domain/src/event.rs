use serde::{Deserialize, Serialize};

/// What subscribers are told of; names are the contract's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum EventType {
    /// A request waits for approval.
    #[serde(rename = "request.pending")]
    RequestPending,
    /// A request was approved.
    #[serde(rename = "request.approved")]
    RequestApproved,
    /// A request was denied.
    #[serde(rename = "request.denied")]
    RequestDenied,
    /// Nobody decided in time.
    #[serde(rename = "request.expired")]
    RequestExpired,
    /// The requester took it back.
    #[serde(rename = "request.cancelled")]
    RequestCancelled,
    /// The access exists in AWS.
    #[serde(rename = "grant.active")]
    GrantActive,
    /// The time is up.
    #[serde(rename = "grant.expired")]
    GrantExpired,
    /// Someone ended it early.
    #[serde(rename = "grant.revoked")]
    GrantRevoked,
    /// AWS refused it for good.
    #[serde(rename = "grant.failed")]
    GrantFailed,
}
