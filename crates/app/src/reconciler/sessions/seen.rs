//! What this node remembers of each tenant's policies. It may forget all of it at any time.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use curfew_domain::{TenantId, Timestamp};
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::pace::Turns;

/// `UpdatePolicy`: 2 a second, and 3 at once (Organizations, "Quotas").
const BETWEEN_WRITES: Duration = Duration::from_millis(500);
const WRITES_AT_ONCE: u32 = 2;

/// What is remembered.
#[derive(Debug, Default)]
pub(in super::super) struct SessionsSeen(Mutex<HashMap<TenantId, Seen>>);

/// Policies as AWS was last seen to hold them, all as they should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Synced {
    /// By the names of those that reach the organization: what each says.
    pub(super) documents: BTreeMap<String, String>,
    /// When that was seen.
    pub(super) at: Timestamp,
}

#[derive(Debug)]
struct Seen {
    synced: Option<Synced>,
    failures: u32,
    held: usize,
    writes: Turns,
}

impl Seen {
    fn nothing() -> Self {
        let writes = Turns::begun(BETWEEN_WRITES, Instant::now()).having_saved(WRITES_AT_ONCE);
        Self { synced: None, failures: 0, held: 0, writes }
    }
}

impl SessionsSeen {
    fn of<T>(&self, tenant: TenantId, with: impl FnOnce(&mut Seen) -> T) -> T {
        with(self.0.lock().entry(tenant).or_insert_with(Seen::nothing))
    }

    pub(super) fn synced(&self, tenant: TenantId) -> Option<Synced> {
        self.of(tenant, |seen| seen.synced.clone())
    }

    /// All is as it should be.
    pub(super) fn note_synced(&self, tenant: TenantId, synced: Synced) {
        self.of(tenant, |seen| {
            seen.synced = Some(synced);
            seen.failures = 0;
        });
    }

    /// It is not, and has not been so many times in a row.
    pub(super) fn note_failure(&self, tenant: TenantId) -> u32 {
        self.of(tenant, |seen| {
            seen.synced = None;
            seen.failures = seen.failures.saturating_add(1);
            seen.failures - 1
        })
    }

    /// When the next write may be sent.
    pub(super) fn next_write(&self, tenant: TenantId) -> Instant {
        self.of(tenant, |seen| seen.writes.take(1, Instant::now()))
    }

    /// Takes note of how many are denied; answers how many that makes on this node.
    pub(super) fn note_held(&self, tenant: TenantId, held: usize) -> usize {
        self.of(tenant, |seen| seen.held = held);
        self.0.lock().values().map(|seen| seen.held).sum()
    }

    /// Another node is asked about this tenant now.
    pub(in super::super) fn forget(&self, tenant: TenantId) {
        self.0.lock().remove(&tenant);
    }
}
