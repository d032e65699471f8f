//! Service control policies: what nobody in an account may do, whatever else allows it.

use serde::{Deserialize, Serialize};

/// A service control policy that the organization made itself.
///
/// <https://docs.aws.amazon.com/organizations/latest/APIReference/API_Policy.html>
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceControlPolicy {
    /// `p-` and ten or more small letters and digits; empty until it is added to an organization.
    #[serde(default)]
    pub id: String,
    /// What people call it; unique in the organization.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// The document, as it was given: white space counts.
    pub content: String,
    /// The root, units and accounts that it is attached to.
    #[serde(default)]
    pub targets: Vec<String>,
}

impl ServiceControlPolicy {
    /// A policy that is attached to nothing yet.
    #[must_use]
    pub fn new(name: &str, content: &str) -> Self {
        Self {
            id: String::new(),
            name: name.to_owned(),
            description: String::new(),
            content: content.to_owned(),
            targets: Vec::new(),
        }
    }

    /// Attaches it to a root, a unit or an account as well.
    #[must_use]
    pub fn attached_to(mut self, target: &str) -> Self {
        self.targets.push(target.to_owned());
        self
    }
}
