//! What each tenant's policies compile to, in memory.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use curfew_domain::TenantId;
use curfew_policy::CompiledPolicies;
use curfew_store::{ReadUnit, Store, Versions};
use parking_lot::RwLock;

use super::labour::Labour;
use crate::AppError;
use crate::settings::TenantSettings;

/// How often policies are compiled for one request. Whose policies move more often meanwhile is told to try again.
const TRIES: usize = 5;

/// One for each tenant, made anew when the tenant's version has moved. Whatever is
/// written by one, the database is asked whether it stands, so a change is seen by the next request on every node.
#[derive(Debug, Default)]
pub struct Snapshots {
    tenants: RwLock<HashMap<TenantId, Arc<ArcSwapOption<Snapshot>>>>,
    /// The processor's work for policies.
    pub(crate) labour: Labour,
}

/// A tenant's policies and settings at one moment.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The tenant's version at that moment. Whoever writes on the strength of these policies sees whether it moved.
    pub version: u64,
    /// What the policies compile to.
    pub policies: Arc<CompiledPolicies>,
    /// The settings.
    pub settings: TenantSettings,
}

impl Snapshots {
    /// The tenant's policies and settings as they are now, and the unit that sees them so, with its versions. They are
    /// compiled while no unit is held.
    pub async fn current(
        &self,
        store: &Store,
        tenant: TenantId,
    ) -> Result<(ReadUnit, Versions, Arc<Snapshot>), AppError> {
        let place = self.place(tenant);
        for _ in 0..TRIES {
            let unit = store.tenant(tenant).read().await?;
            let versions = unit.versions().await?;
            if let Some(known) = place.load_full().filter(|known| known.version == versions.rules) {
                return Ok((unit, versions, known));
            }
            let rows = unit.policies_with_rules().await?;
            let settings = TenantSettings::load(&unit).await?;
            drop(unit);
            let policies = self.labour.of(tenant, move || CompiledPolicies::new(&rows)).await?;
            let snapshot = Snapshot { version: versions.rules, policies: Arc::new(policies), settings };
            place.store(Some(Arc::new(snapshot)));
        }
        Err(AppError::Unavailable {
            message: "the policies are changing all the time; try again",
            source: None,
        })
    }

    fn place(&self, tenant: TenantId) -> Arc<ArcSwapOption<Snapshot>> {
        if let Some(place) = self.tenants.read().get(&tenant) {
            return Arc::clone(place);
        }
        Arc::clone(self.tenants.write().entry(tenant).or_default())
    }
}
