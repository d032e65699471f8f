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
//! - each connection has places of its own, so that one tenant's slow AWS holds nobody (`queue`);
//! - what one connection has to delete at once is written down in one piece (`together`);
//! - AWS's limits are kept to, and learned where they are lower; what is to be taken back goes first (`limiter`);
//! - what should be gone and is not is counted and told (`overdue`);
//! - what differs from what should be there is found and settled (`drift`);
//! - a deletion is tried without limit (`backoff`);
//! - AWS's sessions end with the access, where the tenant has chosen so (`sessions`).
//!
//! [`next_step`]: curfew_domain::assignment::next_step

mod access;
mod backoff;
mod calls;
mod claims;
mod drift;
mod exclusive;
mod grants;
pub(crate) mod lease;
mod limiter;
mod lists;
mod looks;
mod node;
mod overdue;
mod owner;
mod places;
mod polls;
mod pressure;
mod queue;
mod reach;
mod recover;
mod sessions;
mod tempo;
mod together;
mod turns;
mod work;

use std::sync::Arc;
use std::time::Duration;

use curfew_domain::{AssignmentId, Seconds, TenantId, Timestamp};
use curfew_store::{DueAssignment, StoreError};
use tokio::sync::mpsc::unbounded_channel;
use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::patience::in_time;
use crate::{App, with_causes};
pub use node::Node;
pub use recover::{NotRecovered, Recovered, Recovery, Unknown, recover};

use lease::Leases;
use limiter::{Limiters, Urgency};
use lists::{Asking, Lists};
pub(crate) use overdue::OVERDUE;
use places::Places;
use queue::{Begun, Queue};
use sessions::SessionsSeen;
use tempo::Tempo;
use turns::Turns;

/// How long the reconciler sleeps at most: what a lost nudge can cost.
pub(crate) const LONGEST_SLEEP: Duration = Duration::from_secs(2);

/// How long at least, when nothing happens meanwhile.
const SHORTEST_SLEEP: Duration = Duration::from_millis(10);

/// How long a row rests that could not be attended to.
const REST_MILLIS: i64 = 500;

/// How long a row may be attended to. Its calls to AWS end long before (8 s each, and one step makes one): what takes
/// longer waits for a database that has gone silent.
const LONGEST_ATTENTION: Duration = Duration::from_mins(2);

/// How many due rows are read at once, besides those that are known to be.
const BATCH: u16 = 256;

/// One node's reconciler.
pub struct Reconciler {
    app: Arc<App>,
    node: Node,
    concurrency: usize,
    watches_every: Option<Seconds>,
    leases: Arc<Leases>,
    turns: Turns,
    limiters: Arc<Limiters>,
    lists: Arc<Lists>,
    tempo: Tempo,
    seen: SessionsSeen,
}

impl Reconciler {
    /// A reconciler that works on at most `concurrency` assignments of one connection at once (`WORKER_CONCURRENCY`), on as
    /// many more that are being taken back, and on as many again that are about to be.
    pub fn new(app: Arc<App>, node: Node, concurrency: usize) -> Self {
        Self {
            app,
            node,
            concurrency: concurrency.max(1),
            watches_every: None,
            leases: Arc::default(),
            turns: Turns::default(),
            limiters: Arc::default(),
            lists: Arc::default(),
            tempo: Tempo::default(),
            seen: SessionsSeen::default(),
        }
    }

    /// Compares what is live with AWS besides, so often (`RECONCILIATION_INTERVAL`).
    #[must_use]
    pub fn watching(mut self, every: Seconds) -> Self {
        self.watches_every = Some(every);
        self
    }

    /// Works until `shutdown`, then hands its connections over.
    pub async fn run(self, shutdown: CancellationToken) {
        let this = Arc::new(self);
        let watch = async {
            if let Some(every) = this.watches_every {
                this.watch_for_drift(every, &shutdown).await;
            }
        };
        tokio::join!(
            this.keep_connections(&shutdown),
            this.work(&shutdown),
            this.end_sessions(&shutdown),
            watch
        );
        this.hand_over().await;
    }

    /// Renews its leases beside the work, however long a call to AWS takes.
    async fn keep_connections(&self, shutdown: &CancellationToken) {
        while !shutdown.is_cancelled() {
            let began = Instant::now();
            // Of a database that does not answer nothing more is asked: the next renewal is urgent.
            if self.take_connections().await {
                self.app.health.reconciler_is_alive(self.app.clock.now());
                self.app.nudge.work();
                self.measure().await;
            }
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = tokio::time::sleep_until(began + lease::RENEW_EVERY) => {}
                () = self.take_wanted_connections() => {}
            }
        }
    }

    /// Attends to what is due, several at once. What takes long keeps its own place, and nobody else.
    async fn work(self: &Arc<Self>, shutdown: &CancellationToken) {
        let mut queue = Queue::new(self.concurrency);
        // Each row is a task of its own: one that only this loop polled would keep its connection to the database and
        // its turn to write while the loop waits, perhaps for just those.
        let mut running = JoinSet::new();
        let (tell, mut attended) = unbounded_channel();
        let mut next = None;
        while !shutdown.is_cancelled() {
            if queue.reads_in(Instant::now()).is_some_and(|pause| pause.is_zero()) {
                next = self.read_what_is_due(&mut queue).await;
            }
            self.turns.called().into_iter().for_each(|called| queue.call(called));
            queue.wake(self.app.clock.now());
            while let Some(Begun { rows, preparing }) = queue.next(Instant::now()) {
                let this = Arc::clone(self);
                let places = Places::of(&rows, preparing, tell.clone());
                running.spawn(async move { this.attend_in_time(rows, places).await });
            }
            if next.is_some_and(|next| next <= self.app.clock.now()) {
                queue.mark_stale();
            }
            let sleep = self.until([next, queue.next_wake()]);
            let now = Instant::now();
            let sleep =
                [queue.reads_in(now), queue.relief_in(now)].into_iter().flatten().fold(sleep, Duration::min);
            tokio::select! {
                () = shutdown.cancelled() => {}
                Some(told) = attended.recv() => queue.hear(told),
                Some(ended) = running.join_next() => note_end(ended),
                () = self.app.nudge.work_wanted() => queue.mark_stale(),
                () = tokio::time::sleep(sleep) => queue.mark_stale(),
            }
            while let Some(ended) = running.try_join_next() {
                note_end(ended);
            }
            while let Ok(told) = attended.try_recv() {
                queue.hear(told);
            }
        }
        while running.join_next().await.is_some() {}
    }

    /// Attends to rows of one connection, but not for ever: whatever it waits for, they are still due.
    async fn attend_in_time(&self, rows: Vec<DueAssignment>, places: Places) {
        let attended = async {
            match rows[..] {
                [row] if !places.are_being_prepared() => {
                    places.give_back(row.assignment, self.attend(row).await);
                }
                _ => self.attend_together(&rows, &places).await,
            }
        };
        if tokio::time::timeout(LONGEST_ATTENTION, attended).await.is_err() {
            for row in places.give_all_back(Some(self.in_a_moment())) {
                tracing::warn!(tenant_id = %row.tenant, assignment_id = %row.assignment,
                    "attending to an assignment took too long; it is begun anew");
            }
        }
    }

    /// Answers when the next row after these is due.
    async fn read_what_is_due(&self, queue: &mut Queue) -> Option<Timestamp> {
        let limit = BATCH.saturating_add(u16::try_from(queue.known()).unwrap_or(u16::MAX));
        queue.forget_but(&self.leases.tenants());
        let began = Instant::now();
        let read = in_time(self.due(limit)).await;
        queue.note_reading(began.elapsed());
        match read {
            Ok((due, next)) => {
                let all = due.len() < usize::from(limit);
                queue.fill(due, all, Instant::now());
                if next.is_some_and(|next| next <= self.app.clock.now()) {
                    queue.mark_stale();
                }
                next
            }
            Err(error) => {
                tracing::warn!(error = with_causes(&error), "reconciler could not read what is due");
                tokio::time::sleep(Duration::from_millis(500)).await;
                queue.fill(Vec::new(), false, Instant::now());
                None
            }
        }
    }

    async fn due(&self, limit: u16) -> Result<(Vec<DueAssignment>, Option<Timestamp>), StoreError> {
        let (held, now) = (self.leases.held_at(Instant::now()), self.app.clock.now());
        let due = self.app.store.due_for(&held, now, limit).await?;
        Ok((due, self.app.store.next_due(&held, now).await?))
    }

    /// What operators watch: how much waits, and what should be gone.
    async fn measure(&self) {
        let now = self.app.clock.now();
        let (store, owned) = (&self.app.store, self.leases.tenants());
        // Counted by the database: it knows of those too that can't be loaded.
        set_gauge("curfew_revocations_overdue", in_time(store.owed_since(&owned, now - OVERDUE)).await);
        set_gauge("curfew_reconcile_backlog", in_time(store.backlog(&owned, now)).await);
    }

    /// What could not be done now is tried again soon, so that nothing spins.
    fn in_a_moment(&self) -> Timestamp {
        self.app.clock.now().plus_millis(REST_MILLIS)
    }

    fn asking(&self) -> Asking {
        Asking {
            app: Arc::clone(&self.app),
            limiters: Arc::clone(&self.limiters),
            lists: Arc::clone(&self.lists),
            leases: Arc::clone(&self.leases),
        }
    }

    /// How long to sleep until the first of these at most. What is due already has a place, or waits for one.
    fn until(&self, moments: [Option<Timestamp>; 2]) -> Duration {
        let now = self.app.clock.now();
        let next = moments.into_iter().flatten().filter(|next| *next > now).min();
        let until = next.map_or(LONGEST_SLEEP, |next| next.since(now));
        until.clamp(SHORTEST_SLEEP, LONGEST_SLEEP)
    }
}

fn set_gauge(name: &'static str, counted: Result<usize, StoreError>) {
    match counted {
        Ok(count) => metrics::gauge!(name).set(as_gauge(count)),
        Err(error) => {
            tracing::warn!(
                gauge = name,
                error = with_causes(&error),
                "reconciler could not count what is due"
            );
        }
    }
}

/// A task that attended to rows has ended. One that broke where nothing caught it breaks the loop too, which is begun
/// anew: its rows would count as under way for ever.
fn note_end(ended: Result<(), JoinError>) {
    if let Err(Ok(panic)) = ended.map_err(JoinError::try_into_panic) {
        std::panic::resume_unwind(panic);
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
