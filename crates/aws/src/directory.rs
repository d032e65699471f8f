//! What there is in a customer's organization.

use std::collections::BTreeMap;

use async_trait::async_trait;
use curfew_domain::{
    AccountId, Email, IdentityStoreId, InstanceArn, OuId, PermissionSetArn, Seconds, StorePrincipalId,
};

use crate::AwsError;

/// Reads instances, permission sets, accounts, units and people, with one session's rights, in one region.
///
/// Lists come a page at a time, so that whoever reads keeps within AWS's rate limits. An empty page may have a
/// successor (Organizations API, "Pagination").
#[async_trait]
pub trait Directory: Send + Sync {
    /// The Identity Center instances that the session sees, in every region; all pages.
    async fn instances(&self) -> Result<Vec<InstanceFacts>, AwsError>;

    /// A page of permission sets.
    async fn permission_sets(
        &self,
        instance: &InstanceArn,
        after: Option<PageToken>,
    ) -> Result<Listed<PermissionSetArn>, AwsError>;

    /// One permission set's own fields.
    async fn permission_set(
        &self,
        instance: &InstanceArn,
        set: &PermissionSetArn,
    ) -> Result<PermissionSetFacts, AwsError>;

    /// What a permission set allows, as far as names tell.
    async fn policies_of(
        &self,
        instance: &InstanceArn,
        set: &PermissionSetArn,
    ) -> Result<PolicyNames, AwsError>;

    /// A page of the permission sets that are provisioned in an account.
    async fn sets_provisioned_in(
        &self,
        instance: &InstanceArn,
        account: &AccountId,
        after: Option<PageToken>,
    ) -> Result<Listed<PermissionSetArn>, AwsError>;

    /// Which account manages the organization.
    async fn organization(&self) -> Result<OrganizationFacts, AwsError>;

    /// The accounts that Identity Center is delegated to; all pages.
    async fn delegated_administrators(&self) -> Result<Vec<AccountId>, AwsError>;

    /// A page of all accounts.
    async fn accounts(&self, after: Option<PageToken>) -> Result<Listed<AccountFacts>, AwsError>;

    /// The organization's root: the tree's top.
    async fn root(&self) -> Result<ParentId, AwsError>;

    /// A page of the units directly below.
    async fn units_below(
        &self,
        parent: &ParentId,
        after: Option<PageToken>,
    ) -> Result<Listed<UnitFacts>, AwsError>;

    /// A page of the accounts directly below.
    async fn accounts_below(
        &self,
        parent: &ParentId,
        after: Option<PageToken>,
    ) -> Result<Listed<AccountId>, AwsError>;

    /// Tags of an account.
    async fn tags_of_account(&self, account: &AccountId) -> Result<Tags, AwsError>;

    /// A page of people.
    async fn users(
        &self,
        store: &IdentityStoreId,
        after: Option<PageToken>,
    ) -> Result<Listed<UserFacts>, AwsError>;

    /// A page of groups.
    async fn groups(
        &self,
        store: &IdentityStoreId,
        after: Option<PageToken>,
    ) -> Result<Listed<GroupFacts>, AwsError>;

    /// The person with this address: who has it as e-mail, or else who has it as user name and no other e-mail
    /// (a user name is free text: whoever may name themselves must not become somebody else).
    async fn user_by_email(
        &self,
        store: &IdentityStoreId,
        email: &Email,
    ) -> Result<Option<StorePrincipalId>, AwsError>;
}

/// Key -> value.
pub type Tags = BTreeMap<String, String>;

/// Where a list goes on. AWS's, and opaque.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageToken(pub(crate) String);

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed<T> {
    /// What is on it; may be nothing although there is a next page.
    pub items: Vec<T>,
    /// Where it goes on; none on the last page.
    pub next: Option<PageToken>,
}

/// An Identity Center instance (SSO Admin API, `InstanceMetadata`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceFacts {
    /// Its ARN, as AWS wrote it.
    pub arn: String,
    /// Its identity store.
    pub identity_store: Option<IdentityStoreId>,
    /// Who owns it: the management account, where it is the organization's.
    pub owner: Option<AccountId>,
    /// Whether it can be used.
    pub state: InstanceState,
    /// Why it can't be used.
    pub state_reason: Option<String>,
    /// Where permission sets and assignments are managed; not every answer names it.
    pub primary_region: Option<String>,
    /// Every region that it is in.
    pub regions: Vec<String>,
}

/// Whether an instance can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InstanceState {
    /// In use. Also where AWS names no state, as it did before it had them.
    Active,
    /// Being made, being deleted, could not be made: AWS's word for it.
    Not(String),
}

/// A permission set's own fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PermissionSetFacts {
    /// Its name, unique in the instance.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// How long a session of it lasts; AWS's default is an hour.
    pub session: Seconds,
}

/// What a permission set allows, as far as names tell.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PolicyNames {
    /// Names of AWS managed policies.
    pub managed: Vec<String>,
    /// Whether it carries anything else: an inline policy, or policies of the customer's.
    pub others: bool,
}

/// The organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrganizationFacts {
    /// Which account manages it.
    pub management_account: AccountId,
}

/// An account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountFacts {
    /// Its id.
    pub id: AccountId,
    /// Its name.
    pub name: String,
    /// Whether it is in use: `State`, which took the place of `Status`, or that.
    pub active: bool,
    /// AWS's word for the state.
    pub state: String,
}

/// What accounts and units are directly below.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ParentId {
    /// The organization's root, `r-…`.
    Root(String),
    /// A unit.
    Unit(OuId),
}

impl ParentId {
    /// As AWS takes it.
    pub fn as_str(&self) -> &str {
        match self {
            ParentId::Root(id) => id,
            ParentId::Unit(id) => id.as_str(),
        }
    }
}

/// An organizational unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitFacts {
    /// Its id.
    pub id: OuId,
    /// Its name.
    pub name: String,
}

/// A person in the identity store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserFacts {
    /// The store's id.
    pub id: StorePrincipalId,
    /// What they sign in with.
    pub user_name: Option<String>,
    /// What they are called.
    pub display_name: Option<String>,
    /// Their addresses, the primary one first.
    pub emails: Vec<String>,
    /// Whether they may sign in; true where AWS does not say.
    pub enabled: bool,
}

/// A group in the identity store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupFacts {
    /// The store's id.
    pub id: StorePrincipalId,
    /// What it is called.
    pub name: String,
}
