//! Lockdowns: while one is in force, nobody is given what it covers.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{AccountId, Invalid, LockdownId, Reason, Timestamp, UserId};

/// What kind of thing a lockdown covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LockdownScope {
    /// One person.
    User,
    /// One AWS account.
    Account,
    /// Everything of the tenant.
    Tenant,
}

impl LockdownScope {
    /// All of them.
    pub const ALL: [LockdownScope; 3] = [LockdownScope::User, LockdownScope::Account, LockdownScope::Tenant];

    /// The contract's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            LockdownScope::User => "user",
            LockdownScope::Account => "account",
            LockdownScope::Tenant => "tenant",
        }
    }
}

impl FromStr for LockdownScope {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let named = |scope: &Self| scope.as_str() == text;
        Self::ALL
            .into_iter()
            .find(named)
            .ok_or_else(|| Invalid::new("a lockdown's scope is user, account or tenant"))
    }
}

/// What a lockdown covers.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum LockdownOf {
    /// Whatever this person has.
    User(UserId),
    /// Whatever gives access to this account, were it to one among others.
    Account(AccountId),
    /// Everything of the tenant.
    Tenant,
}

impl LockdownOf {
    /// What a scope and the id beside it name. A tenant's has none.
    pub fn named(scope: LockdownScope, id: Option<&str>) -> Result<Self, Invalid> {
        match (scope, id) {
            (LockdownScope::User, Some(id)) => id.parse().map(Self::User),
            (LockdownScope::Account, Some(id)) => id.parse().map(Self::Account),
            (LockdownScope::Tenant, None) => Ok(Self::Tenant),
            (LockdownScope::User, None) => Err(Invalid::new("says which user: a UUID")),
            (LockdownScope::Account, None) => Err(Invalid::new("says which account: 12 digits")),
            (LockdownScope::Tenant, Some(_)) => Err(Invalid::new("is left out where the scope is tenant")),
        }
    }

    /// What kind of thing it covers.
    pub const fn scope(&self) -> LockdownScope {
        match self {
            LockdownOf::User(_) => LockdownScope::User,
            LockdownOf::Account(_) => LockdownScope::Account,
            LockdownOf::Tenant => LockdownScope::Tenant,
        }
    }

    /// Which of that kind; none for the tenant.
    pub fn id(&self) -> Option<String> {
        match self {
            LockdownOf::User(user) => Some(user.to_string()),
            LockdownOf::Account(account) => Some(account.to_string()),
            LockdownOf::Tenant => None,
        }
    }

    /// Whether it covers access of `person` to these accounts: one of them is enough, for a grant ends whole.
    pub fn covers<'a>(&self, person: UserId, accounts: impl IntoIterator<Item = &'a AccountId>) -> bool {
        match self {
            LockdownOf::User(user) => *user == person,
            LockdownOf::Account(locked) => accounts.into_iter().any(|account| account == locked),
            LockdownOf::Tenant => true,
        }
    }
}

impl fmt::Display for LockdownOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LockdownOf::User(user) => write!(f, "user {user}"),
            LockdownOf::Account(account) => write!(f, "account {account}"),
            LockdownOf::Tenant => f.write_str("the tenant"),
        }
    }
}

/// One lockdown: in force until it is lifted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lockdown {
    /// Its id.
    pub id: LockdownId,
    /// What it covers.
    pub of: LockdownOf,
    /// Why; none once that was erased.
    pub reason: Option<Reason>,
    /// Who started it.
    pub created_by: UserId,
    /// When.
    pub created_at: Timestamp,
    /// How many live grants it ended when it started.
    pub grants_revoked: u64,
    /// Who lifted it, and when.
    pub lifted: Option<Lifted>,
}

/// The end of a lockdown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifted {
    /// Who lifted it.
    pub by: UserId,
    /// When.
    pub at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(n: u128) -> UserId {
        UserId::from_uuid(uuid::Uuid::from_u128(n))
    }

    fn accounts() -> [AccountId; 2] {
        ["111111111111", "222222222222"].map(|id| id.parse().unwrap())
    }

    #[test]
    fn a_lockdown_covers_whoever_and_whatever_it_names_and_nothing_else() {
        let covers = |of: LockdownOf| of.covers(user(1), &accounts());
        assert!(covers(LockdownOf::Tenant));
        assert!(covers(LockdownOf::User(user(1))));
        assert!(!covers(LockdownOf::User(user(2))));
        assert!(covers(LockdownOf::Account("222222222222".parse().unwrap())));
        assert!(!covers(LockdownOf::Account("333333333333".parse().unwrap())));
    }

    #[test]
    fn a_scope_wants_an_id_of_its_own_form_or_none() {
        let id = user(1).to_string();
        assert_eq!(LockdownOf::named(LockdownScope::User, Some(&id)), Ok(LockdownOf::User(user(1))));
        for (scope, wrong) in [
            (LockdownScope::User, None),
            (LockdownScope::User, Some("111111111111")),
            (LockdownScope::Account, None),
            (LockdownScope::Account, Some(id.as_str())),
            (LockdownScope::Account, Some("11111111111")),
            (LockdownScope::Tenant, Some(id.as_str())),
        ] {
            assert!(LockdownOf::named(scope, wrong).is_err(), "{scope:?} {wrong:?}");
        }
    }

    #[test]
    fn what_is_kept_of_it_is_read_back() {
        for of in [LockdownOf::User(user(1)), LockdownOf::Account(accounts()[0].clone()), LockdownOf::Tenant]
        {
            let scope: LockdownScope = of.scope().as_str().parse().unwrap();
            assert_eq!(LockdownOf::named(scope, of.id().as_deref()), Ok(of));
        }
    }
}
