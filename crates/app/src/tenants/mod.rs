//! Tenants: the master makes children and deletes them; each changes itself.

mod create;
mod delete;
mod delete_further;
mod read;
mod update;

use curfew_domain::{DomainName, Tenant, TenantDeletion, TenantDomain, Timestamp};
use curfew_store::ReadUnit;

use crate::AppError;
use crate::reconciler::OVERDUE;

pub use create::{NewOwner, NewTenant, TenantCreated, create};
pub use delete::delete;
pub use delete_further::delete_further;
pub use read::{get, list};
pub use update::{TenantChange, update};

/// A tenant as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantView {
    /// The tenant.
    pub tenant: Tenant,
    /// Its first verified domain. A child's domains are behind its own wall, and not shown to its parent.
    pub primary_domain: Option<DomainName>,
    /// How its deletion goes on, while it does.
    pub deletion: Option<TenantDeletion>,
    /// How many assignments AWS may still hold more than five minutes after they should have been gone.
    pub revocations_overdue: u64,
}

impl TenantView {
    /// A tenant with its own domains, in the order in which they were claimed.
    pub fn new(tenant: Tenant, domains: &[TenantDomain]) -> Self {
        let primary_domain =
            domains.iter().find(|domain| domain.verified_at.is_some()).map(|domain| domain.name.clone());
        Self { tenant, primary_domain, deletion: None, revocations_overdue: 0 }
    }

    /// The caller's own tenant, with all that is told of it.
    pub(crate) async fn own(unit: &ReadUnit, tenant: Tenant, now: Timestamp) -> Result<Self, AppError> {
        let view = Self::new(tenant, &unit.domains().await?);
        Self::with_overdue(unit, vec![view], now).await?.pop().ok_or(AppError::NotFound("tenant"))
    }

    /// The same tenants, and what is overdue of them.
    async fn with_overdue(unit: &ReadUnit, views: Vec<Self>, now: Timestamp) -> Result<Vec<Self>, AppError> {
        let ids: Vec<_> = views.iter().map(|view| view.tenant.id).collect();
        let owed = unit.owed_by_tenant(&ids, now - OVERDUE).await?;
        let told = |view: Self| Self {
            revocations_overdue: owed.get(&view.tenant.id).copied().unwrap_or_default(),
            ..view
        };
        Ok(views.into_iter().map(told).collect())
    }

    /// A child of whose deletion one of `deletions` tells.
    fn of_child_among(tenant: Tenant, deletions: &[TenantDeletion]) -> Self {
        let deletion = deletions.iter().find(|deletion| deletion.tenant == tenant.id).copied();
        Self { deletion, ..Self::of_child(tenant) }
    }

    fn of_child(tenant: Tenant) -> Self {
        Self { tenant, primary_domain: None, deletion: None, revocations_overdue: 0 }
    }
}
