//! An IAM Identity Center instance: its regions, permission sets, assignments and directory.

use serde::{Deserialize, Serialize};

use super::{Group, PermissionSet, User, ids};

/// An instance of IAM Identity Center with its identity store.
///
/// <https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_InstanceMetadata.html>
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Instance {
    /// `arn:aws:sso:::instance/ssoins-` and sixteen letters and digits.
    pub arn: String,
    /// `d-` and ten hexadecimal digits.
    pub identity_store_id: String,
    /// The account that owns it: the management account for an organization instance, any other for an account instance.
    #[serde(default)]
    pub owner_account: String,
    /// Its name, if it was given one.
    #[serde(default)]
    pub name: Option<String>,
    /// The region in which it was enabled.
    pub primary_region: String,
    /// Regions that it was replicated to; permission sets and assignments can't be managed there.
    #[serde(default)]
    pub additional_regions: Vec<String>,
    /// Whether answers tell the primary region (older deployments of the service do not).
    #[serde(default = "yes")]
    pub tells_primary_region: bool,
    /// Whether it can be used.
    #[serde(default)]
    pub status: InstanceStatus,
    /// The customer managed key that encrypts it; then callers need `kms:Decrypt`.
    #[serde(default)]
    pub customer_managed_key: Option<String>,
    /// Permission sets.
    #[serde(default)]
    pub permission_sets: Vec<PermissionSet>,
    /// Users of the identity store.
    #[serde(default)]
    pub users: Vec<User>,
    /// Groups of the identity store.
    #[serde(default)]
    pub groups: Vec<Group>,
    /// What is assigned.
    #[serde(default)]
    pub assignments: Vec<Assignment>,
}

/// The status of an instance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum InstanceStatus {
    /// Being made: only `DescribeInstance` works.
    CreateInProgress,
    /// Could not be made.
    CreateFailed,
    /// Being deleted.
    DeleteInProgress,
    /// In use.
    #[default]
    Active,
}

/// Somebody's access: this principal may take this permission set's role in this account.
///
/// <https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_AccountAssignment.html>
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assignment {
    /// The account, twelve digits.
    pub account: String,
    /// The permission set's ARN.
    pub permission_set: String,
    /// User or group.
    pub principal_type: PrincipalType,
    /// The user's or group's id in the identity store.
    pub principal_id: String,
}

/// Who an assignment is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PrincipalType {
    /// One person.
    User,
    /// Everybody in a group.
    Group,
}

impl Instance {
    /// An active organization instance without permission sets or people. The ids come from the name.
    #[must_use]
    pub fn new(name: &str, primary_region: &str) -> Self {
        Self {
            arn: format!("arn:aws:sso:::instance/ssoins-{}", ids::hex_id("instance", name, 16)),
            identity_store_id: format!("d-{}", ids::hex_id("identity-store", name, 10)),
            owner_account: String::new(),
            name: Some(name.to_owned()),
            primary_region: primary_region.to_owned(),
            additional_regions: Vec::new(),
            tells_primary_region: true,
            status: InstanceStatus::Active,
            customer_managed_key: None,
            permission_sets: Vec::new(),
            users: Vec::new(),
            groups: Vec::new(),
            assignments: Vec::new(),
        }
    }

    /// Adds a permission set, giving it an ARN if it has none.
    #[must_use]
    pub fn with_permission_set(mut self, mut set: PermissionSet) -> Self {
        if set.arn.is_empty() {
            set.arn = self.permission_set_arn(&set.name);
        }
        self.permission_sets.push(set);
        self
    }

    /// Adds a user with this e-mail address, which is the user name as well.
    #[must_use]
    pub fn with_user(self, email: &str, display_name: &str) -> Self {
        let user = User::new(&self.identity_store_id, email, display_name);
        self.with_user_record(user)
    }

    /// Adds a user as given.
    #[must_use]
    pub fn with_user_record(mut self, user: User) -> Self {
        self.users.push(user);
        self
    }

    /// Adds a group whose members are the users with these e-mail addresses.
    #[must_use]
    pub fn with_group(mut self, name: &str, members: &[&str]) -> Self {
        let members =
            members.iter().filter_map(|m| self.user_by_email(m)).map(|user| user.id.clone()).collect();
        let id = ids::resource_id(&self.identity_store_id, "group", name);
        self.groups.push(Group { id, name: name.to_owned(), description: None, members });
        self
    }

    /// Replicates it to a further region.
    #[must_use]
    pub fn with_additional_region(mut self, region: &str) -> Self {
        self.additional_regions.push(region.to_owned());
        self
    }

    /// The ARN that a permission set of this name gets here when none is given.
    pub fn permission_set_arn(&self, name: &str) -> String {
        let instance = self.arn.rsplit('/').next().unwrap_or_default();
        let own = ids::hex_id("permission-set", &format!("{}/{name}", self.arn), 16);
        format!("arn:aws:sso:::permissionSet/{instance}/ps-{own}")
    }

    /// A permission set by its ARN.
    pub fn permission_set(&self, arn: &str) -> Option<&PermissionSet> {
        self.permission_sets.iter().find(|set| set.arn == arn)
    }

    /// A permission set by its name.
    pub fn permission_set_named(&self, name: &str) -> Option<&PermissionSet> {
        self.permission_sets.iter().find(|set| set.name == name)
    }

    /// A user by its id.
    pub fn user(&self, id: &str) -> Option<&User> {
        self.users.iter().find(|user| user.id == id)
    }

    /// A user by e-mail address, whatever its case.
    pub fn user_by_email(&self, email: &str) -> Option<&User> {
        self.users
            .iter()
            .find(|user| user.email.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(email)))
    }

    /// A group by its id.
    pub fn group(&self, id: &str) -> Option<&Group> {
        self.groups.iter().find(|group| group.id == id)
    }

    /// The ARN of its identity store.
    pub fn identity_store_arn(&self) -> String {
        format!("arn:aws:identitystore::{}:identitystore/{}", self.owner_account, self.identity_store_id)
    }

    /// Whether it is the primary or an additional region.
    pub fn is_in(&self, region: &str) -> bool {
        self.primary_region == region || self.additional_regions.iter().any(|own| own == region)
    }

    /// Whether this principal is in the directory.
    pub(crate) fn knows(&self, principal_type: PrincipalType, id: &str) -> bool {
        match principal_type {
            PrincipalType::User => self.user(id).is_some(),
            PrincipalType::Group => self.group(id).is_some(),
        }
    }
}

impl InstanceStatus {
    /// The name on the wire.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::CreateInProgress => "CREATE_IN_PROGRESS",
            Self::CreateFailed => "CREATE_FAILED",
            Self::DeleteInProgress => "DELETE_IN_PROGRESS",
            Self::Active => "ACTIVE",
        }
    }
}

impl PrincipalType {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "USER",
            Self::Group => "GROUP",
        }
    }
}

fn yes() -> bool {
    true
}
