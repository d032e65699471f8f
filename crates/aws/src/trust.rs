//! Whom the customer's role lets in.

use async_trait::async_trait;
use curfew_domain::{AccountId, ExternalId, Invalid, RoleArn, Seconds, TenantId, Timestamp};
use secrecy::SecretString;

use crate::AwsError;

/// STS: who Curfew is, and what it becomes through a customer's role.
///
/// Nothing here is cached: each call asks STS.
#[async_trait]
pub trait Trust: Send + Sync {
    /// Who Curfew is by its own credentials.
    async fn own_identity(&self) -> Result<CallerIdentity, AwsError>;

    /// Asks for a session of a role.
    async fn assume_role(&self, ask: &AssumeRole<'_>) -> Result<SessionCredentials, AwsError>;

    /// Whose credentials these are.
    async fn identity_of(&self, session: &SessionCredentials) -> Result<CallerIdentity, AwsError>;
}

/// What is asked of STS.
#[derive(Debug, Clone)]
pub struct AssumeRole<'a> {
    /// The role.
    pub role: &'a RoleArn,
    /// What proves that Curfew acts for the right tenant; none to see whether the role insists on it.
    pub external_id: Option<&'a ExternalId>,
    /// What the customer reads in `CloudTrail`.
    pub session_name: SessionName,
    /// 15 minutes to 12 hours; over an hour where Curfew's own credentials are a role's is refused (role chaining).
    pub duration: Seconds,
}

/// Says in the customer's `CloudTrail` which tenant the session is for, and what for:
/// `curfew-test-0192f0c1-…` (STS API, `RoleSessionName`: 2 to 64 of `[\w+=,.@-]`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionName(String);

/// What a session is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The connection test.
    Test,
    /// Discovery and assignments.
    Work,
}

impl SessionName {
    /// The name of a tenant's session.
    pub fn new(purpose: Purpose, tenant: TenantId) -> Self {
        let purpose = match purpose {
            Purpose::Test => "test",
            Purpose::Work => "work",
        };
        Self(format!("curfew-{purpose}-{tenant}"))
    }

    /// As STS takes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What STS gave.
#[derive(Debug, Clone)]
pub struct SessionCredentials {
    /// `ASIA…`.
    pub access_key_id: String,
    /// The secret that requests are signed with.
    pub secret_access_key: SecretString,
    /// The token that goes along.
    pub session_token: SecretString,
    /// When they end, by AWS's clock.
    pub expires_at: Timestamp,
}

/// Who a set of credentials belongs to (STS API, `GetCallerIdentity`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallerIdentity {
    /// The account.
    pub account: AccountId,
    /// `arn:aws:iam::…:user/…`, `arn:aws:sts::…:assumed-role/ROLE/SESSION`, `arn:aws:iam::…:root`, ….
    pub arn: String,
}

impl CallerIdentity {
    /// The role's name, where it is a role's session. Its path is not in the ARN.
    pub fn role_name(&self) -> Option<&str> {
        let mut parts = self.arn.splitn(6, ':').nth(5)?.split('/');
        match (parts.next(), parts.next(), parts.next()) {
            (Some("assumed-role"), Some(role), Some(_session)) => Some(role),
            _ => None,
        }
    }

    /// The principal that a trust policy must let in for Curfew to get in.
    pub fn principal(&self) -> Result<TrustedPrincipal, Invalid> {
        let partition = self.arn.split(':').nth(1).unwrap_or("aws");
        match self.role_name() {
            Some(role) => Ok(TrustedPrincipal::Role {
                account: self.account.clone(),
                partition: partition.to_owned(),
                name: role.to_owned(),
            }),
            None if self.arn.contains(":iam:") => Ok(TrustedPrincipal::Exactly(self.arn.clone())),
            None => Err(Invalid::new(format!("{} can't be named in a trust policy", self.arn))),
        }
    }
}

/// Who a trust policy names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrustedPrincipal {
    /// A user, or an account's root.
    Exactly(String),
    /// A role whose path is not known: a session's ARN leaves it out. The policy names the account, and narrows
    /// it to the role with `aws:PrincipalArn`.
    Role {
        /// The account that it lives in.
        account: AccountId,
        /// `aws`, `aws-cn`, ….
        partition: String,
        /// Its name.
        name: String,
    },
}

impl std::fmt::Display for TrustedPrincipal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exactly(arn) => f.write_str(arn),
            Self::Role { account, partition, name } => {
                write!(f, "arn:{partition}:iam::{account}:role/{name}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(arn: &str) -> CallerIdentity {
        CallerIdentity { account: "123456789012".parse().unwrap(), arn: arn.to_owned() }
    }

    #[test]
    fn a_role_session_tells_its_role_but_not_its_path() {
        let session = identity("arn:aws:sts::123456789012:assumed-role/Curfew/i-0abc");
        assert_eq!(session.role_name(), Some("Curfew"));
        assert_eq!(session.principal().unwrap().to_string(), "arn:aws:iam::123456789012:role/Curfew");
        let user = identity("arn:aws:iam::123456789012:user/curfew");
        assert_eq!(user.role_name(), None);
        assert_eq!(user.principal().unwrap(), TrustedPrincipal::Exactly(user.arn.clone()));
        assert!(identity("arn:aws:sts::123456789012:federated-user/x").principal().is_err());
    }

    #[test]
    fn a_session_name_fits_sts() {
        let tenant: TenantId = "0192f0c1-7a3b-7c4d-8e5f-0123456789ab".parse().unwrap();
        let name = SessionName::new(Purpose::Test, tenant);
        assert_eq!(name.as_str(), "curfew-test-0192f0c1-7a3b-7c4d-8e5f-0123456789ab");
        assert!(name.as_str().len() <= 64);
    }
}
