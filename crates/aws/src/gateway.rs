use std::sync::Arc;

use async_trait::async_trait;
use curfew_domain::{ExternalId, Region, RoleArn, TenantId};

use crate::{Assignments, AwsError, Directory, SessionCredentials, SessionPolicies, Trust};

/// The way into AWS: hands out the ports, each bound to a region and to somebody's credentials.
#[async_trait]
pub trait AwsGateway: Send + Sync {
    /// STS in a region, for the connection test: at most two tries a call.
    fn trust(&self, region: &Region) -> Arc<dyn Trust>;

    /// The directory with credentials that are at hand, for the connection test: at most two tries a call, and
    /// nothing of it is kept.
    fn directory_with(&self, region: &Region, session: &SessionCredentials) -> Arc<dyn Directory>;

    /// The policies that end sessions with credentials that are at hand, for the connection test: at most two tries a
    /// call, and nothing of it is kept.
    fn session_policies_with(
        &self,
        region: &Region,
        session: &SessionCredentials,
    ) -> Arc<dyn SessionPolicies>;

    /// The directory with the tenant's role. Credentials come from a cache, until five minutes before they end.
    async fn directory(&self, access: &RoleAccess) -> Result<Arc<dyn Directory>, AwsError>;

    /// Assignments with the tenant's role. Credentials come from the same cache. Where they must be fetched first
    /// that takes 8 s at most, before anything of the assignment is sent.
    async fn assignments(&self, access: &RoleAccess) -> Result<Arc<dyn Assignments>, AwsError>;

    /// The policies that end sessions, with the tenant's role. Credentials come from the same cache, and take 8 s at most.
    async fn session_policies(&self, access: &RoleAccess) -> Result<Arc<dyn SessionPolicies>, AwsError>;

    /// Drops a tenant's cached credentials: its configuration or its `ExternalId` has changed.
    fn forget(&self, tenant: TenantId);
}

/// How to get into a tenant's AWS.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RoleAccess {
    /// For whom.
    pub tenant: TenantId,
    /// The role to assume.
    pub role: RoleArn,
    /// Where: STS is asked there, and the calls go there.
    pub region: Region,
    /// Tried in this order: the one in force, then the one that a rotation is bringing in.
    pub external_ids: Vec<ExternalId>,
}
