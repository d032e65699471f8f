//! Roles: names for sets of scopes.

use crate::text::{check_text, check_visible, text_type};
use crate::{Invalid, LongText, RoleId, Scope, ScopeSet, Timestamp, UserId};

text_type!(
    /// A role's short name: 2 to 63 lower-case letters, digits, inner hyphens and underscores.
    RoleSlug,
    |text| {
        let sound = (2..=63).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
            && text.as_bytes()[0].is_ascii_lowercase();
        sound.then_some(()).ok_or_else(|| Invalid::new("a role is a short name such as user, approver or admin"))
    }
);

text_type!(
    /// What people call a role: 1 to 200 characters on one line, none of which can't be seen.
    RoleName,
    |text| check_text(text, "a role's name", 1, 200, false).and_then(|()| check_visible(text, "a role's name"))
);

/// The roles that every tenant has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BuiltInRole {
    /// Asks, and sees their own.
    User,
    /// Decides as well.
    Approver,
    /// Everything in the tenant.
    Admin,
}

impl BuiltInRole {
    /// All of them, weakest first.
    pub const ALL: [BuiltInRole; 3] = [BuiltInRole::User, BuiltInRole::Approver, BuiltInRole::Admin];

    /// The contract's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            BuiltInRole::User => "user",
            BuiltInRole::Approver => "approver",
            BuiltInRole::Admin => "admin",
        }
    }

    /// The role as a slug.
    pub fn slug(self) -> RoleSlug {
        RoleSlug::from_static(self.as_str())
    }

    /// The built-in role of that name, if there is one.
    pub fn named(slug: &RoleSlug) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == slug.as_str())
    }

    /// What it allows. Making and reading tenants takes the master tenant as well.
    pub fn scopes(self) -> ScopeSet {
        let user = [Scope::AwsRead, Scope::RequestsCreate];
        let approver = [Scope::RequestsApprove, Scope::RequestsRead, Scope::GrantsRead, Scope::PoliciesRead];
        match self {
            BuiltInRole::User => user.into_iter().collect(),
            BuiltInRole::Approver => user.into_iter().chain(approver).collect(),
            BuiltInRole::Admin => ScopeSet::all(),
        }
    }
}

/// A role that a tenant has made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomRole {
    /// Its id.
    pub id: RoleId,
    /// Its short name: unique in the tenant, and none of a built-in role's.
    pub slug: RoleSlug,
    /// What people call it.
    pub name: RoleName,
    /// What it is for.
    pub description: Option<LongText>,
    /// What it allows.
    pub scopes: ScopeSet,
    /// Who made it.
    pub created_by: UserId,
    /// Who last changed it.
    pub updated_by: UserId,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl RoleSlug {
    fn from_static(name: &'static str) -> Self {
        Self(name.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_built_in_role_holds_all_of_the_weaker_ones() {
        for pair in BuiltInRole::ALL.windows(2) {
            assert!(pair[0].scopes().missing_from(&pair[1].scopes()).is_empty());
        }
    }

    #[test]
    fn a_role_s_name_looks_like_no_other() {
        assert!("Auditor".parse::<RoleName>().is_ok());
        for bad in ["", "Aud\u{200d}itor", "\u{202e}rotiduA"] {
            assert!(bad.parse::<RoleName>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn built_in_names_are_sound_slugs() {
        for role in BuiltInRole::ALL {
            assert_eq!(role.as_str().parse::<RoleSlug>().unwrap(), role.slug());
            assert_eq!(BuiltInRole::named(&role.slug()), Some(role));
        }
    }
}
