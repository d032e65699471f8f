//! What a request wants to do with a resource.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Invalid;

/// The closed list of actions. `request_access` is also the group that holds the four others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Access, without saying of which level.
    RequestAccess,
    /// To take on the role, without saying of which level.
    Assume,
    /// To look.
    Read,
    /// To change.
    Write,
    /// Everything.
    Admin,
}

impl Action {
    /// All of them.
    pub const ALL: [Action; 5] =
        [Action::RequestAccess, Action::Assume, Action::Read, Action::Write, Action::Admin];

    /// The contract's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Action::RequestAccess => "request_access",
            Action::Assume => "assume",
            Action::Read => "read",
            Action::Write => "write",
            Action::Admin => "admin",
        }
    }

    /// The action that names a level.
    pub const fn of_level(level: AccessLevel) -> Self {
        match level {
            AccessLevel::Read => Action::Read,
            AccessLevel::Write => Action::Write,
            AccessLevel::Admin => Action::Admin,
        }
    }

    /// Whether a permission set of `level` may be had by this action: `read` can't carry an administrator's set.
    pub fn may_carry(self, level: AccessLevel) -> bool {
        match self {
            Action::RequestAccess | Action::Assume => true,
            Action::Read => level <= AccessLevel::Read,
            Action::Write => level <= AccessLevel::Write,
            Action::Admin => level <= AccessLevel::Admin,
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Action {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::ALL
            .into_iter()
            .find(|action| action.as_str() == text)
            .ok_or_else(|| Invalid::new("an action is one of request_access, assume, read, write, admin"))
    }
}

/// How much a permission set can do; what nobody has said is `Admin`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccessLevel {
    /// Looks only.
    Read,
    /// Changes things.
    Write,
    /// Everything, or unknown.
    Admin,
}

impl AccessLevel {
    /// The contract's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            AccessLevel::Read => "read",
            AccessLevel::Write => "write",
            AccessLevel::Admin => "admin",
        }
    }

    /// Guesses from the AWS managed policies that a permission set carries (IAM user guide, "AWS managed policies
    /// for job functions"): `read` only when every one is known to be read-only; anything unknown is `admin`.
    pub fn guess<'a>(
        managed_policy_names: impl IntoIterator<Item = &'a str>,
        has_other_policies: bool,
    ) -> Self {
        let mut level = None;
        for name in managed_policy_names {
            let this = match name {
                "ReadOnlyAccess" | "ViewOnlyAccess" | "SecurityAudit" => AccessLevel::Read,
                "PowerUserAccess"
                | "DatabaseAdministrator"
                | "DataScientist"
                | "NetworkAdministrator"
                | "SystemAdministrator" => AccessLevel::Write,
                _ => AccessLevel::Admin,
            };
            level = level.max(Some(this));
        }
        match level {
            Some(level) if !has_other_policies => level,
            _ => AccessLevel::Admin,
        }
    }
}

impl FromStr for AccessLevel {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        [AccessLevel::Read, AccessLevel::Write, AccessLevel::Admin]
            .into_iter()
            .find(|level| level.as_str() == text)
            .ok_or_else(|| Invalid::new("an access level is one of read, write, admin"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn read_does_not_carry_an_administrators_set() {
        assert!(!Action::Read.may_carry(AccessLevel::Admin));
        assert!(!Action::Write.may_carry(AccessLevel::Admin));
        assert!(Action::Admin.may_carry(AccessLevel::Read));
        assert!(Action::Assume.may_carry(AccessLevel::Admin));
    }

    #[test]
    fn a_level_is_carried_by_the_action_that_names_it() {
        for level in [AccessLevel::Read, AccessLevel::Write, AccessLevel::Admin] {
            assert!(Action::of_level(level).may_carry(level));
            assert_eq!(Action::of_level(level).as_str(), level.as_str());
        }
    }

    #[test]
    fn an_unknown_policy_counts_as_admin() {
        assert_eq!(AccessLevel::guess(["ReadOnlyAccess", "SecurityAudit"], false), AccessLevel::Read);
        assert_eq!(AccessLevel::guess(["ReadOnlyAccess", "Custom"], false), AccessLevel::Admin);
        assert_eq!(AccessLevel::guess(["ReadOnlyAccess"], true), AccessLevel::Admin);
        assert_eq!(AccessLevel::guess([], false), AccessLevel::Admin);
    }
}
