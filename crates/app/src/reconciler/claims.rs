//! Access in AWS that becomes Curfew's, though Curfew has not made it, or has forgotten that it did.

use curfew_aws::{Assignee, AwsErrorKind};
use curfew_domain::assignment::{Baseline, Desired, desired};
use curfew_domain::audit::AuditAction;
use curfew_domain::session_end::SessionEndCause;
use curfew_domain::{DriftOutcome, Timestamp};
use curfew_store::{AssignmentWork, Listable, WriteUnit};

use super::calls::assignment_entry;
use super::lease::Held;
use super::limiter::Urgency;
use super::lists::{Listed, Wanted};
use super::work::Went;
use super::{Reconciler, Target};
use crate::AppError;
use crate::grants::end_stray_sessions;

impl Reconciler {
    /// Looks what AWS holds now, and makes it Curfew's: then a live grant keeps it until it ends, and without one it is
    /// taken back. What is not there any more is nobody's.
    pub(super) async fn claim(
        &self,
        target: Target,
        held: Held,
        work: &AssignmentWork,
    ) -> Result<Went, AppError> {
        if work.observed.is_curfews() {
            return self.note_claim(target, held, None).await;
        }
        let Some(access) = self.access(target.tenant, &work.key).await? else {
            return Ok(self.wait_for_connection());
        };
        // It leads elsewhere by now: there is nothing to claim there.
        if access.verified.saved.instance != work.key.instance {
            return self.note_claim(target, held, None).await;
        }
        let wanted = Wanted::of(&work.key, access.role, Urgency::TakeBack);
        match self.asking().list(wanted, held, None).await {
            Listed::NoLease => Ok(Went::NoLease),
            Listed::At(asked_at, assignees) => {
                let present = assignees.contains(&Assignee::User(work.key.principal.clone()));
                self.note_claim(target, held, Some(Baseline { at: asked_at, present })).await
            }
            // The permission set or the account was deleted, and what was assigned of it.
            Listed::Failed(asked_at, error) if error.kind == AwsErrorKind::NotFound => {
                self.note_claim(target, held, Some(Baseline { at: asked_at, present: false })).await
            }
            Listed::Failed(_, error) => self.could_not_ask(target, held, &error).await,
        }
    }

    /// The wish is carried out: by what a list has shown, or because there is nothing to do for it.
    ///
    /// What that list does not show is over: lists lag, and what a later one shows is found, and can be removed, anew. What
    /// was to be a grant's that has failed meanwhile is left as it was, and found anew as well.
    async fn note_claim(&self, target: Target, held: Held, look: Option<Baseline>) -> Result<Went, AppError> {
        let unit = self.app.store.tenant(target.tenant).write().await?;
        let Some(mut work) = unit.lock_assignment_work(target.assignment).await? else { return Ok(Went::On) };
        let now = self.app.clock.now();
        let Some(wanted) = work.claim_wanted_at.take() else { return Ok(Went::On) };
        // Somebody may have wanted it anew since the list was asked for: that one is looked for anew. The clock of whoever
        // wants it may be ahead.
        if look.is_some_and(|look| look.at < wanted) {
            return Ok(Went::Wait(self.in_a_moment()));
        }
        let mut is_claimed = false;
        match look.filter(|_| !work.observed.is_curfews()) {
            Some(look) if look.present && !has_come_to_nothing(&work, wanted, now) => {
                self.claimed(&unit, target, &mut work, look.at).await?;
                is_claimed = true;
            }
            Some(_) => unit.end_drift_of(target.assignment, now).await?,
            None => {}
        }
        unit.clear_claim(target.assignment).await?;
        unit.save_observed(target.assignment, &work.observed, held.fence, now).await?;
        if is_claimed {
            // Of what a grant needs, none are asked to end.
            end_stray_sessions(&self.app, &unit, target.assignment, SessionEndCause::Unmanaged, now).await?;
        }
        self.note_success(&unit, &work, now).await?;
        unit.commit().await?;
        Ok(Went::On)
    }

    /// A list that was asked for at `seen` shows what is Curfew's from now on.
    pub(super) async fn claimed(
        &self,
        unit: &WriteUnit,
        target: Target,
        work: &mut AssignmentWork,
        seen: Timestamp,
    ) -> Result<(), AppError> {
        work.observed.claim(seen);
        unit.unmark_standing(work.id).await?;
        let now = self.app.clock.now();
        self.record(unit, assignment_entry(AuditAction::AssignmentClaimed, target, work), now).await?;
        let times: Vec<_> = work.times().collect();
        if desired(&times, now) != Desired::Absent {
            self.note_adopted(unit, work, now).await?;
        }
        Ok(())
    }

    /// What was found there is a grant's now.
    async fn note_adopted(
        &self,
        unit: &WriteUnit,
        work: &AssignmentWork,
        now: Timestamp,
    ) -> Result<(), AppError> {
        let place =
            Listable { account: work.key.account.clone(), permission_set: work.key.permission_set.clone() };
        let lasting = unit.lasting_drift_at(&work.key.instance, &place).await?;
        for found in lasting.iter().filter(|found| found.place.principal == work.key.principal) {
            unit.decide_drift(found.id, DriftOutcome::Adopted, Some(work.id)).await?;
            unit.end_drift(found.id, now).await?;
        }
        Ok(())
    }
}

/// Whether it was wanted for a grant that has failed since, before it began: AWS could not be asked in time. Whoever wanted
/// the access to last for a while did not ask for its removal.
fn has_come_to_nothing(work: &AssignmentWork, wanted: Timestamp, now: Timestamp) -> bool {
    let times: Vec<_> = work.times().collect();
    let failed = times.iter().any(|times| {
        let was_to_begin = times.decided_at <= wanted && times.started_at.is_none();
        was_to_begin && times.failed_at.is_some_and(|failed| failed > wanted)
    });
    failed && desired(&times, now) == Desired::Absent
}
