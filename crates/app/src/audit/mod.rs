//! The audit log: read by people, sealed in the background, and its heads sent out of the database.

pub mod heads;
mod log;
mod seal;

pub use curfew_store::audit::verify::{Finding, Verification};
pub use curfew_store::audit::{AuditFilter, AuditRecord};
pub use log::{entry, list, verify};
pub use seal::seal_all;

use curfew_domain::{Page, PageLimit, PageRequest, TenantId};
use curfew_store::{Store, StoreError};

/// All tenants of the installation: the master and its children. None before the first run.
pub async fn all_tenants(store: &Store) -> Result<Vec<TenantId>, StoreError> {
    let unwalled = store.unwalled().read().await?;
    let Some(master) = unwalled.installation().await?.master else { return Ok(Vec::new()) };
    drop(unwalled);
    let unit = store.tenant(master).read().await?;
    let mut request = PageRequest { limit: PageLimit::MAX, after: None };
    let mut tenants = vec![master];
    loop {
        let Page { items, next } = unit.tenants(&request).await?;
        tenants.extend(items.into_iter().map(|tenant| tenant.id).filter(|id| *id != master));
        let Some(next) = next else { return Ok(tenants) };
        request.after = Some(next);
    }
}
