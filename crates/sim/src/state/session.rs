//! Temporary credentials that `AssumeRole` gave out.

use jiff::Timestamp;

/// A session of a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Session {
    pub(crate) role_arn: String,
    pub(crate) name: String,
    pub(crate) secret_access_key: String,
    pub(crate) token: String,
    pub(crate) expires_at: Timestamp,
}
