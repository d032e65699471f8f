//! The audit log: read by people, sealed in the background, and its heads sent out of the database.

mod erased;
pub mod heads;
mod log;
mod seal;
mod walks;

pub use curfew_store::audit::verify::{Finding, Verification};
pub use curfew_store::audit::{AuditFilter, AuditRecord};
pub use erased::{end_of_erased, told_by_parent};
pub use log::{entry, list, verify};
pub use seal::seal_all;
pub use walks::AuditWalks;

use std::collections::BTreeSet;

use curfew_domain::TenantId;
use curfew_store::{Store, StoreError};

/// All tenants of the installation: the master and its children. None before the first run.
pub async fn all_tenants(store: &Store) -> Result<BTreeSet<TenantId>, StoreError> {
    let unwalled = store.unwalled().read().await?;
    let Some(master) = unwalled.installation().await?.master else { return Ok(BTreeSet::new()) };
    drop(unwalled);
    let ids = store.tenant(master).read().await?.tenant_ids().await?;
    Ok(ids.into_iter().chain([master]).collect())
}
