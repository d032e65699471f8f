//! Looks: what AWS lists, and what it proves.

use curfew_aws::{Assignee, AwsError, AwsErrorKind};
use curfew_domain::Timestamp;
use curfew_domain::assignment::{Desired, Observed, Phase, Step, desired};
use curfew_domain::audit::AuditAction;
use curfew_store::{AssignmentWork, WriteUnit};

use super::calls::assignment_entry;
use super::lease::Held;
use super::limiter::{Urgency, WAITS};
use super::lists::{Listed, Wanted};
use super::work::Went;
use super::{Reconciler, Target};
use crate::AppError;

impl Reconciler {
    /// Lists who has the permission set in the account, and notes whether this person does.
    pub(super) async fn look(
        &self,
        target: Target,
        held: Held,
        work: &AssignmentWork,
    ) -> Result<Went, AppError> {
        let access = self.access(target.tenant, &work.key).await?;
        let leads_there =
            access.as_ref().is_some_and(|access| access.verified.saved.instance == work.key.instance);
        if work.observed.phase() == Phase::Gone && !leads_there {
            return self.look_no_more(target, held).await;
        }
        let Some(access) = access else { return Ok(self.wait_for_connection()) };
        let wanted = Wanted::of(&work.key, access.role, self.urgency(work));
        let urgency = wanted.urgency;
        let asked = self.asking();
        let listed = asked.list(wanted, held, self.decided_at(work));
        let listed = match urgency {
            Urgency::TakeBack | Urgency::Prove => listed.await,
            // It may have become more urgent meanwhile.
            _ => match tokio::time::timeout(WAITS, listed).await {
                Ok(listed) => listed,
                Err(_) => return Ok(Went::Wait(self.in_a_moment())),
            },
        };
        match listed {
            Listed::NoLease => Ok(Went::NoLease),
            Listed::At(asked_at, assignees) => {
                let present = assignees.contains(&Assignee::User(work.key.principal.clone()));
                self.looked(target, held, asked_at, present).await
            }
            // AWS does not know the permission set or the account: they were deleted, and what was assigned of them.
            Listed::Failed(asked_at, error)
                if error.kind == AwsErrorKind::NotFound && work.observed.deletion_was_sent() =>
            {
                self.looked(target, held, asked_at, false).await
            }
            Listed::Failed(_, error)
                if error.kind == AwsErrorKind::NotFound && work.observed.baseline.is_none() =>
            {
                self.fail_what_waits(target, held, &error.to_string()).await
            }
            Listed::Failed(_, error) => self.looked_in_vain(target, held, &error).await,
        }
    }

    /// What a list shows that was taken after all grants were decided that need the assignment, is what was there before
    /// it: then it may be one that was taken for somebody else. None where more depends on it than that.
    fn decided_at(&self, work: &AssignmentWork) -> Option<Timestamp> {
        let now = self.app.clock.now();
        let live = work.times().filter(|times| times.is_live(now));
        live.map(|times| times.decided_at).max().filter(|_| work.observed.baseline.is_none())
    }

    async fn looked_in_vain(&self, target: Target, held: Held, error: &AwsError) -> Result<Went, AppError> {
        self.could_not(target, held, error, Observed::looked_in_vain).await
    }

    /// What is gone is not looked for again once nothing leads there any more: the connection was given up, or led
    /// elsewhere, only after everything was gone.
    async fn look_no_more(&self, target: Target, held: Held) -> Result<Went, AppError> {
        let unit = self.app.store.tenant(target.tenant).write().await?;
        let Some(mut work) = unit.lock_assignment_work(target.assignment).await? else { return Ok(Went::On) };
        let now = self.app.clock.now();
        let times: Vec<_> = work.times().collect();
        if work.observed.phase() != Phase::Gone || desired(&times, now) != Desired::Absent {
            return Ok(self.wait_for_connection());
        }
        work.observed.end_episode();
        unit.save_observed(target.assignment, &work.observed, held.fence, now).await?;
        self.record(&unit, assignment_entry(AuditAction::AssignmentUnwatched, target, &work), now).await?;
        unit.commit().await?;
        Ok(Went::On)
    }

    async fn looked(
        &self,
        target: Target,
        held: Held,
        asked_at: Timestamp,
        present: bool,
    ) -> Result<Went, AppError> {
        let unit = self.app.store.tenant(target.tenant).write().await?;
        let Some(mut work) = unit.lock_assignment_work(target.assignment).await? else { return Ok(Went::On) };
        self.node.reach.answered(target.tenant);
        // Of what belongs to no episode nothing can reappear: it is somebody else's, or about to become Curfew's.
        let was_gone = work.observed.baseline.is_some() && work.observed.phase() == Phase::Gone;
        if present && self.is_exclusive(&unit, &work).await? {
            self.claimed(&unit, target, &mut work, asked_at).await?;
        } else {
            work.observed.looked(asked_at, present);
        }
        let now = self.app.clock.now();
        if work.claim_wanted_at.is_none() && work.next_step(now) == Step::ConcludeGone {
            self.gone(&unit, target, &mut work, now).await?;
        }
        unit.save_observed(target.assignment, &work.observed, held.fence, now).await?;
        if was_gone && present {
            self.reappeared(&unit, target, &work, now).await?;
        }
        self.note_success(&unit, &work, now).await?;
        unit.commit().await?;
        Ok(Went::On)
    }

    /// The deletion ended, after a list that shows none: it is gone.
    pub(super) async fn conclude_gone(&self, target: Target, held: Held) -> Result<Went, AppError> {
        let unit = self.app.store.tenant(target.tenant).write().await?;
        let Some(mut work) = unit.lock_assignment_work(target.assignment).await? else { return Ok(Went::On) };
        let now = self.app.clock.now();
        if work.next_step(now) != Step::ConcludeGone {
            return Ok(Went::On);
        }
        self.gone(&unit, target, &mut work, now).await?;
        unit.save_observed(target.assignment, &work.observed, held.fence, now).await?;
        unit.commit().await?;
        Ok(Went::On)
    }

    /// It is proved gone: what follows, but for saving what was observed.
    async fn gone(
        &self,
        unit: &WriteUnit,
        target: Target,
        work: &mut AssignmentWork,
        now: Timestamp,
    ) -> Result<(), AppError> {
        work.observed.gone(now);
        self.record(unit, assignment_entry(AuditAction::AssignmentGone, target, work), now).await?;
        unit.end_drift_of(target.assignment, now).await?;
        if let Some(ended) = work.times().map(|times| times.over_at()).max() {
            metrics::histogram!("curfew_expiry_lag_seconds").record(now.since(ended).as_secs_f64());
        }
        Ok(())
    }

    /// The last look after Gone was taken, or nothing was ever created: the next creation takes a new baseline.
    pub(super) async fn end_episode(&self, target: Target, held: Held) -> Result<Went, AppError> {
        let unit = self.app.store.tenant(target.tenant).write().await?;
        let Some(mut work) = unit.lock_assignment_work(target.assignment).await? else { return Ok(Went::On) };
        let now = self.app.clock.now();
        if work.next_step(now) == Step::EndEpisode {
            work.observed.end_episode();
            unit.save_observed(target.assignment, &work.observed, held.fence, now).await?;
            unit.commit().await?;
        }
        Ok(Went::On)
    }
}
