//! Tenants: the master makes children; each changes itself.

mod create;
mod read;
mod update;

use curfew_domain::{DomainName, Tenant, TenantDomain};

pub use create::{NewOwner, NewTenant, TenantCreated, create};
pub use read::{get, list};
pub use update::{TenantChange, update};

/// A tenant as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantView {
    /// The tenant.
    pub tenant: Tenant,
    /// Its first verified domain. A child's domains are behind its own wall, and not shown to its parent.
    pub primary_domain: Option<DomainName>,
}

impl TenantView {
    /// A tenant with its own domains, in the order in which they were claimed.
    pub fn new(tenant: Tenant, domains: &[TenantDomain]) -> Self {
        let primary_domain =
            domains.iter().find(|domain| domain.verified_at.is_some()).map(|domain| domain.name.clone());
        Self { tenant, primary_domain }
    }

    fn of_child(tenant: Tenant) -> Self {
        Self { tenant, primary_domain: None }
    }
}
