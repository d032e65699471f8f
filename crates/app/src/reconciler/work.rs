//! One due assignment, from reading it to writing back what came of it.

use std::panic::AssertUnwindSafe;

use curfew_domain::Timestamp;
use curfew_domain::assignment::{Desired, Step, desired, next_turn};
use curfew_store::{AssignmentWork, DueAssignment, StoreError};
use futures::FutureExt;
use tokio::time::Instant;

use super::grants::ends_alone;
use super::lease::Held;
use super::overdue::take_back_at;
use super::{Reconciler, Target, Urgency};
use crate::{AppError, with_causes};

/// How many steps of one assignment are taken in a row before others get their turn.
const STEPS_IN_A_ROW: u8 = 6;

/// How long an assignment waits for its account's turn before it asks again by itself: mostly it is called before.
const ASKS_AGAIN_MILLIS: i64 = 4_000;

/// What waits for a moment as near as this waits in memory: it stays due, and nothing is written for it.
const NEAR_MILLIS: i64 = 5_000;

/// How long a creation waits while the connection is suspended or not verified.
const SUSPENDED_PAUSE_MILLIS: i64 = 30_000;

/// How long a row waits that could not be attended to for a reason of our own.
const ERROR_PAUSE_MILLIS: i64 = 1_000;

/// How long one waits that broke the program.
const BROKEN_PAUSE_MILLIS: i64 = 60_000;

/// What attending to a row came to.
enum Advanced {
    /// What could be done now was done.
    Worked,
    /// The same, and there is more to do at this moment, which is near.
    Rests(Timestamp),
    /// The lease does not allow it.
    NoLease,
    /// A panic.
    Broke,
}

/// What a step came to.
pub(super) enum Went {
    /// Something changed: look at the assignment anew.
    On,
    /// A deletion was sent: it goes on at this moment, and leaves its place to others that are to be sent.
    Sent(Timestamp),
    /// Nothing more before this moment.
    Wait(Timestamp),
    /// Nothing more, until a grant changes.
    Done,
    /// The lease has too little left to call AWS, or another node has it: the row stays due.
    NoLease,
}

impl Reconciler {
    /// Attends to one due row until nothing can be done about it now. What fails stays due, and is logged. Says until when
    /// the row is to be left alone although it is due.
    pub(super) async fn attend(&self, due: DueAssignment) -> Option<Timestamp> {
        let target = Target { tenant: due.tenant, assignment: due.assignment };
        // One row that breaks the program's assumptions must not end what goes on for the others.
        let advanced = AssertUnwindSafe(self.advance(target)).catch_unwind().await.unwrap_or_else(|_| {
            metrics::counter!("curfew_background_faults_total", "loop" => "assignment").increment(1);
            Ok(Advanced::Broke)
        });
        match advanced {
            Ok(Advanced::Worked) => return None,
            Ok(Advanced::Rests(until)) => return Some(until),
            Ok(Advanced::NoLease) => {}
            Ok(Advanced::Broke) => {
                tracing::error!(
                    tenant_id = %target.tenant, assignment_id = %target.assignment,
                    "attending to an assignment broke; it is tried again in a minute"
                );
                self.put_off(due, BROKEN_PAUSE_MILLIS).await;
            }
            Err(AppError::Unavailable { source: Some(source), .. }) if is_fenced(source.as_ref()) => {
                tracing::info!(tenant_id = %target.tenant, "connection was taken over by another node");
                self.lose(target.tenant);
            }
            Err(error) => {
                tracing::warn!(
                    tenant_id = %target.tenant,
                    assignment_id = %target.assignment,
                    error = with_causes(&error),
                    "assignment could not be attended to"
                );
                self.put_off(due, ERROR_PAUSE_MILLIS).await;
            }
        }
        Some(self.in_a_moment())
    }

    async fn advance(&self, target: Target) -> Result<Advanced, AppError> {
        for _ in 0..STEPS_IN_A_ROW {
            let Some(held) = self.leases.held(target.tenant, Instant::now()) else {
                return Ok(Advanced::NoLease);
            };
            let Some(work) = self.load(target).await? else { return Ok(Advanced::Worked) };
            let is_claimed = work.claim_wanted_at.is_some();
            let went = if !is_claimed && ends_alone(&work, self.app.clock.now()) {
                self.end(target, held, &work).await?
            } else if self.note_all(target, held, &work).await? {
                Went::On
            } else if is_claimed {
                self.claim(target, held, &work).await?
            } else {
                self.step(target, held, &work).await?
            };
            match went {
                Went::On => {}
                Went::Sent(goes_on) => return Ok(Advanced::Rests(goes_on)),
                Went::Wait(until) => return self.settle(target, &work, Some(until)).await,
                Went::Done => return self.settle(target, &work, None).await,
                Went::NoLease => return Ok(Advanced::NoLease),
            }
        }
        Ok(Advanced::Worked)
    }

    /// Ends what only has to be taken back: that its grants have ended is written together with the deletion, which is
    /// not to wait for that. Where none was sent, it is written for itself, and so is that it is overdue.
    async fn end(&self, target: Target, held: Held, work: &AssignmentWork) -> Result<Went, AppError> {
        match self.step(target, held, work).await? {
            Went::Wait(_) | Went::Done if self.note_all(target, held, work).await? => Ok(Went::On),
            went => Ok(went),
        }
    }

    /// Says whether anything was written.
    async fn note_all(&self, target: Target, held: Held, work: &AssignmentWork) -> Result<bool, AppError> {
        Ok(self.note_time(target, held, work).await? || self.note_overdue(target, held, work).await?)
    }

    async fn step(&self, target: Target, held: Held, work: &AssignmentWork) -> Result<Went, AppError> {
        let now = self.app.clock.now();
        let went = match work.next_step(now) {
            Step::Look => self.look(target, held, work).await?,
            Step::Poll { kind, sent_at, aws_request_id } => {
                self.poll(target, held, work, kind, sent_at, &aws_request_id).await?
            }
            Step::Create => self.send_creation(target, held, work).await?,
            Step::Delete => self.send_deletion(target, held, work).await?,
            Step::GiveUp => self.give_up(target, held).await?,
            Step::ConcludeGone => self.conclude_gone(target, held).await?,
            Step::EndEpisode => self.end_episode(target, held).await?,
            Step::WaitUntil(until) => Went::Wait(until),
            Step::Done => Went::Done,
        };
        let times: Vec<_> = work.times().collect();
        let went = match (went, next_turn(&times, now)) {
            (Went::Wait(until), Some(turn)) => Went::Wait(until.min(turn)),
            (went, _) => went,
        };
        Ok(match went {
            // The clock may be found to be right at any time.
            Went::Wait(_) | Went::Done if !self.may_begin(work, now) => Went::Wait(self.in_a_moment()),
            went => went,
        })
    }
}

impl Reconciler {
    /// How urgent calls about an assignment are now, but for the deletion itself.
    pub(super) fn urgency(&self, work: &AssignmentWork) -> Urgency {
        let times: Vec<_> = work.times().collect();
        match desired(&times, self.app.clock.now()) {
            Desired::Absent => Urgency::Prove,
            Desired::Present { .. } => Urgency::Give,
        }
    }

    async fn load(&self, target: Target) -> Result<Option<AssignmentWork>, AppError> {
        let unit = self.app.store.tenant(target.tenant).read().await?;
        Ok(unit.assignment_work(target.assignment).await?)
    }

    /// Writes the next due time, unless somebody changed a grant meanwhile: then the row stays due.
    async fn settle(
        &self,
        target: Target,
        work: &AssignmentWork,
        due: Option<Timestamp>,
    ) -> Result<Advanced, AppError> {
        if let Some(near) = due.filter(|due| *due <= self.app.clock.now().plus_millis(NEAR_MILLIS)) {
            return Ok(Advanced::Rests(near));
        }
        let unit = self.app.store.tenant(target.tenant).write().await?;
        unit.settle_due(target.assignment, work.generation, due, take_back_at(work)).await?;
        unit.commit().await?;
        Ok(Advanced::Worked)
    }

    /// What could not be attended to, for a reason of our own, waits. It is not loaded for that: perhaps it can't be.
    async fn put_off(&self, due: DueAssignment, millis: i64) {
        let put_off = async {
            let unit = self.app.store.tenant(due.tenant).write().await?;
            unit.put_off_due(due, self.app.clock.now().plus_millis(millis)).await?;
            unit.commit().await
        };
        if let Err(error) = put_off.await {
            let error: StoreError = error;
            tracing::warn!(error = with_causes(&error), "due row could not be put off");
        }
    }

    pub(super) fn wait_for_turn(&self) -> Went {
        Went::Wait(self.app.clock.now().plus_millis(ASKS_AGAIN_MILLIS))
    }

    pub(super) fn wait_for_connection(&self) -> Went {
        Went::Wait(self.app.clock.now().plus_millis(SUSPENDED_PAUSE_MILLIS))
    }
}

pub(super) fn is_fenced(source: &(dyn std::error::Error + 'static)) -> bool {
    matches!(source.downcast_ref::<StoreError>(), Some(StoreError::Fenced))
}
