//! The five services, and what tells them apart on the wire.

use serde::{Deserialize, Serialize};

/// A service of AWS that is played here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Service {
    /// Security Token Service.
    Sts,
    /// IAM Identity Center's administration.
    SsoAdmin,
    /// IAM Identity Center's directory.
    IdentityStore,
    /// Organizations.
    Organizations,
    /// Key Management Service.
    Kms,
}

impl Service {
    /// The service that an `X-Amz-Target` belongs to, with the operation's name.
    pub(crate) fn of_target(target: &str) -> Option<(Self, &str)> {
        let (prefix, operation) = target.split_once('.')?;
        let service = match prefix {
            "SWBExternalService" => Self::SsoAdmin,
            "AWSIdentityStore" => Self::IdentityStore,
            "AWSOrganizationsV20161128" => Self::Organizations,
            "TrentService" => Self::Kms,
            _ => return None,
        };
        Some((service, operation))
    }

    /// The name in a signature's scope.
    pub(crate) fn signing_name(self) -> &'static str {
        match self {
            Self::Sts => "sts",
            Self::SsoAdmin => "sso",
            Self::IdentityStore => "identitystore",
            Self::Organizations => "organizations",
            Self::Kms => "kms",
        }
    }

    /// The IAM action of an operation.
    pub(crate) fn action(self, operation: &str) -> String {
        format!("{}:{operation}", self.signing_name())
    }
}
