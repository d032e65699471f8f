//! API keys: credentials of programs.

use crate::{ApiKeyId, DisplayName, ScopeSet, Timestamp, User, UserId};

/// A key. It acts as its maker, within its scopes, for as long as the maker may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id.
    pub id: ApiKeyId,
    /// What its maker calls it.
    pub name: DisplayName,
    /// What it may do at most.
    pub scopes: ScopeSet,
    /// Who made it, and whose rights it uses.
    pub maker: UserId,
    /// When it was last shown, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// Who ended it, and when.
    pub revoked: Option<Revoked>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// The end of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revoked {
    /// By whom.
    pub by: UserId,
    /// When.
    pub at: Timestamp,
}

impl ApiKey {
    /// What it may do now: its scopes, cut to those that its maker still holds.
    pub fn scopes_now(&self, maker: &User) -> ScopeSet {
        self.scopes.intersection(&maker.scopes())
    }
}
