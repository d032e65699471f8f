//! Makes AWS agree with the grants.
//!
//! It sleeps until the nearest due time and is woken by nudges; a lost nudge costs a short poll. It takes due rows
//! of the connections that this node owns, loads what is desired and observed, asks [`next_step`] what to do, does
//! that one thing, and writes back what came of it. It can die at any instruction: the row is still due.
//!
//! What holds at any time:
//! - at most one node acts on a connection, under a fenced lease (`lease`); a write by a former owner is refused;
//! - a call is written down before it is sent, so a crash leaves it unknown, never unwritten (`calls`);
//! - one change an account at a time, deletions before creations (`turns`);
//! - no tenant's slow AWS keeps another waiting (`queue`);
//! - what should be gone and is not is counted and told (`overdue`);
//! - a deletion is tried without limit (`backoff`).
//!
//! [`next_step`]: curfew_domain::assignment::next_step

mod access;
mod backoff;
mod calls;
mod grants;
mod lease;
mod looks;
mod overdue;
mod owner;
mod pace;
mod polls;
mod queue;
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
use overdue::Overdue;
use pace::Paces;
use queue::Queue;
use turns::Turns;

/// How long the reconciler sleeps at most: what a lost nudge can cost.
const LONGEST_SLEEP: Duration = Duration::from_secs(2);

/// How long at least, when nothing happens meanwhile.
const SHORTEST_SLEEP: Duration = Duration::from_millis(10);

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
    overdue: Overdue,
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
            overdue: Overdue::default(),
        }
    }

    /// Works until `shutdown`, then hands its connections over.
    pub async fn run(self, shutdown: CancellationToken) {
        tokio::join!(self.keep_connections(&shutdown), self.work(&shutdown));
        self.hand_over().await;
    }

    /// Renews its leases beside the work, however long a call to AWS takes.
    async fn keep_connections(&self, shutdown: &CancellationToken) {
        while !shutdown.is_cancelled() {
            let began = Instant::now();
            if self.take_connections().await {
                self.app.health.reconciler_is_alive(self.app.clock.now());
            }
            self.app.nudge.now();
            self.measure().await;
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = tokio::time::sleep_until(began + lease::RENEW_EVERY) => {}
            }
        }
    }

    /// Attends to what is due, several at once. What takes long keeps its own place, and nobody else.
    async fn work(&self, shutdown: &CancellationToken) {
        let mut queue = Queue::new(self.concurrency);
        let mut running = FuturesUnordered::new();
        while !shutdown.is_cancelled() {
            if queue.wants_rows(Instant::now()) {
                let due = beside(&mut running, &mut queue, self.due_now()).await;
                queue.fill(due, Instant::now());
            }
            while let Some(row) = queue.next() {
                running.push(async move { (row, self.attend(row).await) });
            }
            let sleep = beside(&mut running, &mut queue, self.until_next_due()).await;
            tokio::select! {
                () = shutdown.cancelled() => {}
                Some((row, worked)) = running.next() => queue.ended(row, worked, Instant::now()),
                () = self.app.nudge.wait() => queue.mark_stale(),
                () = tokio::time::sleep(sleep) => queue.mark_stale(),
            }
        }
        while running.next().await.is_some() {}
    }

    async fn due_now(&self) -> Vec<DueAssignment> {
        let held = self.leases.held_at(Instant::now());
        match self.app.store.due_for(&held, self.app.clock.now(), BATCH).await {
            Ok(due) => due,
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "reconciler could not read what is due"
                );
                tokio::time::sleep(Duration::from_millis(500)).await;
                Vec::new()
            }
        }
    }

    /// What operators watch: how much waits, and what should be gone.
    async fn measure(&self) {
        let now = self.app.clock.now();
        metrics::gauge!("curfew_revocations_overdue").set(as_gauge(self.overdue.count(now)));
        match self.app.store.backlog(&self.leases.tenants(), now).await {
            Ok(rows) => metrics::gauge!("curfew_reconcile_backlog").set(as_gauge(rows)),
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "reconciler could not count what is due"
                );
            }
        }
    }

    /// How long until the next row is due. What is due already has a place, or waits for one.
    async fn until_next_due(&self) -> Duration {
        let now = self.app.clock.now();
        match self.app.store.next_due(&self.leases.held_at(Instant::now()), now).await {
            Ok(Some(due)) => due.since(now).clamp(SHORTEST_SLEEP, LONGEST_SLEEP),
            _ => LONGEST_SLEEP,
        }
    }
}

/// Awaits something of the loop's own while the work goes on. Work that nobody polls keeps its connections to the
/// database and its turn to write, and what the loop itself waits for may be one of those.
async fn beside<W, T>(running: &mut FuturesUnordered<W>, queue: &mut Queue, own: impl Future<Output = T>) -> T
where
    W: Future<Output = (DueAssignment, bool)>,
{
    tokio::pin!(own);
    loop {
        tokio::select! {
            answer = &mut own => return answer,
            Some((row, worked)) = running.next() => queue.ended(row, worked, Instant::now()),
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a gauge is a floating point number, and no count comes near 2^52"
)]
fn as_gauge(count: usize) -> f64 {
    count as f64
}

/// Which assignment of which tenant, for logs and locks.
#[derive(Debug, Clone, Copy)]
struct Target {
    tenant: TenantId,
    assignment: AssignmentId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_goes_on_while_the_loop_waits_for_what_the_work_holds() {
        let (free, freed) = tokio::sync::oneshot::channel();
        let row = DueAssignment {
            tenant: TenantId::from_uuid(uuid::Uuid::from_u128(1)),
            assignment: AssignmentId::from_uuid(uuid::Uuid::from_u128(2)),
            due_at: curfew_domain::Timestamp::from_micros(0),
        };
        let work = async {
            tokio::task::yield_now().await;
            free.send("a connection").unwrap();
            (row, true)
        };
        let mut running = FuturesUnordered::from_iter([work]);
        let mut queue = Queue::new(1);
        let waited = beside(&mut running, &mut queue, freed);
        let got = tokio::time::timeout(Duration::from_secs(30), waited).await.expect("it goes on");
        assert_eq!(got.unwrap(), "a connection");
    }
}
