//! Owning connections: taking leases, renewing them, handing them over.

use std::collections::BTreeSet;
use std::time::Duration;

use curfew_domain::TenantId;
use tokio::time::Instant;

use super::Reconciler;
use super::lease::{Held, LASTS};
use crate::patience::in_time;
use crate::with_causes;

impl Reconciler {
    /// Renews the leases that this node holds and takes those that nobody holds and that have work. Says whether the
    /// database answered.
    pub(super) async fn take_connections(&self) -> bool {
        let mut answered = true;
        let mut tenants: BTreeSet<TenantId> = self.leases.tenants().into_iter().collect();
        match in_time(self.app.store.tenants_with_work()).await {
            Ok(found) => tenants.extend(found),
            Err(error) => {
                answered = false;
                tracing::warn!(error = with_causes(&error), "reconciler could not read whose work there is");
            }
        }
        for tenant in tenants {
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

    async fn take_connection(&self, tenant: TenantId) -> bool {
        let asked = Instant::now();
        match in_time(self.app.store.take_lease(tenant, self.node, LASTS)).await {
            Ok(Some(fence)) => self.leases.note(tenant, Held::given(fence, asked)),
            Ok(None) => {
                self.lose(tenant);
                self.leases.note_other(tenant, asked);
            }
            Err(error) => {
                tracing::warn!(%tenant, error = with_causes(&error), "lease could not be renewed");
                return false;
            }
        }
        true
    }

    /// Another node owns the connection now.
    pub(super) fn lose(&self, tenant: TenantId) {
        self.leases.drop(tenant);
        self.turns.forget(tenant);
        self.overdue.forget(tenant);
    }

    /// A graceful stop: the next owner need not wait for the leases to run out.
    pub(super) async fn hand_over(&self) {
        for tenant in self.leases.tenants() {
            self.lose(tenant);
            let released = self.app.store.release_lease(tenant, self.node);
            match tokio::time::timeout(Duration::from_secs(2), released).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    tracing::warn!(%tenant, error = with_causes(&error), "lease could not be handed over");
                }
                Err(_) => tracing::warn!(%tenant, "lease could not be handed over in time"),
            }
        }
    }
}
