//! Access that should be gone and is not.

use curfew_domain::assignment::Phase;
use curfew_domain::audit::AuditAction;
use curfew_domain::{Seconds, Timestamp};
use curfew_store::AssignmentWork;

use super::calls::assignment_entry;
use super::lease::Held;
use super::{Reconciler, Target};
use crate::AppError;

/// From here on somebody should look (product.md, "Signals").
pub(crate) const OVERDUE: Seconds = Seconds::of(5 * 60);

impl Reconciler {
    /// Tells once of each end that what it should have taken back may still be there, whichever node finds it. Says
    /// whether anything was written.
    pub(super) async fn note_overdue(
        &self,
        target: Target,
        held: Held,
        seen: &AssignmentWork,
    ) -> Result<bool, AppError> {
        if untold(seen, self.app.clock.now()).is_none() {
            return Ok(false);
        }
        let unit = self.app.store.tenant(target.tenant).write().await?;
        let Some(mut work) = unit.lock_assignment_work(target.assignment).await? else { return Ok(false) };
        let now = self.app.clock.now();
        let Some(since) = untold(&work, now) else { return Ok(false) };
        work.observed.told_overdue = Some(since);
        unit.save_observed(target.assignment, &work.observed, held.fence, now).await?;
        let entry =
            assignment_entry(AuditAction::RevocationOverdue, target, &work).with("since", since.to_string());
        self.record(&unit, entry, now).await?;
        unit.commit().await?;
        tracing::error!(
            tenant_id = %target.tenant, assignment_id = %target.assignment,
            overdue_seconds = now.seconds_since(since).get(), "access has ended and is not taken back yet"
        );
        Ok(true)
    }
}

/// Since when it should be gone, where that is overdue and was not told yet.
fn untold(work: &AssignmentWork, now: Timestamp) -> Option<Timestamp> {
    owed_since(work, now)
        .filter(|since| now >= *since + OVERDUE && work.observed.told_overdue != Some(*since))
}

/// From when on what AWS may hold should be gone; none where it holds nothing of Curfew's, nor what is to be.
pub(super) fn take_back_at(work: &AssignmentWork) -> Option<Timestamp> {
    let phase = work.observed.phase();
    let is_curfews = matches!(phase, Phase::Creating | Phase::Present | Phase::Deleting);
    let may_be_there = is_curfews || work.claim_wanted_at.is_some();
    let claimed = work.observed.claimed_at.into_iter().chain(work.claim_wanted_at);
    work.times().map(|times| times.over_at()).chain(claimed).max().filter(|_| may_be_there)
}

/// The same, once that moment has come.
fn owed_since(work: &AssignmentWork, now: Timestamp) -> Option<Timestamp> {
    take_back_at(work).filter(|at| *at <= now)
}

/// Whether something may be in AWS that should not be.
pub(super) fn is_owed(work: &AssignmentWork, now: Timestamp) -> bool {
    owed_since(work, now).is_some()
}

#[cfg(test)]
mod tests {
    use curfew_domain::assignment::{AssignmentKey, CallKind, CallOutcome, Observed};
    use curfew_domain::grant::GrantTimes;
    use curfew_domain::{AssignmentId, GrantId, UserId};
    use curfew_store::LinkedGrant;

    use super::*;

    const START: Timestamp = Timestamp::from_micros(1_000_000_000_000);

    fn at(seconds: u32) -> Timestamp {
        START + Seconds::of(seconds)
    }

    /// Created at 1 s for a grant of ten minutes.
    fn held() -> AssignmentWork {
        let id = "00000000-0000-7000-8000-000000000002".parse().unwrap();
        let mut observed = Observed::default();
        observed.looked(at(0), false);
        observed.sending(CallKind::Create, at(1));
        observed.answered(CallKind::Create, at(1), &CallOutcome::Succeeded, at(1));
        AssignmentWork {
            id: AssignmentId::from_uuid(id),
            key: AssignmentKey {
                instance: "arn:aws:sso:::instance/ssoins-1234567890abcdef".parse().unwrap(),
                region: "eu-central-1".parse().unwrap(),
                identity_store: "d-1234567890".parse().unwrap(),
                account: "123456789012".parse().unwrap(),
                permission_set: "arn:aws:sso:::permissionSet/ssoins-1234567890abcdef/ps-1234567890abcdef"
                    .parse()
                    .unwrap(),
                principal: "p-1".parse().unwrap(),
            },
            observed,
            generation: 1,
            claim_wanted_at: None,
            grants: vec![LinkedGrant {
                id: GrantId::from_uuid(id),
                grantee: UserId::from_uuid(id),
                times: GrantTimes::decided(START, Seconds::of(600)).started(at(1)).succeeded(at(1)),
                end_noted: false,
                expiring_noted: false,
            }],
        }
    }

    #[test]
    fn what_is_not_gone_five_minutes_after_its_end_is_told_to_be_overdue_once() {
        let mut work = held();
        for (now, expected) in [(600, None), (900, None), (901, Some(at(601)))] {
            assert_eq!(untold(&work, at(now)), expected, "{now}");
        }
        work.observed.told_overdue = Some(at(601));
        assert_eq!(untold(&work, at(902)), None);
        work.observed.gone(at(950));
        assert_eq!(untold(&work, at(951)), None);
    }

    #[test]
    fn what_was_revoked_counts_from_then() {
        let mut work = held();
        work.grants[0].times = work.grants[0].times.revoked(at(100)).unwrap();
        assert_eq!(untold(&work, at(399)), None);
        assert_eq!(untold(&work, at(400)), Some(at(100)));
    }
}
