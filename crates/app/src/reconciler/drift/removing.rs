//! Access that somebody else gave where nobody but Curfew may: it is told, and removed.

use curfew_domain::assignment::AssignmentKey;
use curfew_domain::{AssignmentId, Drift, DriftKind, DriftOutcome, StorePrincipalId, Timestamp};
use curfew_store::WriteUnit;

use super::super::Reconciler;
use super::super::exclusive::{accepted, is_in_force, stood_before, was_accepted};
use super::Look;
use crate::AppError;

impl Reconciler {
    /// Tells of a person's access, or writes down that it is to be removed; the ordinary steps then do it. Says whether it
    /// is dealt with: the rest is reported, and left alone.
    pub(super) async fn remove_unmanaged(
        &self,
        look: &Look<'_>,
        principal: &StorePrincipalId,
        known: Option<&Drift>,
    ) -> Result<bool, AppError> {
        let Some(since) = look.exclusive_since else { return Ok(false) };
        if known.is_some_and(is_decided) {
            return Ok(false);
        }
        let now = self.app.clock.now();
        if known.is_some_and(|known| known.outcome == DriftOutcome::ToBeRemoved) && !is_in_force(since, now) {
            return Ok(true);
        }
        let unit = self.app.store.tenant(look.tenant).write().await?;
        // A pass takes long: others may assign it by now.
        let exclusive = unit.exclusive_sets(look.instance).await?;
        let Some(since) = exclusive.get(&look.place.permission_set).copied() else { return Ok(false) };
        let key = look.key(principal);
        let new = AssignmentId::new(now, self.app.entropy.as_ref());
        let assignment = unit.hold_assignment_to_change(new, &key, now).await?.id;
        let Some(work) = unit.lock_assignment_work(assignment).await? else { return Ok(false) };
        if work.observed.is_curfews() {
            return Ok(true);
        }
        // After the assignment, as everybody takes them; somebody may have settled it since it was read.
        let known = match known {
            Some(known) => unit.lock_drift(known.id).await?,
            None => None,
        };
        let known = known.as_ref();
        let stays = known.is_some_and(is_decided)
            || accepted(&unit, &look.access_of(principal), now).await?.is_some()
            || stood_before(&unit, assignment, &work.observed, since).await?;
        if stays {
            return Ok(false);
        }
        // A former owner is refused.
        unit.save_observed(assignment, &work.observed, look.held.fence, now).await?;
        let outcome = if is_in_force(since, now) {
            unit.want_removal(assignment, now).await?;
            DriftOutcome::Removed
        } else {
            DriftOutcome::ToBeRemoved
        };
        if known.is_none_or(|drift| drift.outcome != outcome) {
            self.keep_decision(&unit, look, principal, known, (outcome, assignment), now).await?;
        }
        unit.commit().await?;
        if outcome == DriftOutcome::Removed {
            self.app.nudge.about(look.tenant);
        }
        Ok(true)
    }

    /// What lasts is one finding, whatever is decided about it later.
    async fn keep_decision(
        &self,
        unit: &WriteUnit,
        look: &Look<'_>,
        principal: &StorePrincipalId,
        known: Option<&Drift>,
        (outcome, assignment): (DriftOutcome, AssignmentId),
        now: Timestamp,
    ) -> Result<(), AppError> {
        let mut finding = self.finding(look, principal, DriftKind::UnmanagedUser, now);
        finding.outcome = outcome;
        finding.assignment = Some(assignment);
        if let Some(known) = known {
            finding.id = known.id;
            unit.decide_drift(known.id, outcome, Some(assignment)).await?;
        } else if !unit.insert_drift(&finding).await? {
            return Ok(());
        }
        self.record(unit, super::differing::entry(&finding), now).await?;
        super::unmanaged::tell(look.tenant, &finding);
        Ok(())
    }
}

/// Whether nothing more is to be decided about it: somebody is content with it, it is being removed, or it is over.
fn is_decided(drift: &Drift) -> bool {
    was_accepted(drift) || drift.outcome == DriftOutcome::Removed || drift.over_at.is_some()
}

impl Look<'_> {
    /// A person's assignment here.
    fn key(&self, principal: &StorePrincipalId) -> AssignmentKey {
        AssignmentKey {
            instance: self.instance.clone(),
            region: self.region.clone(),
            identity_store: self.identity_store.clone(),
            account: self.place.account.clone(),
            permission_set: self.place.permission_set.clone(),
            principal: principal.clone(),
        }
    }
}
