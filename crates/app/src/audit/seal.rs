use curfew_store::{Store, StoreError};

use crate::round::Round;

/// Gives every entry that waits for it its place in its tenant's chain. Answers how many there were.
///
/// Any node may do this at any time: of two that seal the same tenant the second waits, and finds nothing left. A chain
/// that can't be continued holds up no other.
pub async fn seal_all(store: &Store) -> Result<u64, StoreError> {
    let unwalled = store.unwalled().read().await?;
    let waiting = unwalled.tenants_with_unsealed().await?;
    drop(unwalled);
    let (mut sealed, mut round) = (0, Round::new());
    for tenant in waiting {
        sealed += round.of(tenant, store.seal(tenant).await)?.unwrap_or_default();
    }
    metrics::counter!("curfew_audit_sealed_total").increment(sealed);
    round.end(sealed)
}
