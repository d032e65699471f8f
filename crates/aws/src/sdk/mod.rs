//! The adapter over the AWS SDK: the only code that speaks to AWS.
//!
//! The SDK does the signing, the pooling and, where a repetition is harmless, the repeating: nothing here wraps a
//! second loop around it.

mod answer;
mod assignments;
mod cache;
mod classify;
mod clients;
mod counted;
mod directory;
mod failure;
mod mac_keys;
mod pool;
mod session_policies;
mod settings;
mod signing_time;
mod trust;

pub use settings::{SdkSettings, StaticCredentials};

use std::sync::Arc;

use async_trait::async_trait;
use curfew_domain::{Clock, Region, TenantId};

use crate::{
    Assignments, AwsError, AwsGateway, Directory, Patiences, RoleAccess, SessionCredentials, SessionPolicies,
    Trust,
};

use self::assignments::SdkAssignments;
use self::cache::{Kept, SessionCache};
use self::clients::{Clients, SsoAdmin};
use self::directory::SdkDirectory;
use self::session_policies::SdkSessionPolicies;
use self::trust::SdkTrust;

/// AWS, through the SDK.
pub struct SdkGateway {
    clients: Clients,
    patiences: Patiences,
    sessions: Arc<SessionCache>,
}

impl SdkGateway {
    /// Reads credentials, endpoints (`AWS_ENDPOINT_URL`, `AWS_ENDPOINT_URL_STS`, …), proxies and profiles from the
    /// environment, as the SDK does everywhere.
    pub async fn from_env(clock: Arc<dyn Clock>) -> Self {
        Self::load(clock, SdkSettings::default()).await
    }

    /// The same, but for what `settings` says.
    pub async fn load(clock: Arc<dyn Clock>, settings: SdkSettings) -> Self {
        let patiences = settings.patiences;
        Self {
            clients: Clients::new(settings.load().await),
            patiences,
            sessions: Arc::new(SessionCache::new(clock)),
        }
    }

    /// A session of the tenant's role: kept from before, or fetched.
    async fn session(&self, access: &RoleAccess, patience: crate::Patience) -> Result<Kept, AwsError> {
        let trust = || SdkTrust::new(self.clients.sts(&access.region, patience), self.clients.now_source());
        self.sessions.get(access, trust).await
    }

    /// The same, in no more time than a look takes: the place in the cache may be held by somebody with more patience,
    /// and there may be two values to try.
    async fn session_in_time(&self, access: &RoleAccess) -> Result<Kept, AwsError> {
        let patience = self.patiences.look;
        let fetched = tokio::time::timeout(patience.call, self.session(access, patience));
        fetched.await.map_err(|_| AwsError::out_of_time("sts:AssumeRole"))?
    }
}

#[async_trait]
impl AwsGateway for SdkGateway {
    fn trust(&self, region: &Region) -> Arc<dyn Trust> {
        let sts = self.clients.sts_told_of_skew(region, self.patiences.test);
        Arc::new(SdkTrust::new(sts, self.clients.now_source()))
    }

    fn directory_with(&self, region: &Region, session: &SessionCredentials) -> Arc<dyn Directory> {
        let clients = self.clients.with_session(region, session, self.patiences.test);
        Arc::new(SdkDirectory::new(clients, None))
    }

    fn session_policies_with(
        &self,
        region: &Region,
        session: &SessionCredentials,
    ) -> Arc<dyn SessionPolicies> {
        let patience = self.patiences.test;
        let client = self.clients.organizations(region, session, patience);
        Arc::new(SdkSessionPolicies::new(client, patience.call, self.clients.now_source(), None))
    }

    async fn directory(&self, access: &RoleAccess) -> Result<Arc<dyn Directory>, AwsError> {
        let kept = self.session(access, self.patiences.read).await?;
        let clients = self.clients.with_session(&access.region, &kept.session, self.patiences.read);
        Ok(Arc::new(SdkDirectory::new(clients, Some(kept.end))))
    }

    async fn assignments(&self, access: &RoleAccess) -> Result<Arc<dyn Assignments>, AwsError> {
        let kept = self.session_in_time(access).await?;
        let client =
            |patience| self.clients.sso_admin(&access.region, &kept.session, &kept.turned_away, patience);
        let make = || SsoAdmin { look: client(self.patiences.look), change: client(self.patiences.change) };
        let sso_admin = kept.sso_admin.get_or_init(make).clone();
        let within = self.patiences.look.call;
        let now = self.clients.now_source();
        Ok(Arc::new(SdkAssignments::new(sso_admin, within, now, kept.turned_away, kept.end)))
    }

    async fn session_policies(&self, access: &RoleAccess) -> Result<Arc<dyn SessionPolicies>, AwsError> {
        let kept = self.session_in_time(access).await?;
        let patience = self.patiences.look;
        let client = self.clients.organizations(&access.region, &kept.session, patience);
        let now = self.clients.now_source();
        Ok(Arc::new(SdkSessionPolicies::new(client, patience.call, now, Some(kept.end))))
    }

    fn forget(&self, tenant: TenantId) {
        self.sessions.forget(tenant);
    }
}
