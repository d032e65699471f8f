//! Whether this node is well: its database, its background work, its clock.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use curfew_domain::{Seconds, Timestamp};

use crate::{App, AppError};

/// How long the reconciler may say nothing before this node counts as not ready.
const SILENCE: Seconds = Seconds::of(60);

/// What `/readyz` asks of this node. It is about the installation, never about one tenant's AWS.
#[derive(Debug, Default)]
pub struct Health {
    reconciler_seen: AtomicI64,
    clock_is_ahead: AtomicBool,
    clock_disagrees: AtomicBool,
    only_answers: bool,
}

impl Health {
    /// The reconciler went round.
    pub fn reconciler_is_alive(&self, now: Timestamp) {
        self.reconciler_seen.store(now.micros(), Ordering::Relaxed);
    }

    /// Of a node that leaves assignments to others: it has no reconciler that could be silent.
    pub fn of_answering_node() -> Self {
        Self { only_answers: true, ..Self::default() }
    }

    /// Whether the reconciler went round lately, where there is one.
    pub fn reconciler_alive_at(&self, now: Timestamp) -> bool {
        self.only_answers
            || now < Timestamp::from_micros(self.reconciler_seen.load(Ordering::Relaxed)) + SILENCE
    }

    /// The clock that decides is far ahead of the wall's, or no more: the wall was set back by more than 5 minutes.
    pub fn clock_is_ahead(&self, ahead: bool) {
        self.clock_is_ahead.store(ahead, Ordering::Relaxed);
    }

    /// This machine's clock and the database's are far apart, or no more.
    pub fn clock_disagrees(&self, disagrees: bool) {
        self.clock_disagrees.store(disagrees, Ordering::Relaxed);
    }

    /// Whether nothing speaks against this node's clock.
    pub fn clock_is_right(&self) -> bool {
        !self.clock_is_ahead.load(Ordering::Relaxed) && !self.clock_disagrees.load(Ordering::Relaxed)
    }
}

impl App {
    /// Whether the database answers.
    pub async fn check_alive(&self) -> Result<(), AppError> {
        Ok(self.store.ping().await?)
    }

    /// Whether this node should be sent requests; if not, why.
    pub async fn check_ready(&self) -> Result<(), AppError> {
        self.check_alive().await?;
        self.check_migrated().await?;
        if !self.health.reconciler_alive_at(self.now()) {
            return Err(not_now("the reconciler of this node is silent"));
        }
        self.check_deciding()
    }

    async fn check_migrated(&self) -> Result<(), AppError> {
        let message = "the database does not have the migrations of this program";
        match self.store.pending_migrations().await {
            Ok(pending) if pending.is_empty() => Ok(()),
            Ok(_) => Err(not_now(message)),
            Err(source) => Err(AppError::Unavailable { message, source: Some(source.into()) }),
        }
    }

    /// Whether something new may be decided. Not while the clock is far off: what would be granted now could last too
    /// long by the clocks of other nodes, or once this one is set right. What ends, ends. To be asked after the time was
    /// read by which something is decided: a clock may leap whenever it is read.
    pub fn check_deciding(&self) -> Result<(), AppError> {
        if self.clock.has_leapt() {
            return Err(not_now(
                "the clock of this node has leapt forward; nothing new is decided until it is known to be right",
            ));
        }
        if !self.health.clock_is_right() {
            return Err(not_now("the clock of this node is wrong; nothing new is decided until it is right"));
        }
        Ok(())
    }
}

const fn not_now(message: &'static str) -> AppError {
    AppError::Unavailable { message, source: None }
}
