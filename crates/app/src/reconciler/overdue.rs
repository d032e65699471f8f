//! Access that should be gone and is not.

use std::collections::HashMap;

use curfew_domain::assignment::Phase;
use curfew_domain::{AssignmentId, Seconds, TenantId, Timestamp};
use curfew_store::AssignmentWork;
use parking_lot::Mutex;

use super::Target;

/// From here on somebody should look (product.md, "Signals").
const OVERDUE: Seconds = Seconds::of(5 * 60);

/// What this node is taking back, and since when it should be gone.
#[derive(Debug, Default)]
pub(super) struct Overdue(Mutex<HashMap<AssignmentId, Owed>>);

#[derive(Debug)]
struct Owed {
    tenant: TenantId,
    since: Timestamp,
    told: bool,
}

impl Overdue {
    /// Takes note of an assignment as it is at `now`. Says once of each that it is overdue.
    pub(super) fn note(&self, target: Target, work: &AssignmentWork, now: Timestamp) {
        let mut owed = self.0.lock();
        let Some(since) = owed_since(work, now) else {
            owed.remove(&target.assignment);
            return;
        };
        let entry =
            owed.entry(target.assignment).or_insert(Owed { tenant: target.tenant, since, told: false });
        entry.since = since;
        if now >= since + OVERDUE && !entry.told {
            entry.told = true;
            tracing::error!(
                tenant_id = %target.tenant, assignment_id = %target.assignment,
                overdue_seconds = now.seconds_since(since).get(), "access has ended and is not taken back yet"
            );
        }
    }

    /// Another node is asked about this tenant now.
    pub(super) fn forget(&self, tenant: TenantId) {
        self.0.lock().retain(|_, owed| owed.tenant != tenant);
    }

    /// How many are overdue at `now`.
    pub(super) fn count(&self, now: Timestamp) -> usize {
        self.0.lock().values().filter(|owed| now >= owed.since + OVERDUE).count()
    }
}

/// From when on what AWS may hold should be gone; none where it holds nothing of Curfew's.
pub(super) fn take_back_at(work: &AssignmentWork) -> Option<Timestamp> {
    let may_be_there = matches!(work.observed.phase(), Phase::Creating | Phase::Present | Phase::Deleting);
    work.grants.iter().map(|grant| grant.times.over_at()).max().filter(|_| may_be_there)
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
            grants: vec![LinkedGrant {
                id: GrantId::from_uuid(id),
                grantee: UserId::from_uuid(id),
                times: GrantTimes::decided(START, Seconds::of(600)).started(at(1)).succeeded(at(1)),
                end_noted: false,
            }],
        }
    }

    #[test]
    fn what_is_not_gone_five_minutes_after_its_end_is_overdue_until_it_is() {
        let (overdue, mut work) = (Overdue::default(), held());
        for (now, expected) in [(600, 0), (601, 0), (901, 1)] {
            overdue.note(target(), &work, at(now));
            assert_eq!(overdue.count(at(now)), expected, "{now}");
        }
        work.observed.gone(at(950));
        overdue.note(target(), &work, at(951));
        assert_eq!(overdue.count(at(951)), 0);
    }

    #[test]
    fn what_was_revoked_counts_from_then() {
        let (overdue, mut work) = (Overdue::default(), held());
        work.grants[0].times = work.grants[0].times.revoked(at(100)).unwrap();
        overdue.note(target(), &work, at(100));
        assert_eq!((overdue.count(at(399)), overdue.count(at(400))), (0, 1));
        overdue.forget(target().tenant);
        assert_eq!(overdue.count(at(400)), 0);
    }
}
