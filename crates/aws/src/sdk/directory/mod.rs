//! The directory through the SDK: which service answers what.

mod organization;
mod people;
mod permission_sets;

use async_trait::async_trait;
use curfew_domain::{AccountId, Email, IdentityStoreId, InstanceArn, PermissionSetArn, StorePrincipalId};

use crate::AwsError;
use crate::directory::{
    AccountFacts, Directory, GroupFacts, InstanceFacts, Listed, OrganizationFacts, PageToken, ParentId,
    PermissionSetFacts, PolicyNames, Tags, UnitFacts, UserFacts,
};

use self::organization::Organizations;
use self::people::IdentityStore;
use self::permission_sets::SsoAdmin;
use super::cache::SessionEnd;
use super::clients::DirectoryClients;

/// SSO Admin, Organizations and Identity Store through the SDK.
pub(super) struct SdkDirectory {
    sso_admin: SsoAdmin,
    organizations: Organizations,
    identity_store: IdentityStore,
    /// Where the session comes from a cache.
    end: Option<SessionEnd>,
}

impl SdkDirectory {
    pub(super) fn new(clients: DirectoryClients, end: Option<SessionEnd>) -> Self {
        Self {
            sso_admin: SsoAdmin { client: clients.sso_admin, now: clients.now.clone() },
            organizations: Organizations { client: clients.organizations, now: clients.now.clone() },
            identity_store: IdentityStore { client: clients.identity_store, now: clients.now },
            end,
        }
    }

    /// Passes an answer on, and tells the cache when the session has ended.
    fn noting<T>(&self, answer: Result<T, AwsError>) -> Result<T, AwsError> {
        answer.map_err(|error| match &self.end {
            Some(end) => end.note(error),
            None => error,
        })
    }
}

#[async_trait]
impl Directory for SdkDirectory {
    async fn instances(&self) -> Result<Vec<InstanceFacts>, AwsError> {
        self.noting(self.sso_admin.instances().await)
    }

    async fn permission_sets(
        &self,
        instance: &InstanceArn,
        after: Option<PageToken>,
    ) -> Result<Listed<PermissionSetArn>, AwsError> {
        self.noting(self.sso_admin.permission_sets(instance, after).await)
    }

    async fn permission_set(
        &self,
        instance: &InstanceArn,
        set: &PermissionSetArn,
    ) -> Result<PermissionSetFacts, AwsError> {
        self.noting(self.sso_admin.permission_set(instance, set).await)
    }

    async fn policies_of(
        &self,
        instance: &InstanceArn,
        set: &PermissionSetArn,
    ) -> Result<PolicyNames, AwsError> {
        self.noting(self.sso_admin.policies_of(instance, set).await)
    }

    async fn sets_provisioned_in(
        &self,
        instance: &InstanceArn,
        account: &AccountId,
        after: Option<PageToken>,
    ) -> Result<Listed<PermissionSetArn>, AwsError> {
        self.noting(self.sso_admin.provisioned_in(instance, account, after).await)
    }

    async fn organization(&self) -> Result<OrganizationFacts, AwsError> {
        self.noting(self.organizations.describe().await)
    }

    async fn delegated_administrators(&self) -> Result<Vec<AccountId>, AwsError> {
        self.noting(self.organizations.delegated_administrators().await)
    }

    async fn accounts(&self, after: Option<PageToken>) -> Result<Listed<AccountFacts>, AwsError> {
        self.noting(self.organizations.accounts(after).await)
    }

    async fn root(&self) -> Result<ParentId, AwsError> {
        self.noting(self.organizations.root().await)
    }

    async fn units_below(
        &self,
        parent: &ParentId,
        after: Option<PageToken>,
    ) -> Result<Listed<UnitFacts>, AwsError> {
        self.noting(self.organizations.units_below(parent, after).await)
    }

    async fn accounts_below(
        &self,
        parent: &ParentId,
        after: Option<PageToken>,
    ) -> Result<Listed<AccountId>, AwsError> {
        self.noting(self.organizations.accounts_below(parent, after).await)
    }

    async fn tags_of_account(&self, account: &AccountId) -> Result<Tags, AwsError> {
        self.noting(self.organizations.tags_of(account).await)
    }

    async fn users(
        &self,
        store: &IdentityStoreId,
        after: Option<PageToken>,
    ) -> Result<Listed<UserFacts>, AwsError> {
        self.noting(self.identity_store.users(store, after).await)
    }

    async fn groups(
        &self,
        store: &IdentityStoreId,
        after: Option<PageToken>,
    ) -> Result<Listed<GroupFacts>, AwsError> {
        self.noting(self.identity_store.groups(store, after).await)
    }

    async fn user_by_email(
        &self,
        store: &IdentityStoreId,
        email: &Email,
    ) -> Result<Option<StorePrincipalId>, AwsError> {
        self.noting(self.identity_store.user_by_email(store, email).await)
    }
}
