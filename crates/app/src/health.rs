//! Whether this node's background work is alive.

use std::sync::atomic::{AtomicI64, Ordering};

use curfew_domain::{Seconds, Timestamp};

/// How long the reconciler may say nothing before this node counts as not ready.
const SILENCE: Seconds = Seconds::of(60);

/// What `/readyz` asks of this node. It is about the installation, never about one tenant's AWS.
#[derive(Debug, Default)]
pub struct Health {
    reconciler_seen: AtomicI64,
}

impl Health {
    /// The reconciler went round.
    pub fn reconciler_is_alive(&self, now: Timestamp) {
        self.reconciler_seen.store(now.micros(), Ordering::Relaxed);
    }

    /// Whether the reconciler went round lately.
    pub fn reconciler_alive_at(&self, now: Timestamp) -> bool {
        now < Timestamp::from_micros(self.reconciler_seen.load(Ordering::Relaxed)) + SILENCE
    }
}
