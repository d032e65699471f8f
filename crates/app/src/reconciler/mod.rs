//! Makes AWS agree with the grants.
//!
//! It sleeps until the nearest due time and is woken by nudges; a lost nudge costs a short poll. It takes due rows
//! of the connections that this node owns, loads what is desired and observed, asks [`next_step`] what to do, does
//! that one thing, and writes back what came of it. It can die at any instruction: the row is still due.
//!
//! What holds at any time:
//! - at most one node acts on a connection, under a fenced lease (`lease`); a write by a former owner is refused;
//! - a call is written down before it is sent, so a crash leaves it unknown, never unwritten (`calls`);
//! - one change an account at a time (`turns`);
//! - a deletion is tried without limit (`backoff`).
//!
//! [`next_step`]: curfew_domain::assignment::next_step

mod access;
mod backoff;
mod calls;
mod grants;
mod lease;
mod looks;
mod owner;
mod pace;
mod turns;
mod work;

use std::sync::Arc;
use std::time::Duration;

use curfew_domain::{AssignmentId, NodeId, TenantId};
use curfew_store::DueAssignment;
use futures::stream::{FuturesUnordered, StreamExt};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::App;
use lease::Leases;
use pace::Paces;
use turns::Turns;

/// How long the reconciler sleeps at most: what a lost nudge can cost.
const LONGEST_SLEEP: Duration = Duration::from_secs(2);

/// How many due rows are read at once.
const BATCH: u16 = 256;

/// One node's reconciler.
pub struct Reconciler {
    app: Arc<App>,
    node: NodeId,
    concurrency: usize,
    leases: Leases,
    turns: Turns,
    paces: Paces,
}

impl Reconciler {
    /// A reconciler that works on at most `concurrency` assignments at once (`WORKER_CONCURRENCY`).
    pub fn new(app: Arc<App>, node: NodeId, concurrency: usize) -> Self {
        Self {
            app,
            node,
            concurrency: concurrency.max(1),
            leases: Leases::default(),
            turns: Turns::default(),
            paces: Paces::default(),
        }
    }

    /// Works until `shutdown`, then hands its connections over.
    pub async fn run(self, shutdown: CancellationToken) {
        let mut renew_at = Instant::now();
        while !shutdown.is_cancelled() {
            if Instant::now() >= renew_at {
                self.take_connections().await;
                renew_at = Instant::now() + lease::RENEW_EVERY;
            }
            let worked = self.pass(&shutdown, renew_at).await;
            self.app.health.reconciler_is_alive(self.app.clock.now());
            if !worked {
                self.sleep(&shutdown, renew_at).await;
            }
        }
        self.hand_over().await;
    }

    /// Attends to what is due now, several at once. Says whether there was anything.
    async fn pass(&self, shutdown: &CancellationToken, until: Instant) -> bool {
        let due = match self.due_now().await {
            Ok(due) => due,
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "reconciler could not read what is due"
                );
                tokio::time::sleep(Duration::from_millis(500)).await;
                return false;
            }
        };
        let worked = !due.is_empty();
        let mut waiting = in_turns(due).into_iter();
        let mut running = FuturesUnordered::new();
        loop {
            while running.len() < self.concurrency && !shutdown.is_cancelled() && Instant::now() < until {
                let Some(next) = waiting.next() else { break };
                running.push(self.attend(next));
            }
            if running.next().await.is_none() {
                return worked;
            }
        }
    }

    async fn due_now(&self) -> Result<Vec<DueAssignment>, curfew_store::StoreError> {
        let owned = self.leases.tenants();
        if owned.is_empty() {
            return Ok(Vec::new());
        }
        self.app.store.due_for(&owned, self.app.clock.now(), BATCH).await
    }

    /// Sleeps until the nearest due time, a nudge, or the next renewal.
    async fn sleep(&self, shutdown: &CancellationToken, renew_at: Instant) {
        let until_due = match self.app.store.next_due(&self.leases.tenants()).await {
            Ok(Some(due)) => due.since(self.app.clock.now()),
            _ => LONGEST_SLEEP,
        };
        let sleep = until_due.min(LONGEST_SLEEP).min(renew_at.saturating_duration_since(Instant::now()));
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = self.app.nudge.wait() => {}
            () = tokio::time::sleep(sleep) => {}
        }
    }
}

/// Tenants take turns: the first of each, then the second of each, and so on, each in the order of being due.
fn in_turns(due: Vec<DueAssignment>) -> Vec<DueAssignment> {
    let mut seen: std::collections::HashMap<TenantId, u32> = std::collections::HashMap::new();
    let mut ranked: Vec<(u32, DueAssignment)> = due
        .into_iter()
        .map(|row| {
            let rank = seen.entry(row.tenant).or_default();
            *rank += 1;
            (*rank, row)
        })
        .collect();
    ranked.sort_by_key(|(rank, row)| (*rank, row.due_at));
    ranked.into_iter().map(|(_, row)| row).collect()
}

/// Which assignment of which tenant, for logs and locks.
#[derive(Debug, Clone, Copy)]
struct Target {
    tenant: TenantId,
    assignment: AssignmentId,
}
