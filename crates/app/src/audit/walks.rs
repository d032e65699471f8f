//! Walks along audit chains that go on now, for others who ask for the same.

use std::collections::HashMap;
use std::sync::Arc;

use curfew_domain::TenantId;
use curfew_store::audit::verify::Verification;
use curfew_store::{Store, StoreError};
use futures::future::{BoxFuture, FutureExt, Shared, WeakShared};
use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tracing::Instrument;

/// What a walk comes to; the database's refusal is shared by all who wait.
type WalkResult = Result<Arc<Verification>, Arc<StoreError>>;
pub(super) type Walk = Shared<BoxFuture<'static, WalkResult>>;

/// The walks that go on now on this node, one a tenant.
///
/// Whoever asks meanwhile joins it. It goes on when nobody waits any more: a walk may take longer than a request, and
/// whoever comes back finds it further on. One that has ended is never given to somebody who asks later.
///
/// All of them together read one batch at a time, each in its turn: whatever is asked for, what lets people in and takes
/// access back has the database's other connections.
pub struct AuditWalks {
    running: Mutex<HashMap<TenantId, WeakShared<BoxFuture<'static, WalkResult>>>>,
    turns: Arc<Semaphore>,
}

impl Default for AuditWalks {
    fn default() -> Self {
        Self { running: Mutex::default(), turns: Arc::new(Semaphore::new(1)) }
    }
}

impl AuditWalks {
    /// The walk along the tenant's chain that goes on, or else one that begins now.
    pub(super) fn join(&self, store: &Store, tenant: TenantId) -> Walk {
        let mut running = self.running.lock();
        running.retain(|_, one| one.upgrade().is_some_and(|walk| walk.peek().is_none()));
        if let Some(walk) = running.get(&tenant).and_then(WeakShared::upgrade) {
            return walk;
        }
        let walk = walk(store.clone(), tenant, Arc::clone(&self.turns)).boxed().shared();
        // None only for a future that has ended, and this one has not begun.
        if let Some(weak) = walk.downgrade() {
            running.insert(tenant, weak);
        }
        tokio::spawn(walk.clone().in_current_span());
        walk
    }
}

async fn walk(store: Store, tenant: TenantId, turns: Arc<Semaphore>) -> WalkResult {
    store.seal(tenant).await?;
    let mut walk = store.tenant(tenant).walk_audit_by_kept_heads();
    loop {
        // Nobody closes it; and a turn that could not be had would only make it less fair.
        let _turn = turns.acquire().await;
        if let Some(found) = walk.step().await? {
            return Ok(Arc::new(found));
        }
    }
}
