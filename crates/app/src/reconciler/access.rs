//! With what rights the reconciler acts.

use curfew_aws::RoleAccess;
use curfew_domain::assignment::AssignmentKey;
use curfew_domain::connection::{Connection, VerifiedConnection};
use curfew_domain::{Region, TenantId};

use super::Reconciler;
use crate::AppError;

/// The way into a tenant's AWS, by the last verified connection.
pub(super) struct Access {
    /// The role, the assignment's region, and the `ExternalId`s to try.
    pub(super) role: RoleAccess,
    /// What it was read from.
    pub(super) verified: VerifiedConnection,
    /// Whether anything may be created: not while the connection is suspended. Deletions go on.
    pub(super) may_create: bool,
}

impl Reconciler {
    /// None before a test has passed: then nothing in AWS is called. The region is the one that was frozen with the
    /// assignment: another configuration can't aim its deletion elsewhere.
    pub(super) async fn access(
        &self,
        tenant: TenantId,
        key: &AssignmentKey,
    ) -> Result<Option<Access>, AppError> {
        let unit = self.app.store.tenant(tenant).read().await?;
        let access = Access::of_verified(tenant, unit.connection().await?);
        Ok(access.map(|access| access.into_region(&key.region)))
    }
}

impl Access {
    /// By a connection as it is kept: none before a test has passed.
    pub(super) fn of_verified(tenant: TenantId, connection: Option<Connection>) -> Option<Self> {
        let connection = connection?;
        let verified = connection.verified?;
        Some(Access {
            role: RoleAccess {
                tenant,
                role: verified.saved.role.clone(),
                region: verified.saved.region.clone(),
                external_ids: connection.external_ids.in_order().cloned().collect(),
            },
            verified,
            may_create: connection.suspended.is_none(),
        })
    }

    fn into_region(self, region: &Region) -> Self {
        Self { role: RoleAccess { region: region.clone(), ..self.role }, ..self }
    }

    /// Whether a connection, as it is now, still lets through it what may be created.
    pub(super) fn still_creates(&self, connection: Option<&Connection>) -> bool {
        connection.is_some_and(|connection| {
            connection.suspended.is_none() && connection.verified.as_ref() == Some(&self.verified)
        })
    }
}
