//! Waking the reconciler. A lost nudge costs a short poll, never a promise.

use std::sync::Arc;

use tokio::sync::Notify;

/// Wakes whoever waits for work on this node. Nudges that come while nobody waits are kept as one.
#[derive(Debug, Clone, Default)]
pub struct Nudge(Arc<Notify>);

impl Nudge {
    /// There may be something to do.
    pub fn now(&self) {
        self.0.notify_one();
    }

    /// Waits for the next nudge.
    pub async fn wait(&self) {
        self.0.notified().await;
    }
}
