//! People.

use std::collections::BTreeSet;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{BuiltInRole, DisplayName, Email, Invalid, Memberships, RoleSlug, ScopeSet, Timestamp, UserId};

/// Who vouches for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum AuthProvider {
    /// Curfew itself, by a password.
    #[default]
    Local,
    /// An OpenID provider.
    Oidc,
    /// A SAML provider.
    Saml,
}

impl AuthProvider {
    /// All of them.
    pub const ALL: [AuthProvider; 3] = [AuthProvider::Local, AuthProvider::Oidc, AuthProvider::Saml];

    /// The contract's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            AuthProvider::Local => "local",
            AuthProvider::Oidc => "oidc",
            AuthProvider::Saml => "saml",
        }
    }
}

impl FromStr for AuthProvider {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::ALL
            .into_iter()
            .find(|provider| provider.as_str() == text)
            .ok_or_else(|| Invalid::new("an auth provider is one of local, oidc, saml"))
    }
}

/// A person, within one tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Their id.
    pub id: UserId,
    /// Where they are written to; unique in the tenant, without regard to case.
    pub email: Email,
    /// Their name.
    pub name: DisplayName,
    /// Their roles, given directly.
    pub roles: BTreeSet<RoleSlug>,
    /// The groups that they are in, and the roles that they have by them.
    pub memberships: Memberships,
    /// What those of all their roles allow that the tenant has made.
    pub custom_scopes: ScopeSet,
    /// Who vouches for them.
    pub auth_provider: AuthProvider,
    /// Whether they may come in; not while suspended.
    pub active: bool,
    /// Whether the address is known to be theirs: access is given to nobody else.
    pub email_verified: bool,
    /// Whether they own the tenant.
    pub is_owner: bool,
    /// Who made the account or last set its password for them, and when: they decide nothing together for a while.
    pub account_set: Option<AccountSet>,
    /// When they were made.
    pub created_at: Timestamp,
    /// When they were last changed.
    pub updated_at: Timestamp,
}

/// Someone else held the account's credentials in hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountSet {
    /// Who.
    pub by: UserId,
    /// When.
    pub at: Timestamp,
}

impl User {
    /// What they may do: the union of their roles. A role that nobody knows gives nothing.
    pub fn scopes(&self) -> ScopeSet {
        scopes_of(self.all_roles()).union(&self.custom_scopes)
    }

    /// Their roles, given directly and by groups; one that comes both ways, twice.
    pub fn all_roles(&self) -> impl Iterator<Item = &RoleSlug> {
        self.roles.iter().chain(&self.memberships.roles)
    }

    /// Whether they count as one of the tenant's admins: active, and in the role directly. Who is admin by a group alone
    /// may be so no longer tomorrow, by whoever changes groups; that a tenant keeps an admin does not hang on them.
    pub fn is_active_admin(&self) -> bool {
        self.active && self.roles.contains(&BuiltInRole::Admin.slug())
    }
}

/// What the built-in ones of a set of roles allow.
pub fn scopes_of<'a>(roles: impl IntoIterator<Item = &'a RoleSlug>) -> ScopeSet {
    roles
        .into_iter()
        .filter_map(BuiltInRole::named)
        .fold(ScopeSet::default(), |scopes, role| scopes.union(&role.scopes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_roles_allow_what_any_of_them_does_and_unknown_ones_nothing() {
        let roles: Vec<RoleSlug> =
            ["user", "approver", "no_such_role"].map(|slug| slug.parse().unwrap()).into();
        assert_eq!(scopes_of(&roles), BuiltInRole::Approver.scopes());
        assert!(scopes_of([]).is_empty());
    }

    #[test]
    fn a_provider_is_read_back_from_its_name() {
        for provider in AuthProvider::ALL {
            assert_eq!(provider.as_str().parse(), Ok(provider));
        }
        assert!("password".parse::<AuthProvider>().is_err());
    }
}
