//! Tests that run now, for others who ask for the same.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use curfew_domain::TenantId;
use curfew_store::StoreError;
use futures::future::{BoxFuture, FutureExt, Shared, WeakShared};
use parking_lot::Mutex;

use super::run::Finished;

/// How long a whole test may take.
const WITHIN: Duration = Duration::from_secs(15);

/// What a run comes to; the database's refusal is shared by all who wait.
pub(super) type RunResult = Result<Arc<Finished>, Arc<StoreError>>;
type RunFuture = BoxFuture<'static, RunResult>;

/// The tests that run now on this node, one a tenant and saved version.
///
/// Whoever has joined one waits for it to the end, on a task of its own. One that has ended is never given to somebody who asks later.
pub struct TestRuns {
    running: Mutex<HashMap<TenantId, Running>>,
    within: Duration,
}

struct Running {
    version: u64,
    run: WeakShared<RunFuture>,
}

impl Default for TestRuns {
    fn default() -> Self {
        Self::within_at_most(WITHIN)
    }
}

impl TestRuns {
    /// With another measure of patience than 15 s.
    pub fn within_at_most(within: Duration) -> Self {
        Self { running: Mutex::default(), within }
    }

    pub(super) fn within(&self) -> Duration {
        self.within
    }

    /// The tenant's running test of this saved version, or else one that begins now.
    pub(super) fn join(
        &self,
        tenant: TenantId,
        version: u64,
        start: impl FnOnce() -> RunFuture,
    ) -> Shared<RunFuture> {
        let mut running = self.running.lock();
        running.retain(|_, one| one.run.upgrade().is_some_and(|run| run.peek().is_none()));
        let same = running.get(&tenant).filter(|one| one.version == version);
        if let Some(run) = same.and_then(|one| one.run.upgrade()) {
            return run;
        }
        let run = start().shared();
        // None only for a future that has ended, and this one has not begun.
        if let Some(weak) = run.downgrade() {
            running.insert(tenant, Running { version, run: weak });
        }
        run
    }
}
