//! Credentials that callers sign with before they assume any role.

use serde::{Deserialize, Serialize};

use super::Permissions;

/// An access key and who stands behind it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnCredentials {
    /// `AKIA…`, or `ASIA…` for temporary ones.
    pub access_key_id: String,
    /// The secret that requests are signed with.
    pub secret_access_key: String,
    /// The session token, where the credentials are temporary.
    #[serde(default)]
    pub session_token: Option<String>,
    /// The user or role session: `arn:aws:iam::…:user/…` or `arn:aws:sts::…:assumed-role/…/…`.
    pub arn: String,
    /// What AWS says to them.
    #[serde(default)]
    pub state: CredentialState,
    /// What they may do.
    #[serde(default)]
    pub permissions: Permissions,
}

/// Whether AWS accepts a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CredentialState {
    /// Accepted.
    #[default]
    Valid,
    /// The token has expired.
    Expired,
    /// Deactivated or deleted: as if it had never been.
    Unknown,
}

impl OwnCredentials {
    /// Valid long-term credentials of a user.
    #[must_use]
    pub fn new(access_key_id: &str, secret_access_key: &str, arn: &str) -> Self {
        Self {
            access_key_id: access_key_id.to_owned(),
            secret_access_key: secret_access_key.to_owned(),
            session_token: None,
            arn: arn.to_owned(),
            state: CredentialState::Valid,
            permissions: Permissions::default(),
        }
    }

    /// The account they belong to.
    pub fn account(&self) -> &str {
        self.arn.split(':').nth(4).unwrap_or_default()
    }
}
