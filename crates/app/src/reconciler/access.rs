//! With what rights the reconciler acts.

use curfew_aws::RoleAccess;
use curfew_domain::{InstanceArn, TenantId};

use super::Reconciler;
use crate::AppError;

/// The way into a tenant's AWS, by the last verified connection.
pub(super) struct Access {
    /// The instance that it leads to.
    pub(super) instance: InstanceArn,
    /// The role, the region, and the `ExternalId`s to try.
    pub(super) role: RoleAccess,
    /// Whether anything may be created: not while the connection is suspended. Deletions go on.
    pub(super) may_create: bool,
}

impl Reconciler {
    /// None before a test has passed: then nothing in AWS is called.
    pub(super) async fn access(&self, tenant: TenantId) -> Result<Option<Access>, AppError> {
        let unit = self.app.store.tenant(tenant).read().await?;
        let Some(connection) = unit.connection().await? else { return Ok(None) };
        let Some(verified) = connection.verified else { return Ok(None) };
        Ok(Some(Access {
            instance: verified.saved.instance,
            role: RoleAccess {
                tenant,
                role: verified.saved.role,
                region: verified.saved.region,
                external_ids: connection.external_ids.in_order().cloned().collect(),
            },
            may_create: connection.suspended.is_none(),
        }))
    }
}
