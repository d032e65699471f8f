//! What happens to grants as their assignments come and go.

use curfew_domain::assignment::Phase;
use curfew_domain::audit::{AuditAction, NewEntry};
use curfew_domain::grant::GrantStatus;
use curfew_domain::{Actor, Timestamp};
use curfew_store::{AssignmentWork, LinkedGrant, WriteUnit};

use super::lease::Held;
use super::work::Went;
use super::{Reconciler, Target};
use crate::AppError;

/// What a grant says when AWS never came to have it in time.
const NOT_IN_TIME: &str = "the access was not created within 15 minutes of its decision";

/// What a grant says when AWS refused its assignment earlier, for another grant.
const REFUSED_BEFORE: &str = "AWS refused this assignment";

impl Reconciler {
    /// Writes what time and earlier work have done to the grants: missed starts, ends, and successes of grants that
    /// joined an assignment that is there already. Says whether anything was written.
    pub(super) async fn note_time(
        &self,
        target: Target,
        _held: Held,
        seen: &AssignmentWork,
    ) -> Result<bool, AppError> {
        let now = self.app.clock.now();
        if !seen.grants.iter().any(|grant| is_noteworthy(grant, seen.observed.phase(), now)) {
            return Ok(false);
        }
        let unit = self.app.store.tenant(target.tenant).write().await?;
        let Some(work) = unit.lock_assignment_work(target.assignment).await? else { return Ok(false) };
        let mut changed = false;
        for grant in &work.grants {
            changed |= self.note_missed_start(&unit, grant, now).await?;
            changed |= self.note_end(&unit, grant, now).await?;
        }
        changed |= self.note_success(&unit, &work, now).await?;
        unit.commit().await?;
        Ok(changed)
    }

    async fn note_missed_start(
        &self,
        unit: &WriteUnit,
        grant: &LinkedGrant,
        now: Timestamp,
    ) -> Result<bool, AppError> {
        let missed = grant.times.missed_its_start(now) && grant.times.revoked_at.is_none();
        if missed {
            self.fail_grant(unit, grant, NOT_IN_TIME, now).await?;
        }
        Ok(missed)
    }

    /// Time has ended it: said once.
    async fn note_end(
        &self,
        unit: &WriteUnit,
        grant: &LinkedGrant,
        now: Timestamp,
    ) -> Result<bool, AppError> {
        let ended = grant.times.status(now) == GrantStatus::Expired && !grant.end_noted;
        if ended {
            unit.note_grant_end(grant.id, now).await?;
            self.record(unit, grant_entry(AuditAction::GrantExpired, grant), now).await?;
        }
        Ok(ended)
    }

    /// Grants all of whose assignments exist have succeeded. Says whether there was one.
    pub(super) async fn note_success(
        &self,
        unit: &WriteUnit,
        work: &AssignmentWork,
        now: Timestamp,
    ) -> Result<bool, AppError> {
        if !exists(work.observed.phase()) {
            return Ok(false);
        }
        if work.observed.phase() == Phase::Standing {
            unit.mark_standing(work.id).await?;
        }
        let mut changed = false;
        for grant in work.grants.iter().filter(|grant| awaits_success(grant, now)) {
            let phases = unit.phases_of_grant(grant.id).await?;
            if phases.into_iter().all(exists) {
                let times = grant.times.started(now).succeeded(now);
                unit.save_grant_times(grant.id, &times, None, now).await?;
                self.record(unit, grant_entry(AuditAction::GrantActive, grant), now).await?;
                changed = true;
            }
        }
        Ok(changed)
    }

    /// The first creation for these grants is about to be sent: their ends are written before it is.
    pub(super) async fn start_grants(
        &self,
        unit: &WriteUnit,
        work: &AssignmentWork,
        now: Timestamp,
    ) -> Result<(), AppError> {
        for grant in
            work.grants.iter().filter(|grant| grant.times.is_live(now) && grant.times.started_at.is_none())
        {
            unit.save_grant_times(grant.id, &grant.times.started(now), None, now).await?;
        }
        Ok(())
    }

    /// Everything that still needs this assignment fails.
    pub(super) async fn fail_grants(
        &self,
        unit: &WriteUnit,
        work: &AssignmentWork,
        reason: &str,
        now: Timestamp,
    ) -> Result<(), AppError> {
        for grant in work.grants.iter().filter(|grant| grant.times.is_live(now)) {
            self.fail_grant(unit, grant, reason, now).await?;
        }
        Ok(())
    }

    /// A grant over several assignments fails whole: the others are taken back as well.
    async fn fail_grant(
        &self,
        unit: &WriteUnit,
        grant: &LinkedGrant,
        reason: &str,
        now: Timestamp,
    ) -> Result<(), AppError> {
        unit.save_grant_times(grant.id, &grant.times.failed(now), Some(reason), now).await?;
        unit.touch_due_of_grant(grant.id, now).await?;
        let entry = grant_entry(AuditAction::GrantFailed, grant).with_personal("reason", reason);
        self.record(unit, entry, now).await
    }

    /// AWS refused this assignment for good before: what needs it now fails too.
    pub(super) async fn give_up(
        &self,
        target: Target,
        _held: Held,
        _work: &AssignmentWork,
    ) -> Result<Went, AppError> {
        let unit = self.app.store.tenant(target.tenant).write().await?;
        let Some(work) = unit.lock_assignment_work(target.assignment).await? else { return Ok(Went::On) };
        self.fail_grants(&unit, &work, REFUSED_BEFORE, self.app.clock.now()).await?;
        unit.commit().await?;
        Ok(Went::On)
    }
}

fn exists(phase: Phase) -> bool {
    matches!(phase, Phase::Present | Phase::Standing)
}

fn awaits_success(grant: &LinkedGrant, now: Timestamp) -> bool {
    grant.times.succeeded_at.is_none() && grant.times.is_live(now)
}

fn is_noteworthy(grant: &LinkedGrant, phase: Phase, now: Timestamp) -> bool {
    let missed = grant.times.missed_its_start(now) && grant.times.revoked_at.is_none();
    let ended = grant.times.status(now) == GrantStatus::Expired && !grant.end_noted;
    let succeeded = exists(phase) && awaits_success(grant, now);
    missed || ended || succeeded
}

fn grant_entry(action: AuditAction, grant: &LinkedGrant) -> NewEntry {
    NewEntry::new(Actor::System, action, "grant", grant.id).with("grantee_id", grant.grantee.to_string())
}
