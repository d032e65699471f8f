//! What happens to grants as their assignments come and go.

use curfew_domain::assignment::{Phase, Step};
use curfew_domain::audit::{AuditAction, NewEntry};
use curfew_domain::grant::GrantStatus;
use curfew_domain::session_end::SessionEndCause;
use curfew_domain::{GrantId, Timestamp};
use curfew_store::{AssignmentWork, LinkedGrant, WriteUnit};

use super::lease::Held;
use super::work::Went;
use super::{Reconciler, Target};
use crate::AppError;
use crate::grants::{end_sessions, end_sessions_left_over, grant_entry};
use crate::settings::TenantSettings;

/// What a grant says when AWS never came to have it in time.
const NOT_IN_TIME: &str = "the access was not created within 15 minutes of its decision";

/// What a grant says when AWS refused its assignment earlier, for another grant.
const REFUSED_BEFORE: &str = "AWS refused this assignment";

impl Reconciler {
    /// Writes what time and earlier work have done to the grants: missed starts, ends and those that are near, and
    /// successes of grants that joined an assignment that is there already. Says whether anything was written.
    pub(super) async fn note_time(
        &self,
        target: Target,
        held: Held,
        seen: &AssignmentWork,
    ) -> Result<bool, AppError> {
        let now = self.app.clock.now();
        if !seen.grants.iter().any(|grant| is_noteworthy(grant, succeeds(seen), now)) {
            return Ok(false);
        }
        let unit = self.app.store.tenant(target.tenant).write().await?;
        let Some(work) = unit.lock_assignment_work(target.assignment).await? else { return Ok(false) };
        // A former owner is refused.
        unit.save_observed(target.assignment, &work.observed, held.fence, now).await?;
        let (missed, others): (Vec<_>, Vec<_>) =
            work.grants.iter().partition(|grant| has_missed_its_start(grant, now));
        let (entries, ended) = self.note_ends(&unit, others.iter().copied(), now).await?;
        unit.record_all(entries, now, self.app.entropy.as_ref()).await?;
        let mut changed = !missed.is_empty() || !ended.is_empty();
        for grant in others {
            changed |= self.note_expiring(&unit, grant, now).await?;
        }
        self.fail_all(&unit, &missed, NOT_IN_TIME, now).await?;
        self.end_sessions_with(&unit, &ended, now).await?;
        // With the grants as they were before, it would write over what was noted.
        if !changed {
            changed = self.note_success(&unit, &work, now).await?;
        }
        unit.commit().await?;
        Ok(changed)
    }

    /// Time has ended some of them: said once of each. What is said, the caller records, and then ends the sessions of
    /// those whose ids come with it ([`Self::end_sessions_with`]).
    pub(super) async fn note_ends(
        &self,
        unit: &WriteUnit,
        grants: impl Iterator<Item = &LinkedGrant>,
        now: Timestamp,
    ) -> Result<(Vec<NewEntry>, Vec<GrantId>), AppError> {
        let (mut entries, mut ended) = (Vec::new(), Vec::new());
        for grant in grants.filter(|grant| has_ended_unnoted(grant, now)) {
            // One of several accounts comes with each of them.
            if !ended.contains(&grant.id) {
                entries.push(end_entry(grant));
                ended.push(grant.id);
            }
        }
        if !ended.is_empty() {
            unit.note_grant_ends(&ended, now).await?;
        }
        Ok((entries, ended))
    }

    /// Sessions of a grant whose time is up end by themselves. An emergency leaves nothing behind, nor does a grant that ended
    /// before, whose sessions could not be told from those of this one.
    pub(super) async fn end_sessions_with(
        &self,
        unit: &WriteUnit,
        ended: &[GrantId],
        now: Timestamp,
    ) -> Result<(), AppError> {
        // Asked first: of most tenants that is all there is to ask, for each end.
        if ended.is_empty() || !TenantSettings::load(unit).await?.end_sessions {
            return Ok(());
        }
        let mut emergencies = Vec::new();
        for grant in ended {
            if unit.was_emergency(*grant).await? {
                emergencies.push(*grant);
            }
        }
        end_sessions(&self.app, unit, &emergencies, SessionEndCause::BreakGlass, now).await?;
        end_sessions_left_over(&self.app, unit, ended, now).await
    }

    /// It ends soon: said once of each end, and not once it has ended.
    async fn note_expiring(
        &self,
        unit: &WriteUnit,
        grant: &LinkedGrant,
        now: Timestamp,
    ) -> Result<bool, AppError> {
        let expiring = is_expiring_unnoted(grant, now);
        if expiring {
            unit.note_grant_expiring(grant.id, now).await?;
            let entry = grant_entry(AuditAction::GrantExpiringSoon, grant.id, grant.grantee)
                .with("expires_at", grant.times.ends_at().to_string());
            self.record(unit, entry, now).await?;
        }
        Ok(expiring)
    }

    /// Grants all of whose assignments exist have succeeded. Says whether there was one.
    pub(super) async fn note_success(
        &self,
        unit: &WriteUnit,
        work: &AssignmentWork,
        now: Timestamp,
    ) -> Result<bool, AppError> {
        if !succeeds(work) {
            return Ok(false);
        }
        if work.observed.phase() == Phase::Standing {
            unit.mark_standing(work.id).await?;
        }
        let (mut changed, clock_is_right) = (false, self.app.check_deciding().is_ok());
        let awaiting = work.grants.iter().filter(|grant| awaits_success(grant, now));
        for grant in awaiting.filter(|grant| clock_is_right || !begins(grant, now)) {
            let phases = unit.phases_of_grant(grant.id).await?;
            if phases.into_iter().all(exists) {
                let times = grant.times.started(now);
                let times = if clock_is_right {
                    times.succeeded(now)
                } else {
                    times.succeeded_and_ends_as_written(now)
                };
                unit.save_grant_times(grant.id, &times, None, now).await?;
                self.record(unit, grant_entry(AuditAction::GrantActive, grant.id, grant.grantee), now)
                    .await?;
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
        for grant in work.grants.iter().filter(|grant| begins(grant, now)) {
            unit.save_grant_times(grant.id, &grant.times.started(now), None, now).await?;
        }
        Ok(())
    }

    /// Whether what would begin with a creation may begin now: by a clock that may be wrong, it could last too long.
    pub(super) fn may_begin(&self, work: &AssignmentWork, now: Timestamp) -> bool {
        !work.grants.iter().any(|grant| begins(grant, now)) || self.app.check_deciding().is_ok()
    }

    /// Everything that still needs this assignment fails.
    pub(super) async fn fail_grants(
        &self,
        unit: &WriteUnit,
        work: &AssignmentWork,
        reason: &str,
        now: Timestamp,
    ) -> Result<(), AppError> {
        let live: Vec<_> = work.grants.iter().filter(|grant| grant.times.is_live(now)).collect();
        self.fail_all(unit, &live, reason, now).await
    }

    /// A grant over several assignments fails whole: the others are taken back as well. Their due rows come after all of
    /// the grants, each once: two units that took them grant by grant could wait for each other.
    async fn fail_all(
        &self,
        unit: &WriteUnit,
        grants: &[&LinkedGrant],
        reason: &str,
        now: Timestamp,
    ) -> Result<(), AppError> {
        for grant in grants {
            unit.save_grant_times(grant.id, &grant.times.failed(now), Some(reason), now).await?;
            let entry = grant_entry(AuditAction::GrantFailed, grant.id, grant.grantee)
                .with_personal("reason", reason);
            self.record(unit, entry, now).await?;
        }
        let ids: Vec<_> = grants.iter().map(|grant| grant.id).collect();
        unit.touch_due_of_grants(&ids, now).await?;
        end_sessions(&self.app, unit, &ids, SessionEndCause::Failed, now).await
    }

    /// AWS refused this assignment for good before: what needs it now fails too.
    pub(super) async fn give_up(&self, target: Target, held: Held) -> Result<Went, AppError> {
        self.fail_if(target, held, REFUSED_BEFORE, |work, now| work.next_step(now) == Step::GiveUp).await
    }

    /// AWS knows nothing of what is to be assigned, and nothing was sent: what needs it fails at once, and says why.
    pub(super) async fn fail_what_waits(
        &self,
        target: Target,
        held: Held,
        reason: &str,
    ) -> Result<Went, AppError> {
        self.fail_if(target, held, reason, |work, _| work.observed.baseline.is_none()).await
    }

    async fn fail_if(
        &self,
        target: Target,
        held: Held,
        reason: &str,
        still_so: impl FnOnce(&AssignmentWork, Timestamp) -> bool,
    ) -> Result<Went, AppError> {
        let unit = self.app.store.tenant(target.tenant).write().await?;
        let Some(work) = unit.lock_assignment_work(target.assignment).await? else { return Ok(Went::On) };
        let now = self.app.clock.now();
        if still_so(&work, now) {
            unit.save_observed(target.assignment, &work.observed, held.fence, now).await?;
            self.fail_grants(&unit, &work, reason, now).await?;
            unit.commit().await?;
        }
        Ok(Went::On)
    }
}

fn end_entry(grant: &LinkedGrant) -> NewEntry {
    grant_entry(AuditAction::GrantExpired, grant.id, grant.grantee)
}

fn exists(phase: Phase) -> bool {
    matches!(phase, Phase::Present | Phase::Standing)
}

fn begins(grant: &LinkedGrant, now: Timestamp) -> bool {
    grant.times.is_live(now) && grant.times.started_at.is_none()
}

/// Whether grants that wait for it have it. What stands and is about to become Curfew's does not stay: it is not theirs as
/// standing access.
fn succeeds(work: &AssignmentWork) -> bool {
    let is_claimed = work.claim_wanted_at.is_some();
    exists(work.observed.phase()) && !(is_claimed && work.observed.phase() == Phase::Standing)
}

fn awaits_success(grant: &LinkedGrant, now: Timestamp) -> bool {
    grant.times.succeeded_at.is_none() && grant.times.is_live(now)
}

/// Not of one that has started and ended before that moment: AWS may have had it, and nobody saw.
fn has_missed_its_start(grant: &LinkedGrant, now: Timestamp) -> bool {
    let times = &grant.times;
    times.missed_its_start(now)
        && times.revoked_at.is_none()
        && (times.started_at.is_none() || times.status(now) == GrantStatus::Active)
}

/// One that failed before it ever started has said all there is to say.
fn has_ended_unnoted(grant: &LinkedGrant, now: Timestamp) -> bool {
    let never_began = grant.times.failed_at.is_some() && grant.times.started_at.is_none();
    grant.times.status(now) == GrantStatus::Expired && !grant.end_noted && !never_began
}

fn is_expiring_unnoted(grant: &LinkedGrant, now: Timestamp) -> bool {
    !grant.expiring_noted && grant.times.is_live(now) && grant.times.told_at().is_some_and(|at| now >= at)
}

/// Whether the assignment is to be deleted, and all that time has done to its grants is that they have ended.
pub(super) fn ends_alone(work: &AssignmentWork, now: Timestamp) -> bool {
    let phase = work.observed.phase();
    let more = |grant: &LinkedGrant| {
        has_missed_its_start(grant, now)
            || (exists(phase) && awaits_success(grant, now))
            || is_expiring_unnoted(grant, now)
    };
    work.next_step(now) == Step::Delete && !work.grants.iter().any(more)
}

fn is_noteworthy(grant: &LinkedGrant, succeeds: bool, now: Timestamp) -> bool {
    let succeeded = succeeds && awaits_success(grant, now);
    let turned = has_missed_its_start(grant, now) || has_ended_unnoted(grant, now);
    turned || succeeded || is_expiring_unnoted(grant, now)
}
