//! Owning connections: taking leases, renewing them, handing them over.

use std::collections::BTreeSet;
use std::time::Duration;

use curfew_domain::TenantId;
use curfew_store::{Backend, StoreError};
use tokio::time::Instant;

use super::Reconciler;
use super::lease::{Held, LASTS};
use crate::patience::in_time;
use crate::with_causes;

impl Reconciler {
    /// Renews the leases that this node holds and takes those that nobody holds and that have work. Says whether the
    /// database answered.
    pub(super) async fn take_connections(&self) -> bool {
        self.renew_connections().await && self.take_free_connections().await
    }

    /// One that is not renewed has nothing due any more, or ran out.
    async fn renew_connections(&self) -> bool {
        let asked = Instant::now();
        let renewed = match in_time(self.app.store.renew_leases(self.node.id, LASTS)).await {
            Ok(renewed) => renewed,
            Err(error) => {
                tracing::warn!(error = with_causes(&error), "leases could not be renewed");
                return false;
            }
        };
        let mut over: BTreeSet<TenantId> = self.leases.tenants().into_iter().collect();
        for (tenant, fence) in renewed {
            over.remove(&tenant);
            self.own(tenant, Held::given(fence, asked));
        }
        for tenant in over {
            self.lose(tenant);
        }
        true
    }

    async fn take_free_connections(&self) -> bool {
        let free = match in_time(self.app.store.tenants_without_owner(self.node.id)).await {
            Ok(free) => free,
            Err(error) => {
                tracing::warn!(error = with_causes(&error), "reconciler could not read whose work there is");
                return false;
            }
        };
        let mut answered = true;
        for tenant in free {
            answered &= self.take_connection(tenant).await;
        }
        answered
    }

    /// Takes the connections of tenants that something has changed for, and that nobody owns yet: what they wait for
    /// should not wait for the next renewal too. Never ends.
    pub(super) async fn take_wanted_connections(&self) {
        loop {
            for tenant in self.app.nudge.tenants_changed().await {
                if self.leases.may_be_free(tenant, Instant::now()) && self.take_connection(tenant).await {
                    self.app.nudge.work();
                }
            }
        }
    }

    pub(super) async fn take_connection(&self, tenant: TenantId) -> bool {
        if self.node.reach.keeps_away(tenant, self.app.clock.now()) {
            return true;
        }
        let asked = Instant::now();
        match in_time(self.app.store.take_lease(tenant, self.node.id, LASTS)).await {
            Ok(Some(fence)) => self.own(tenant, Held::given(fence, asked)),
            Ok(None) => {
                self.lose(tenant);
                self.leases.note_other(tenant, asked);
            }
            Err(error) => {
                tracing::warn!(
                    tenant_id = %tenant, error = with_causes(&error), "lease could not be taken"
                );
                return false;
            }
        }
        true
    }

    fn own(&self, tenant: TenantId, held: Held) {
        self.leases.note(tenant, held);
        self.app.nudge.owns(tenant);
    }

    /// Another node owns the connection now.
    pub(super) fn lose(&self, tenant: TenantId) {
        self.app.nudge.owns_no_longer(tenant);
        self.leases.forget(tenant);
        self.turns.forget(tenant);
        self.limiters.forget(tenant);
        self.lists.forget(tenant);
        self.tempo.forget(tenant);
        self.overdue.forget(tenant);
    }

    /// A call to AWS came to nothing. When that goes on for long, and others may do better, the connection is theirs.
    pub(super) async fn came_to_nothing(&self, tenant: TenantId) {
        let alone = self.app.store.backend() == Backend::Sqlite;
        if alone || !self.node.reach.failed(tenant, self.app.clock.now()) {
            return;
        }
        tracing::error!(tenant_id = %tenant, "AWS can't be worked with from this node: the connection is handed over");
        self.lose(tenant);
        self.within_moments(self.app.store.release_lease(tenant, self.node.id)).await;
    }

    /// A graceful stop: the next owner need not wait for the leases to run out.
    pub(super) async fn hand_over(&self) {
        for tenant in self.leases.tenants() {
            self.lose(tenant);
        }
        self.within_moments(self.app.store.release_leases(self.node.id)).await;
    }

    async fn within_moments(&self, released: impl Future<Output = Result<(), StoreError>>) {
        match tokio::time::timeout(Duration::from_secs(2), released).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(error = with_causes(&error), "a lease could not be handed over");
            }
            Err(_) => tracing::warn!("a lease could not be handed over in time"),
        }
    }
}
