//! One trial of a tenant at a time on this node.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use curfew_domain::TenantId;
use parking_lot::Mutex;
use tokio::sync::{Mutex as Turn, OwnedMutexGuard};

use crate::AppError;

/// How long somebody waits for the trial before theirs.
const PATIENCE: Duration = Duration::from_secs(5);

/// Each trial holds a draft in memory, which may be large: a tenant has only one beside the policies that decide.
#[derive(Debug, Default)]
pub(crate) struct Turns(Mutex<HashMap<TenantId, Arc<Turn<()>>>>);

impl Turns {
    /// The tenant's turn, until it is dropped. Who would wait long is told to come back.
    pub(in crate::policies) async fn take(&self, tenant: TenantId) -> Result<OwnedMutexGuard<()>, AppError> {
        let turn = Arc::clone(self.0.lock().entry(tenant).or_default());
        let come_back = |_| AppError::RateLimited { retry_after_seconds: PATIENCE.as_secs() };
        tokio::time::timeout(PATIENCE, turn.lock_owned()).await.map_err(come_back)
    }
}

#[cfg(test)]
mod tests {
    use curfew_domain::ErrorCode;
    use uuid::Uuid;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_tenant_waits_for_its_own_trial_and_not_for_ever() {
        let (turns, tenant) = (Turns::default(), |n| TenantId::from_uuid(Uuid::from_u128(n)));
        let first = turns.take(tenant(1)).await.unwrap();
        drop(turns.take(tenant(2)).await.unwrap());
        assert_eq!(turns.take(tenant(1)).await.unwrap_err().code(), ErrorCode::RateLimited);
        drop(first);
        drop(turns.take(tenant(1)).await.unwrap());
    }
}
