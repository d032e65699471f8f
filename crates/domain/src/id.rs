//! Typed ids: a [`GrantId`] is not a [`RequestId`].

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Entropy, Invalid, Timestamp};

macro_rules! id_types {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "Uuid")]
        pub struct $name(Uuid);

        impl From<$name> for Uuid {
            fn from(id: $name) -> Uuid {
                id.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = Invalid;

            fn try_from(text: String) -> Result<Self, Invalid> {
                text.parse()
            }
        }

        impl $name {
            /// A new UUID v7 (RFC 9562): ordered by the time of its making.
            pub fn new(now: Timestamp, entropy: &dyn Entropy) -> Self {
                Self(uuid_v7(now, entropy))
            }

            /// Takes an id from where ids are kept; any UUID may stand there.
            pub const fn from_uuid(id: Uuid) -> Self {
                Self(id)
            }

            /// The plain UUID, for storage.
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = Invalid;

            fn from_str(text: &str) -> Result<Self, Invalid> {
                parse_uuid(text).map(Self)
            }
        }
    )+};
}

id_types! {
    /// One company on the installation.
    TenantId,
    /// A person, within one tenant.
    UserId,
    /// A user's login: one JWT or cookie, and its refreshes.
    SessionId,
    /// An API key.
    ApiKeyId,
    /// A role.
    RoleId,
    /// Anything that proves who is asking: a row of `credential`.
    CredentialId,
    /// A group of people.
    GroupId,
    /// An e-mail domain that a tenant claims.
    DomainId,
    /// A row of the cache of AWS resources.
    CachedResourceId,
    /// A policy.
    PolicyId,
    /// A rule of a policy: one Cedar statement.
    RuleId,
    /// An access request.
    RequestId,
    /// A recorded decision.
    DecisionId,
    /// A reviewer's word on a request.
    ApprovalId,
    /// A grant.
    GrantId,
    /// An account assignment in AWS IAM Identity Center, as Curfew keeps track of it.
    AssignmentId,
    /// One creation or deletion that was sent to AWS.
    AssignmentCallId,
    /// One end of AWS's sessions.
    SessionEndId,
    /// An entry of the audit log.
    AuditEntryId,
    /// One running server process, for leases.
    NodeId,
    /// One discovery run over a tenant's AWS organization.
    DiscoveryId,
    /// A lockdown.
    LockdownId,
    /// Something that was said about a request.
    RequestMessageId,
    /// A finding of drift.
    DriftId,
    /// A notification channel.
    ChannelId,
    /// One message to one channel.
    DeliveryId,
    /// A notification of one person, shown in the console.
    NotificationId,
}

fn uuid_v7(now: Timestamp, entropy: &dyn Entropy) -> Uuid {
    let mut random = [0_u8; 10];
    entropy.fill(&mut random);
    uuid::Builder::from_unix_timestamp_millis(now.unix_millis(), &random).into_uuid()
}

/// Accepts the hyphenated form alone (RFC 9562, section 4), in either case.
fn parse_uuid(text: &str) -> Result<Uuid, Invalid> {
    let wrong = || Invalid::new("an id is a UUID such as 0192f0c1-7a3b-7c4d-8e5f-0123456789ab");
    if text.len() != 36 {
        return Err(wrong());
    }
    Uuid::try_parse(text).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Zeros;
    impl Entropy for Zeros {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(0);
        }
    }

    #[test]
    fn an_id_is_a_version_7_uuid_of_its_moment() {
        let id = GrantId::new(Timestamp::from_micros(1_700_000_000_123_456), &Zeros).uuid();
        assert_eq!(id.get_version_num(), 7);
        let millis = id.as_u128() >> 80;
        assert_eq!(millis, 1_700_000_000_123);
    }

    #[test]
    fn only_the_hyphenated_form_is_an_id() {
        assert!("0192f0c1-7a3b-7c4d-8e5f-0123456789ab".parse::<TenantId>().is_ok());
        for bad in ["", "x", "0192f0c17a3b7c4d8e5f0123456789ab", "{0192f0c1-7a3b-7c4d-8e5f-0123456789ab}"] {
            assert!(bad.parse::<TenantId>().is_err(), "{bad}");
            assert!(serde_json::from_value::<TenantId>(bad.into()).is_err(), "{bad}");
        }
    }
}
