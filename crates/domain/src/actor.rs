//! Who did something, for the audit log.

use serde::{Deserialize, Serialize};

use crate::{ApiKeyId, UserId};

/// How the one who acts proved who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActorType {
    /// Through an API key.
    ApiKey,
    /// Through an identity provider.
    Oidc,
    /// With a password.
    Local,
    /// Curfew itself.
    System,
}

impl ActorType {
    /// The contract's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            ActorType::ApiKey => "api_key",
            ActorType::Oidc => "oidc",
            ActorType::Local => "local",
            ActorType::System => "system",
        }
    }
}

/// Who acts. A key acts as its maker; the log says both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Actor {
    /// Curfew itself: time, the reconciler, first-run setup.
    System,
    /// A person who signed in with a password.
    Local(UserId),
    /// A person who signed in through an identity provider.
    Oidc(UserId),
    /// A key, which acts as the person who made it.
    ApiKey {
        /// The key.
        key: ApiKeyId,
        /// Whose rights it uses.
        maker: UserId,
    },
}

impl Actor {
    /// How they proved who they are.
    pub const fn actor_type(self) -> ActorType {
        match self {
            Actor::System => ActorType::System,
            Actor::Local(_) => ActorType::Local,
            Actor::Oidc(_) => ActorType::Oidc,
            Actor::ApiKey { .. } => ActorType::ApiKey,
        }
    }

    /// The id the log shows: the key's own for a key, `system` for Curfew.
    pub fn id(self) -> String {
        match self {
            Actor::System => "system".to_owned(),
            Actor::Local(user) | Actor::Oidc(user) => user.to_string(),
            Actor::ApiKey { key, .. } => key.to_string(),
        }
    }

    /// The person whose rights are used; none for Curfew itself.
    pub const fn person(self) -> Option<UserId> {
        match self {
            Actor::System => None,
            Actor::Local(user) | Actor::Oidc(user) | Actor::ApiKey { maker: user, .. } => Some(user),
        }
    }
}
