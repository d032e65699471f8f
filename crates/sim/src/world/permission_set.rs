//! Permission sets: what a person may do in an account, and for how long at a time.

use serde::{Deserialize, Serialize};

use super::Tags;

/// A permission set.
///
/// <https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_PermissionSet.html>
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PermissionSet {
    /// `arn:aws:sso:::permissionSet/ssoins-…/ps-…`; empty until it is added to an instance.
    #[serde(default)]
    pub arn: String,
    /// Up to 32 letters.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: Option<String>,
    /// ISO 8601, one to twelve hours.
    #[serde(default = "one_hour")]
    pub session_duration: String,
    /// Where a session starts in the console.
    #[serde(default)]
    pub relay_state: Option<String>,
    /// ARNs of AWS managed policies.
    #[serde(default)]
    pub managed_policies: Vec<String>,
    /// Policies that each account must have itself.
    #[serde(default)]
    pub customer_policies: Vec<CustomerPolicy>,
    /// A policy of its own, as JSON.
    #[serde(default)]
    pub inline_policy: Option<String>,
    /// Accounts in which it is provisioned, beside those in which it is assigned.
    #[serde(default)]
    pub provisioned_in: Vec<String>,
    /// Accounts in which it is provisioned as it was before it last changed.
    #[serde(default)]
    pub outdated_in: Vec<String>,
    /// Its tags.
    #[serde(default)]
    pub tags: Tags,
}

/// A customer managed policy that a permission set refers to by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CustomerPolicy {
    /// Its name, the same in every account.
    pub name: String,
    /// Accounts that don't have it, so that provisioning fails there.
    #[serde(default)]
    pub missing_in: Vec<String>,
}

impl PermissionSet {
    /// A permission set with sessions of one hour and no policies.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self {
            arn: String::new(),
            name: name.to_owned(),
            description: None,
            session_duration: one_hour(),
            relay_state: None,
            managed_policies: Vec::new(),
            customer_policies: Vec::new(),
            inline_policy: None,
            provisioned_in: Vec::new(),
            outdated_in: Vec::new(),
            tags: Tags::new(),
        }
    }

    /// Sets the length of its sessions, ISO 8601.
    #[must_use]
    pub fn with_session_duration(mut self, duration: &str) -> Self {
        duration.clone_into(&mut self.session_duration);
        self
    }

    /// Attaches an AWS managed policy by its name.
    #[must_use]
    pub fn with_managed_policy(mut self, name: &str) -> Self {
        self.managed_policies.push(format!("arn:aws:iam::aws:policy/{name}"));
        self
    }

    /// Gives it a policy of its own, as JSON.
    #[must_use]
    pub fn with_inline_policy(mut self, policy: &str) -> Self {
        self.inline_policy = Some(policy.to_owned());
        self
    }

    /// Has it provisioned in an account without any assignment there.
    #[must_use]
    pub fn provisioned_in(mut self, account: &str) -> Self {
        self.provisioned_in.push(account.to_owned());
        self
    }
}

impl PermissionSet {
    /// Whether an account has an older version of it than the present.
    pub(crate) fn is_outdated_in(&self, account: &str) -> bool {
        self.outdated_in.iter().any(|own| own == account)
    }
}

fn one_hour() -> String {
    "PT1H".to_owned()
}
