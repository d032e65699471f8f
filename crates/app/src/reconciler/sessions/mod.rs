//! Ending AWS's sessions: keeps what the organization's policies deny as it should be.
//!
//! A loop of its own, beside what creates and deletes: neither waits for the other. What is to be denied is read whole from
//! the database each time, with what became of the access behind it; the policies are rendered from that, compared with
//! what AWS holds, and replaced where they differ. So it can end at any instruction, and is safe to repeat.

mod pass;
mod plan;
mod seen;
mod told;
mod written;

use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use curfew_domain::{TenantId, Timestamp};
use curfew_store::{DueSessions, StoreError};
use futures::FutureExt;
use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Reconciler;
use super::work::is_fenced;
use crate::patience::in_time;
use crate::{AppError, with_causes};

pub(super) use seen::SessionsSeen;

/// How many tenants' policies are attended to at once.
const TENANTS_AT_ONCE: usize = 16;

/// Nudges come for much besides: so long they are gathered.
const AFTER_A_NUDGE: Duration = Duration::from_millis(50);

/// How long one waits that could not be attended to for a reason of our own.
const ERROR_PAUSE_MILLIS: i64 = 1_000;

impl Reconciler {
    /// Ends sessions until `shutdown`, of the connections that this node owns.
    pub(super) async fn end_sessions(self: &Arc<Self>, shutdown: &CancellationToken) {
        let (mut running, mut busy) = (JoinSet::new(), HashSet::new());
        while !shutdown.is_cancelled() {
            let owned = self.leases.held_at(Instant::now());
            let due = self.due_sessions(&owned).await;
            let now = self.app.clock.now();
            for one in due.iter().filter(|one| one.due_at <= now) {
                if busy.len() < TENANTS_AT_ONCE && busy.insert(one.tenant) {
                    let (this, one) = (Arc::clone(self), *one);
                    running.spawn(async move { (one.tenant, this.attend_sessions(one).await) });
                }
            }
            let next = due.iter().map(|one| one.due_at).find(|at| *at > now);
            tokio::select! {
                () = shutdown.cancelled() => {}
                Some(ended) = running.join_next() => note_end(&mut busy, ended),
                () = self.app.nudge.sessions_wanted() => tokio::time::sleep(AFTER_A_NUDGE).await,
                () = tokio::time::sleep(self.until([next, None])) => {}
            }
        }
        while running.join_next().await.is_some() {}
    }

    async fn due_sessions(&self, owned: &[TenantId]) -> Vec<DueSessions> {
        in_time(self.app.store.due_sessions(owned)).await.unwrap_or_else(|error| {
            tracing::warn!(error = with_causes(&error), "whose sessions end could not be read");
            Vec::new()
        })
    }

    /// Attends to one tenant's session ends. What fails stays due, and is logged.
    async fn attend_sessions(&self, due: DueSessions) {
        let passed = AssertUnwindSafe(self.sessions_pass(due)).catch_unwind().await;
        let next = match passed {
            Ok(Ok(next)) => next,
            Ok(Err(AppError::Unavailable { source: Some(source), .. })) if is_fenced(source.as_ref()) => {
                tracing::info!(tenant_id = %due.tenant, "connection was taken over by another node");
                return self.lose(due.tenant);
            }
            Ok(Err(error)) => {
                tracing::warn!(tenant_id = %due.tenant, error = with_causes(&error), "sessions could not be ended");
                Some(self.app.clock.now().plus_millis(ERROR_PAUSE_MILLIS))
            }
            Err(_) => {
                metrics::counter!("curfew_background_faults_total", "loop" => "sessions").increment(1);
                tracing::error!(tenant_id = %due.tenant, "ending sessions broke; it is tried again in a minute");
                Some(self.app.clock.now().plus_millis(60_000))
            }
        };
        if let Err(error) = self.settle_sessions(due, next).await {
            tracing::warn!(tenant_id = %due.tenant, error = with_causes(&error), "session ends could not be put off");
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    async fn settle_sessions(&self, due: DueSessions, next: Option<Timestamp>) -> Result<(), StoreError> {
        let unit = self.app.store.tenant(due.tenant).write().await?;
        unit.settle_sessions(due.generation, next).await?;
        unit.commit().await
    }
}

fn note_end(busy: &mut HashSet<TenantId>, ended: Result<(TenantId, ()), JoinError>) {
    if let Ok((tenant, ())) = ended {
        busy.remove(&tenant);
        return;
    }
    // Whose it was is not known any more: to attend to one twice does no harm.
    metrics::counter!("curfew_background_faults_total", "loop" => "sessions").increment(1);
    busy.clear();
}
