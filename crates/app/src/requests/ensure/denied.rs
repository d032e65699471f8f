//! What policy has denied already. Tools make sure of access again and again: the same denial is told each time, and
//! recorded once an hour.

use curfew_domain::request::RequestStatus;
use curfew_domain::{AccessRequest, DoneBy, RequestId, Seconds, Timestamp};
use curfew_policy::{Decision, Outcome};
use curfew_store::ReadUnit;
use serde_json::Value;

use super::Place;
use crate::AppError;

/// For so long a denial speaks for the next one.
const SPEAKS_FOR: Seconds = Seconds::of(3_600);

/// The request by which the same was denied not long ago: asked for in the same words, and by the same rules in the same
/// versions.
pub(super) async fn denied_before(
    unit: &ReadUnit,
    place: &Place,
    request: &AccessRequest,
    decision: &Decision,
    now: Timestamp,
) -> Result<Option<RequestId>, AppError> {
    if !matches!(decision.outcome, Outcome::Denied { .. }) {
        return Ok(None);
    }
    let (account, set) = (&place.account, &place.permission_set);
    let last = unit.last_request_for(request.requester, account, set, now - SPEAKS_FOR).await?;
    let Some(last) = last.filter(|last| is_denied_alike(last, request)) else { return Ok(None) };
    let json = |value: Result<Value, serde_json::Error>| value.map_err(AppError::internal);
    let rules = json(serde_json::to_value(&decision.determining))?;
    let outcome = json(serde_json::to_value(&decision.outcome))?;
    let decisions = unit.decisions(last.id).await?;
    let same = decisions
        .first()
        .is_some_and(|before| before.rules == rules && before.trace.get("outcome") == Some(&outcome));
    Ok(same.then_some(last.id))
}

fn is_denied_alike(last: &AccessRequest, request: &AccessRequest) -> bool {
    last.decided_status == RequestStatus::Denied
        && last.decided_by == Some(DoneBy::System)
        && last.reason == request.reason
        && last.action == request.action
        && last.break_glass == request.break_glass
        && last.requested_duration == request.requested_duration
        && last.metadata == request.metadata
        && last.notices == request.notices
}
