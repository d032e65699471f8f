//! What a caller may do, as `resource:action` scopes.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Invalid;

macro_rules! scopes {
    ($($variant:ident = $resource:literal, $action:literal, $name:literal);+ $(;)?) => {
        /// The closed list of scopes: the operations that a role or a key can carry.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Scope { $(#[doc = $name] $variant),+ }

        impl Scope {
            /// All of them.
            pub const ALL: &[Scope] = &[$(Scope::$variant),+];

            /// `resource:action`, the name on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(Scope::$variant => concat!($resource, ":", $action)),+ }
            }

            /// What it is about.
            pub const fn resource(self) -> &'static str {
                match self { $(Scope::$variant => $resource),+ }
            }

            /// What may be done with it.
            pub const fn action(self) -> &'static str {
                match self { $(Scope::$variant => $action),+ }
            }

            /// In words, for people.
            pub const fn title(self) -> &'static str {
                match self { $(Scope::$variant => $name),+ }
            }
        }
    };
}

scopes! {
    ApiKeysCreate = "api_keys", "create", "Create API keys";
    ApiKeysDelete = "api_keys", "delete", "Revoke API keys";
    ApiKeysRead = "api_keys", "read", "See API keys";
    AuditRead = "audit", "read", "Read the audit log";
    AwsRead = "aws", "read", "See AWS accounts, units and permission sets";
    AwsWrite = "aws", "write", "Push names and ranks of AWS resources, and start discovery";
    DriftRead = "drift", "read", "See how AWS differs from what should be there";
    DriftResolve = "drift", "resolve", "Settle findings of drift";
    GrantsCreate = "grants", "create", "Give others access by hand";
    GrantsDelete = "grants", "delete", "Revoke anybody's grants";
    GrantsRead = "grants", "read", "See everybody's grants";
    GrantsUpdate = "grants", "update", "Change grants";
    GroupsCreate = "groups", "create", "Create groups";
    GroupsDelete = "groups", "delete", "Delete groups";
    GroupsRead = "groups", "read", "See groups and their members";
    GroupsUpdate = "groups", "update", "Change groups, their members and the roles that they give";
    IntegrationsRead = "integrations", "read", "See the AWS connection";
    IntegrationsTest = "integrations", "test", "Test the AWS connection";
    IntegrationsWrite = "integrations", "write", "Change the AWS connection";
    LockdownsCreate = "lockdowns", "create", "Lock down a person, an account or the tenant";
    LockdownsDelete = "lockdowns", "delete", "Lift lockdowns";
    LockdownsRead = "lockdowns", "read", "See lockdowns";
    NotificationChannelsRead = "notification_channels", "read", "See notification channels and their deliveries";
    NotificationChannelsWrite = "notification_channels", "write", "Change and test notification channels";
    PoliciesDelete = "policies", "delete", "Delete policies";
    PoliciesRead = "policies", "read", "Read policies";
    PoliciesWrite = "policies", "write", "Create and change policies";
    RequestsApprove = "requests", "approve", "Approve and deny requests";
    RequestsBreakGlass = "requests", "break_glass", "Ask for access in an emergency";
    RequestsCreate = "requests", "create", "Ask for access";
    RequestsRead = "requests", "read", "See everybody's requests";
    RolesCreate = "roles", "create", "Create roles";
    RolesDelete = "roles", "delete", "Delete roles";
    RolesRead = "roles", "read", "See roles and permissions";
    RolesUpdate = "roles", "update", "Change roles";
    SettingsRead = "settings", "read", "See settings";
    SettingsWrite = "settings", "write", "Change settings";
    TenantsCreate = "tenants", "create", "Create child tenants";
    TenantsRead = "tenants", "read", "See tenants";
    TenantsWrite = "tenants", "write", "Change tenants";
    UsersCreate = "users", "create", "Create users";
    UsersDelete = "users", "delete", "Delete users and erase what is known of them";
    UsersRead = "users", "read", "See users";
    UsersSuspend = "users", "suspend", "Suspend and activate users";
    UsersUpdate = "users", "update", "Change users' names and roles";
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Scope {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::ALL
            .iter()
            .copied()
            .find(|scope| scope.as_str() == text)
            .ok_or_else(|| Invalid::new("no such scope; GET /v1/permissions lists them"))
    }
}

impl Serialize for Scope {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A set of scopes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ScopeSet(BTreeSet<Scope>);

impl ScopeSet {
    /// Every scope there is.
    pub fn all() -> Self {
        Scope::ALL.iter().copied().collect()
    }

    /// Whether `scope` is in it.
    pub fn contains(&self, scope: Scope) -> bool {
        self.0.contains(&scope)
    }

    /// What both hold: how a key is cut to what its maker still may.
    #[must_use]
    pub fn intersection(&self, other: &ScopeSet) -> ScopeSet {
        ScopeSet(self.0.intersection(&other.0).copied().collect())
    }

    /// What either holds: the rights of a person with several roles.
    #[must_use]
    pub fn union(&self, other: &ScopeSet) -> ScopeSet {
        ScopeSet(self.0.union(&other.0).copied().collect())
    }

    /// What any of them holds.
    pub fn of_all<'a>(sets: impl IntoIterator<Item = &'a ScopeSet>) -> ScopeSet {
        sets.into_iter().flat_map(ScopeSet::iter).collect()
    }

    /// The scopes in here that `holder` lacks: what it must not give away.
    pub fn missing_from(&self, holder: &ScopeSet) -> Vec<Scope> {
        self.0.difference(&holder.0).copied().collect()
    }

    /// In the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = Scope> + '_ {
        self.0.iter().copied()
    }

    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<Scope> for ScopeSet {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_read_back_from_its_name() {
        for scope in Scope::ALL {
            assert_eq!(scope.as_str().parse::<Scope>(), Ok(*scope));
        }
        assert!("everything:do".parse::<Scope>().is_err());
    }

    #[test]
    fn names_are_in_order_so_that_sets_list_them_sorted() {
        let names: Vec<_> = Scope::ALL.iter().map(|scope| scope.as_str()).collect();
        assert!(names.is_sorted(), "{names:?}");
    }
}
