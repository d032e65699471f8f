//! The world that the stand-in plays: whose accounts, people and roles there are, and how AWS behaves in it.
//!
//! A [`World`] is plain data. It is built in Rust with the `with_…` methods, read from JSON, or taken
//! ready-made ([`World::demo`]). [`World::check`] refuses one whose parts don't fit together.

mod behaviour;
mod caller;
mod check;
mod demo;
mod directory;
pub(crate) mod ids;
mod instance;
mod kms_key;
mod organization;
mod permission_set;
mod policy;
mod role;

pub use behaviour::{Behaviour, Limits, MissingDeletion, Observed, Rate};
pub use caller::{CredentialState, OwnCredentials};
pub use check::WorldError;
pub use demo::{
    ACME_DELEGATED_ROLE, ACME_EXTERNAL_ID, ACME_INSTANCE, ACME_MANAGEMENT_ROLE, ACME_UNSAFE_ROLE,
    CURFEW_ACCESS_KEY, CURFEW_KMS_ALIAS, CURFEW_KMS_KEY, CURFEW_PRINCIPAL, CURFEW_SECRET_KEY,
    GLOBEX_EXTERNAL_ID, GLOBEX_INSTANCE, GLOBEX_ROLE,
};
pub use directory::{ExternalIdentifier, Group, User, UserStatus};
pub(crate) use ids::membership_id;
pub use instance::{Assignment, Instance, InstanceStatus, PrincipalType};
pub use kms_key::{KeySpec, KeyState, KmsKey};
pub use organization::{
    Account, AccountState, DelegatedAdministrator, Organization, OrganizationalUnit, Tags,
};
pub use permission_set::{CustomerPolicy, PermissionSet};
pub use policy::ServiceControlPolicy;
pub use role::{Permissions, Role, Trust};

use serde::{Deserialize, Serialize};

/// Everything outside Curfew: organizations, Curfew's own credentials and keys, and the rules of play.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct World {
    /// The customers' organizations; none shares an account with another.
    pub organizations: Vec<Organization>,
    /// Long-term (or instance-profile) credentials that callers sign with.
    pub own_credentials: Vec<OwnCredentials>,
    /// Keys in KMS.
    pub kms_keys: Vec<KmsKey>,
    /// How fast, how lagging, how limited AWS is, and which merely observed habits it shows.
    pub behaviour: Behaviour,
}

impl World {
    /// A world without anybody in it.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// Adds an organization.
    #[must_use]
    pub fn with_organization(mut self, organization: Organization) -> Self {
        self.organizations.push(organization);
        self
    }

    /// Adds credentials that a caller may sign with.
    #[must_use]
    pub fn with_credentials(mut self, credentials: OwnCredentials) -> Self {
        self.own_credentials.push(credentials);
        self
    }

    /// Adds a key in KMS.
    #[must_use]
    pub fn with_kms_key(mut self, key: KmsKey) -> Self {
        self.kms_keys.push(key);
        self
    }

    /// Replaces the rules of play.
    #[must_use]
    pub fn with_behaviour(mut self, behaviour: Behaviour) -> Self {
        self.behaviour = behaviour;
        self
    }

    /// The organization that an account belongs to.
    pub fn organization_of(&self, account: &str) -> Option<&Organization> {
        self.organizations.iter().find(|organization| organization.account(account).is_some())
    }

    /// An Identity Center instance by its ARN, with the organization it belongs to.
    pub fn instance(&self, arn: &str) -> Option<(&Organization, &Instance)> {
        self.instances().find(|(_, instance)| instance.arn == arn)
    }

    /// An instance by its ARN, to change it.
    pub fn instance_mut(&mut self, arn: &str) -> Option<&mut Instance> {
        self.organizations.iter_mut().flat_map(|o| &mut o.instances).find(|instance| instance.arn == arn)
    }

    /// An instance by the id of its identity store.
    pub fn identity_store(&self, id: &str) -> Option<(&Organization, &Instance)> {
        self.instances().find(|(_, instance)| instance.identity_store_id == id)
    }

    /// Every instance there is.
    pub fn instances(&self) -> impl Iterator<Item = (&Organization, &Instance)> {
        self.organizations.iter().flat_map(|o| o.instances.iter().map(move |instance| (o, instance)))
    }

    /// A role by its ARN.
    pub fn role(&self, arn: &str) -> Option<&Role> {
        self.organizations.iter().flat_map(|o| &o.roles).find(|role| role.arn == arn)
    }

    /// A role by its ARN, to change it.
    pub fn role_mut(&mut self, arn: &str) -> Option<&mut Role> {
        self.organizations.iter_mut().flat_map(|o| &mut o.roles).find(|role| role.arn == arn)
    }

    /// A key in KMS by its ARN, to change it.
    pub fn kms_key_mut(&mut self, arn: &str) -> Option<&mut KmsKey> {
        self.kms_keys.iter_mut().find(|key| key.arn == arn)
    }

    /// An organization by its management account, to change it.
    pub fn organization_mut(&mut self, management_account: &str) -> Option<&mut Organization> {
        self.organizations.iter_mut().find(|o| o.management_account == management_account)
    }

    /// A service control policy by its id, to change it.
    pub fn policy_mut(&mut self, id: &str) -> Option<&mut ServiceControlPolicy> {
        self.organizations.iter_mut().flat_map(|o| &mut o.policies).find(|policy| policy.id == id)
    }

    /// An account by its id, to change it.
    pub fn account_mut(&mut self, id: &str) -> Option<&mut Account> {
        self.organizations.iter_mut().flat_map(|o| &mut o.accounts).find(|account| account.id == id)
    }
}
