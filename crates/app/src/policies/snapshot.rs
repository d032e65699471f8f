//! What each tenant's policies compile to, in memory.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use curfew_domain::TenantId;
use curfew_policy::CompiledPolicies;
use curfew_store::ReadUnit;
use parking_lot::RwLock;

use crate::AppError;

/// One compiled set for each tenant, made anew when the tenant's version has moved. Every use asks the database for
/// the version, so a change is seen by the next request on every node.
#[derive(Debug, Default)]
pub struct Snapshots {
    tenants: RwLock<HashMap<TenantId, Arc<ArcSwapOption<Snapshot>>>>,
}

#[derive(Debug)]
struct Snapshot {
    version: u64,
    policies: Arc<CompiledPolicies>,
}

impl Snapshots {
    /// The unit's tenant's policies as they are now.
    pub async fn current(&self, unit: &ReadUnit) -> Result<Arc<CompiledPolicies>, AppError> {
        let place = self.place(unit.tenant());
        // Read before the policies: what changes in between is then compiled under a version that has passed, and
        // compiled again for the next request, never missed.
        let version = unit.version().await?;
        if let Some(known) = place.load().as_ref().filter(|known| known.version == version) {
            return Ok(Arc::clone(&known.policies));
        }
        let rows = unit.policies_with_rules().await?;
        let compiling = tokio::task::spawn_blocking(move || CompiledPolicies::new(&rows));
        let policies = Arc::new(compiling.await.map_err(AppError::internal)?);
        place.store(Some(Arc::new(Snapshot { version, policies: Arc::clone(&policies) })));
        Ok(policies)
    }

    fn place(&self, tenant: TenantId) -> Arc<ArcSwapOption<Snapshot>> {
        if let Some(place) = self.tenants.read().get(&tenant) {
            return Arc::clone(place);
        }
        Arc::clone(self.tenants.write().entry(tenant).or_default())
    }
}
