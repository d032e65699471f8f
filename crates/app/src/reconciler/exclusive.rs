//! Permission sets that nobody but Curfew may assign to people: every direct assignment of one to a person is Curfew's.
//!
//! What was found there in the hour after a set was marked is told first, so that somebody can say that it is fine; from
//! then on it is removed, and what comes later is removed when it is found. Left alone is what somebody has accepted, what
//! a group has, and what a grant found there before the set was marked: that it stays was said to whoever had the grant.

use curfew_domain::assignment::Observed;
use curfew_domain::{AssignmentId, Drift, DriftOutcome, DriftPlace, Seconds, Timestamp};
use curfew_store::{AssignmentWork, ReadUnit};

use super::Reconciler;
use crate::AppError;

/// How long after a set was marked nothing is removed yet.
pub(super) const NOTICE: Seconds = Seconds::of(3_600);

/// For how long what somebody accepted may be missing from AWS's lists, which lag, and is still accepted.
const MAY_BE_MISSING: Seconds = Seconds::of(86_400);

/// Whether what is there of a set that was marked at `since` is removed by now.
pub(super) fn is_in_force(since: Timestamp, now: Timestamp) -> bool {
    now >= since + NOTICE
}

/// Whether somebody has looked at it, and is content.
pub(super) fn was_accepted(finding: &Drift) -> bool {
    finding.resolved.is_some()
        && matches!(finding.outcome, DriftOutcome::LeftAlone | DriftOutcome::ToBeRemoved)
}

/// The finding with which somebody has accepted access that lasts, or that AWS did not show for a while.
pub(super) async fn accepted(
    unit: &ReadUnit,
    place: &DriftPlace,
    now: Timestamp,
) -> Result<Option<Drift>, AppError> {
    let found = unit.lasting_drift_of(place, now - MAY_BE_MISSING).await?;
    Ok(found.into_iter().find(was_accepted))
}

/// Whether it was there, from elsewhere, when a grant looked before the set was marked; and Curfew has not taken it away
/// since.
pub(super) async fn stood_before(
    unit: &ReadUnit,
    assignment: AssignmentId,
    observed: &Observed,
    since: Timestamp,
) -> Result<bool, AppError> {
    let stands = observed.baseline.is_some_and(|baseline| baseline.present && baseline.at < since);
    Ok(stands || unit.stood_before(assignment, since, observed.gone_at).await?)
}

impl Reconciler {
    /// Whether access that an episode's first look finds is Curfew's all the same, so that it ends with what needs it now.
    pub(super) async fn is_exclusive(
        &self,
        unit: &ReadUnit,
        work: &AssignmentWork,
    ) -> Result<bool, AppError> {
        if work.observed.baseline.is_some() {
            return Ok(false);
        }
        let sets = unit.exclusive_sets(&work.key.instance).await?;
        let since = sets.get(&work.key.permission_set).copied();
        let now = self.app.clock.now();
        let Some(since) = since.filter(|since| is_in_force(*since, now)) else { return Ok(false) };
        let place = DriftPlace {
            instance: work.key.instance.clone(),
            account: work.key.account.clone(),
            permission_set: work.key.permission_set.clone(),
            principal: work.key.principal.clone(),
        };
        if accepted(unit, &place, now).await?.is_some() {
            return Ok(false);
        }
        Ok(!stood_before(unit, work.id, &work.observed, since).await?)
    }
}
