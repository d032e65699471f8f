//! Tenants: the master makes children and deletes them; each changes itself.

mod create;
mod delete;
mod delete_further;
mod read;
mod update;

use curfew_domain::{DomainName, Tenant, TenantDeletion, TenantDomain};

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
}

impl TenantView {
    /// A tenant with its own domains, in the order in which they were claimed.
    pub fn new(tenant: Tenant, domains: &[TenantDomain]) -> Self {
        let primary_domain =
            domains.iter().find(|domain| domain.verified_at.is_some()).map(|domain| domain.name.clone());
        Self { tenant, primary_domain, deletion: None }
    }

    /// A child of whose deletion one of `deletions` tells.
    fn of_child_among(tenant: Tenant, deletions: &[TenantDeletion]) -> Self {
        let deletion = deletions.iter().find(|deletion| deletion.tenant == tenant.id).copied();
        Self { deletion, ..Self::of_child(tenant) }
    }

    fn of_child(tenant: Tenant) -> Self {
        Self { tenant, primary_domain: None, deletion: None }
    }
}
