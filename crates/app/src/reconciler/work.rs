//! One due assignment, from reading it to writing back what came of it.

use curfew_domain::Timestamp;
use curfew_domain::assignment::{Step, desired, next_step, next_turn};
use curfew_store::{AssignmentWork, DueAssignment, StoreError};
use tokio::time::Instant;

use super::lease::Held;
use super::{Reconciler, Target};
use crate::AppError;

/// How many steps of one assignment are taken in a row before others get their turn.
const STEPS_IN_A_ROW: u8 = 6;

/// How long an assignment waits for its account's turn before it asks again.
const TURN_PAUSE_MILLIS: i64 = 250;

/// How long a creation waits while the connection is suspended or not verified.
const SUSPENDED_PAUSE_MILLIS: i64 = 30_000;

/// What a step came to.
pub(super) enum Went {
    /// Something changed: look at the assignment anew.
    On,
    /// Nothing more before this moment.
    Wait(Timestamp),
    /// The lease has too little left to call AWS, or another node has it: the row stays due.
    NoLease,
}

impl Reconciler {
    /// Attends to one due row until nothing can be done about it now. What fails stays due, and is logged.
    pub(super) async fn attend(&self, due: DueAssignment) {
        let target = Target { tenant: due.tenant, assignment: due.assignment };
        match self.advance(target).await {
            Ok(()) => {}
            Err(AppError::Unavailable { source: Some(source), .. }) if is_fenced(source.as_ref()) => {
                tracing::info!(tenant_id = %target.tenant, "connection was taken over by another node");
                self.lose(target.tenant);
            }
            Err(error) => {
                tracing::warn!(
                    tenant_id = %target.tenant,
                    assignment_id = %target.assignment,
                    error = &error as &dyn std::error::Error,
                    "assignment could not be attended to"
                );
                self.pause_after_error(target).await;
            }
        }
    }

    async fn advance(&self, target: Target) -> Result<(), AppError> {
        for _ in 0..STEPS_IN_A_ROW {
            let Some(held) = self.leases.held(target.tenant, Instant::now()) else { return Ok(()) };
            let Some(work) = self.load(target).await? else { return Ok(()) };
            let went = if self.note_time(target, held, &work).await? {
                Went::On
            } else {
                self.step(target, held, &work).await?
            };
            match went {
                Went::On => {}
                Went::Wait(until) => return self.settle(target, &work, Some(until)).await,
                Went::NoLease => return Ok(()),
            }
        }
        Ok(())
    }

    async fn step(&self, target: Target, held: Held, work: &AssignmentWork) -> Result<Went, AppError> {
        let now = self.app.clock.now();
        let times: Vec<_> = work.grants.iter().map(|grant| grant.times).collect();
        let step = next_step(desired(&times, now), &work.observed, now);
        let went = match step {
            Step::Look => self.look(target, held, work).await?,
            Step::Poll { kind, sent_at, aws_request_id } => {
                self.poll(target, held, work, kind, sent_at, &aws_request_id).await?
            }
            Step::Create => self.send_creation(target, held, work).await?,
            Step::Delete => self.send_deletion(target, held, work).await?,
            Step::GiveUp => self.give_up(target, held, work).await?,
            Step::ConcludeGone => self.conclude_gone(target, held, work).await?,
            Step::EndEpisode => self.end_episode(target, held, work).await?,
            Step::WaitUntil(until) => Went::Wait(until),
            Step::Done => return self.done(target, work).await,
        };
        Ok(match (went, next_turn(&times, now)) {
            (Went::Wait(until), Some(turn)) => Went::Wait(until.min(turn)),
            (went, _) => went,
        })
    }

    async fn done(&self, target: Target, work: &AssignmentWork) -> Result<Went, AppError> {
        self.settle(target, work, None).await?;
        Ok(Went::NoLease)
    }
}

impl Reconciler {
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
    ) -> Result<(), AppError> {
        let unit = self.app.store.tenant(target.tenant).write().await?;
        unit.settle_due(target.assignment, work.generation, due).await?;
        unit.commit().await?;
        Ok(())
    }

    /// What could not be attended to, for a reason of our own, waits a second, so that it does not spin.
    async fn pause_after_error(&self, target: Target) {
        let paused = async {
            let Some(work) = self.load(target).await? else { return Ok(()) };
            let until = self.app.clock.now().plus_millis(1_000);
            self.settle(target, &work, Some(until)).await
        };
        if let Err(error) = paused.await {
            let error: AppError = error;
            tracing::warn!(error = &error as &dyn std::error::Error, "due row could not be put off");
            tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        }
    }

    pub(super) fn wait_for_turn(&self) -> Went {
        Went::Wait(self.app.clock.now().plus_millis(TURN_PAUSE_MILLIS))
    }

    pub(super) fn wait_for_connection(&self) -> Went {
        Went::Wait(self.app.clock.now().plus_millis(SUSPENDED_PAUSE_MILLIS))
    }
}

fn is_fenced(source: &(dyn std::error::Error + 'static)) -> bool {
    matches!(source.downcast_ref::<StoreError>(), Some(StoreError::Fenced))
}
