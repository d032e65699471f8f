//! Waking who waits for work on this node. A lost nudge costs a short poll, never a promise.

use std::collections::BTreeSet;
use std::sync::Arc;

use curfew_domain::TenantId;
use parking_lot::Mutex;
use tokio::sync::Notify;

/// Wakes whoever waits for work on this node. Nudges that come while nobody waits are kept as one.
#[derive(Debug, Clone, Default)]
pub struct Nudge(Arc<Nudges>);

#[derive(Debug, Default)]
struct Nudges {
    work: Notify,
    whose: Mutex<BTreeSet<TenantId>>,
    tenants: Notify,
    discovery: Notify,
    sessions: Notify,
    /// Whose connections this node owns: of those nobody else has to be told.
    owned: Mutex<BTreeSet<TenantId>>,
    outward: Mutex<BTreeSet<TenantId>>,
    tell: Notify,
}

impl Nudge {
    /// Something about a tenant's grants has changed, on this node.
    pub fn about(&self, tenant: TenantId) {
        self.heard(tenant);
        if !self.0.owned.lock().contains(&tenant) {
            self.0.outward.lock().insert(tenant);
            self.0.tell.notify_one();
        }
    }

    /// The same, on another node.
    pub(crate) fn heard(&self, tenant: TenantId) {
        self.0.whose.lock().insert(tenant);
        self.0.tenants.notify_one();
        self.work();
    }

    /// Waits until other nodes are to be told of some tenants.
    pub(crate) async fn to_tell_others(&self) -> BTreeSet<TenantId> {
        self.0.tell.notified().await;
        std::mem::take(&mut *self.0.outward.lock())
    }

    /// This node owns a tenant's connection now.
    pub(crate) fn owns(&self, tenant: TenantId) {
        self.0.owned.lock().insert(tenant);
    }

    /// It does no longer.
    pub(crate) fn owns_no_longer(&self, tenant: TenantId) {
        self.0.owned.lock().remove(&tenant);
    }

    /// This node may do more than before.
    pub(crate) fn work(&self) {
        self.0.work.notify_one();
        self.0.sessions.notify_one();
    }

    /// A tenant's AWS shall be read.
    pub(crate) fn discovery(&self) {
        self.0.discovery.notify_one();
    }

    /// Waits until there may be something due.
    pub(crate) async fn work_wanted(&self) {
        self.0.work.notified().await;
    }

    /// Waits until there may be sessions to end.
    pub(crate) async fn sessions_wanted(&self) {
        self.0.sessions.notified().await;
    }

    /// Waits until something of some tenants has changed, and says whose.
    pub(crate) async fn tenants_changed(&self) -> BTreeSet<TenantId> {
        self.0.tenants.notified().await;
        std::mem::take(&mut *self.0.whose.lock())
    }

    /// Waits until some tenant's AWS shall be read.
    pub(crate) async fn discovery_wanted(&self) {
        self.0.discovery.notified().await;
    }
}
