//! People and groups of an identity store.

use serde::{Deserialize, Serialize};

use super::ids;

/// A user of an identity store.
///
/// <https://docs.aws.amazon.com/singlesignon/latest/IdentityStoreAPIReference/API_User.html>
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// Ten hexadecimal digits, then a UUID.
    pub id: String,
    /// What the person signs in with.
    pub user_name: String,
    /// The one e-mail address, if there is one.
    #[serde(default)]
    pub email: Option<String>,
    /// The name that is shown.
    pub display_name: String,
    /// Whether the person can sign in.
    #[serde(default)]
    pub status: UserStatus,
    /// Ids that an external provider gave this user.
    #[serde(default)]
    pub external_ids: Vec<ExternalIdentifier>,
}

/// Whether a user can sign in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum UserStatus {
    /// Can sign in.
    #[default]
    Enabled,
    /// Can't.
    Disabled,
}

/// An id that another provider gave a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExternalIdentifier {
    /// The provider.
    pub issuer: String,
    /// The id there.
    pub id: String,
}

/// A group of users.
///
/// <https://docs.aws.amazon.com/singlesignon/latest/IdentityStoreAPIReference/API_Group.html>
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Ten hexadecimal digits, then a UUID.
    pub id: String,
    /// The name that is shown, unique in the store.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: Option<String>,
    /// User ids.
    #[serde(default)]
    pub members: Vec<String>,
}

impl User {
    /// An enabled user whose user name is the e-mail address. The id comes from both.
    #[must_use]
    pub fn new(identity_store_id: &str, email: &str, display_name: &str) -> Self {
        Self {
            id: ids::resource_id(identity_store_id, "user", email),
            user_name: email.to_owned(),
            email: Some(email.to_owned()),
            display_name: display_name.to_owned(),
            status: UserStatus::Enabled,
            external_ids: Vec::new(),
        }
    }

    /// Gives it another user name, or takes the e-mail address away.
    #[must_use]
    pub fn with_names(mut self, user_name: &str, email: Option<&str>) -> Self {
        user_name.clone_into(&mut self.user_name);
        self.email = email.map(ToOwned::to_owned);
        self
    }
}

impl UserStatus {
    /// The name on the wire.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Enabled => "ENABLED",
            Self::Disabled => "DISABLED",
        }
    }
}
