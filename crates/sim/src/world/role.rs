//! IAM roles: who may assume them, on what condition, and what they may then do.

use serde::{Deserialize, Serialize};

use super::ids;
use crate::glob;

/// A role that can be assumed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// `arn:aws:iam::ACCOUNT:role/NAME`.
    pub arn: String,
    /// Who may assume it.
    pub trust: Trust,
    /// The longest session, 3,600 to 43,200 seconds.
    #[serde(default = "one_hour")]
    pub max_session_seconds: i64,
    /// What its sessions may do.
    #[serde(default)]
    pub permissions: Permissions,
}

/// The part of a trust policy that matters here.
///
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html>
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trust {
    /// Account ids, `…:root` ARNs, or ARNs of single users and roles; `*` trusts anyone.
    pub principals: Vec<String>,
    /// `sts:ExternalId` must be one of these; when empty, no ExternalId is required (the confused deputy's open door).
    #[serde(default)]
    pub external_ids: Vec<String>,
}

/// Which actions are allowed, by name, `*` standing for any letters. Resources are not told apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Permissions {
    /// Allowed actions: `sso:*`, `identitystore:GetUserId`.
    pub allow: Vec<String>,
    /// Actions denied whatever is allowed.
    pub deny: Vec<String>,
}

impl Role {
    /// A role that trusts nobody yet, may do anything, and has sessions of an hour.
    #[must_use]
    pub fn new(account: &str, name: &str) -> Self {
        Self {
            arn: format!("arn:aws:iam::{account}:role/{name}"),
            trust: Trust::default(),
            max_session_seconds: one_hour(),
            permissions: Permissions::default(),
        }
    }

    /// Trusts a principal as well.
    #[must_use]
    pub fn trusting(mut self, principal: &str) -> Self {
        self.trust.principals.push(principal.to_owned());
        self
    }

    /// Demands an ExternalId; called again, takes either.
    #[must_use]
    pub fn requiring_external_id(mut self, external_id: &str) -> Self {
        self.trust.external_ids.push(external_id.to_owned());
        self
    }

    /// Replaces the longest session.
    #[must_use]
    pub fn with_max_session_seconds(mut self, seconds: i64) -> Self {
        self.max_session_seconds = seconds;
        self
    }

    /// The account it belongs to.
    pub fn account(&self) -> &str {
        self.arn.split(':').nth(4).unwrap_or_default()
    }

    /// Its name, without the path.
    pub fn name(&self) -> &str {
        self.arn.rsplit('/').next().unwrap_or_default()
    }

    /// Its unique id, `AROA…`.
    pub(crate) fn unique_id(&self) -> String {
        format!("AROA{}", ids::hex_id("role", &self.arn, 17).to_uppercase())
    }
}

impl Trust {
    /// Whether a caller of this account, with this principal ARN, may assume the role with this ExternalId.
    pub(crate) fn admits(&self, account: &str, principal_arn: &str, external_id: Option<&str>) -> bool {
        self.names(account, principal_arn) && self.accepts(external_id)
    }

    fn names(&self, account: &str, principal_arn: &str) -> bool {
        self.principals.iter().any(|principal| {
            principal == "*"
                || principal == account
                || *principal == format!("arn:aws:iam::{account}:root")
                || principal == principal_arn
        })
    }

    fn accepts(&self, external_id: Option<&str>) -> bool {
        self.external_ids.is_empty()
            || external_id.is_some_and(|given| self.external_ids.iter().any(|own| own == given))
    }
}

impl Permissions {
    /// Only these actions.
    #[must_use]
    pub fn only(actions: &[&str]) -> Self {
        Self { allow: actions.iter().map(ToString::to_string).collect(), deny: Vec::new() }
    }

    /// Everything but these actions.
    #[must_use]
    pub fn all_but(actions: &[&str]) -> Self {
        Self { allow: vec!["*".to_owned()], deny: actions.iter().map(ToString::to_string).collect() }
    }

    /// Whether an action (`sso:ListInstances`) may be done.
    pub fn permit(&self, action: &str) -> bool {
        let named = |patterns: &[String]| patterns.iter().any(|pattern| glob::matches(pattern, action));
        named(&self.allow) && !named(&self.deny)
    }
}

impl Default for Permissions {
    fn default() -> Self {
        Self::all_but(&[])
    }
}

fn one_hour() -> i64 {
    3600
}
