//! Access that should be gone and is not.

use std::collections::HashMap;

use curfew_domain::assignment::Phase;
use curfew_domain::{AssignmentId, Seconds, TenantId, Timestamp};
use curfew_store::AssignmentWork;
use parking_lot::Mutex;

use super::Target;

/// From here on somebody should look (product.md, "Signals").
pub(super) const OVERDUE: Seconds = Seconds::of(5 * 60);

/// What was told to be overdue, so that it is told once.
#[derive(Debug, Default)]
pub(super) struct Overdue(Mutex<HashMap<AssignmentId, TenantId>>);

impl Overdue {
    /// Takes note of an assignment as it is at `now`. Says once of each that it is overdue.
    pub(super) fn note(&self, target: Target, work: &AssignmentWork, now: Timestamp) -> bool {
        let mut told = self.0.lock();
        let Some(since) = owed_since(work, now).filter(|since| now >= *since + OVERDUE) else {
            told.remove(&target.assignment);
            return false;
        };
        if told.insert(target.assignment, target.tenant).is_some() {
            return false;
        }
        tracing::error!(
            tenant_id = %target.tenant, assignment_id = %target.assignment,
            overdue_seconds = now.seconds_since(since).get(), "access has ended and is not taken back yet"
        );
        true
    }

    /// Another node is asked about this tenant now.
    pub(super) fn forget(&self, tenant: TenantId) {
        self.0.lock().retain(|_, owner| *owner != tenant);
    }
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
    use curfew_domain::{GrantId, UserId};
    use curfew_store::LinkedGrant;

    use super::*;

    const START: Timestamp = Timestamp::from_micros(1_000_000_000_000);

    fn at(seconds: u32) -> Timestamp {
        START + Seconds::of(seconds)
    }

    fn target() -> Target {
        let id = "00000000-0000-7000-8000-000000000001".parse().unwrap();
        Target { tenant: TenantId::from_uuid(id), assignment: AssignmentId::from_uuid(id) }
    }

    /// Created at 1 s for a grant of ten minutes.
    fn held() -> AssignmentWork {
        let id = "00000000-0000-7000-8000-000000000002".parse().unwrap();
        let mut observed = Observed::default();
        observed.looked(at(0), false);
        observed.sending(CallKind::Create, at(1));
        observed.answered(CallKind::Create, at(1), &CallOutcome::Succeeded, at(1));
        AssignmentWork {
            id: target().assignment,
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
        let (overdue, mut work) = (Overdue::default(), held());
        for (now, expected) in [(600, false), (900, false), (901, true), (902, false)] {
            assert_eq!(overdue.note(target(), &work, at(now)), expected, "{now}");
        }
        overdue.forget(target().tenant);
        assert!(overdue.note(target(), &work, at(903)), "another node, or this one again, tells it anew");
        work.observed.gone(at(950));
        assert!(!overdue.note(target(), &work, at(951)));
    }

    #[test]
    fn what_was_revoked_counts_from_then() {
        let (overdue, mut work) = (Overdue::default(), held());
        work.grants[0].times = work.grants[0].times.revoked(at(100)).unwrap();
        assert!(!overdue.note(target(), &work, at(399)));
        assert!(overdue.note(target(), &work, at(400)));
    }
}
