//! What each tenant's policies compile to, in memory.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use curfew_domain::TenantId;
use curfew_policy::CompiledPolicies;
use curfew_store::Store;
use parking_lot::RwLock;

use super::labour::Labour;
use crate::AppError;

/// One compiled set for each tenant, made anew when the tenant's version has moved. Every use asks the database for
/// the version, so a change is seen by the next request on every node.
#[derive(Debug, Default)]
pub struct Snapshots {
    tenants: RwLock<HashMap<TenantId, Arc<ArcSwapOption<Snapshot>>>>,
    /// The processor's work for policies.
    pub(crate) labour: Labour,
}

/// A tenant's policies at one moment.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The tenant's version at that moment. Whoever writes on the strength of these policies sees whether it moved.
    pub version: u64,
    /// What they compile to.
    pub policies: Arc<CompiledPolicies>,
}

impl Snapshots {
    /// The tenant's policies as they are now, compiled without holding a unit.
    pub async fn current(&self, store: &Store, tenant: TenantId) -> Result<Arc<Snapshot>, AppError> {
        let place = self.place(tenant);
        let unit = store.tenant(tenant).read().await?;
        let version = unit.version().await?;
        if let Some(known) = place.load_full().filter(|known| known.version == version) {
            return Ok(known);
        }
        let rows = unit.policies_with_rules().await?;
        drop(unit);
        let policies = self.labour.of(tenant, move || CompiledPolicies::new(&rows)).await?;
        let snapshot = Arc::new(Snapshot { version, policies: Arc::new(policies) });
        place.store(Some(Arc::clone(&snapshot)));
        Ok(snapshot)
    }

    fn place(&self, tenant: TenantId) -> Arc<ArcSwapOption<Snapshot>> {
        if let Some(place) = self.tenants.read().get(&tenant) {
            return Arc::clone(place);
        }
        Arc::clone(self.tenants.write().entry(tenant).or_default())
    }
}
