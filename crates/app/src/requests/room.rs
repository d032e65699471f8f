//! How much one person may have going. Who could pile up more than fits into one transaction could not be suspended.

use curfew_domain::request::RequestStatus;
use curfew_domain::{AccessRequest, Timestamp, UserId};
use curfew_store::ReadUnit;

use crate::AppError;

/// So many requests of one person may wait for a decision.
const MOST_PENDING: u64 = 100;

/// So many grants may one person have at a time.
const MOST_GRANTS: u64 = 1_000;

/// Refuses a request that would be one too many, in the unit that writes it.
pub(super) async fn check(unit: &ReadUnit, request: &AccessRequest, now: Timestamp) -> Result<(), AppError> {
    let full = match request.decided_status {
        RequestStatus::Pending => unit.pending_requests_of(request.requester, now).await? >= MOST_PENDING,
        RequestStatus::Approved => unit.open_grants_of(request.requester).await? >= MOST_GRANTS,
        RequestStatus::Denied | RequestStatus::Expired | RequestStatus::Cancelled => false,
    };
    if !full {
        return Ok(());
    }
    Err(AppError::conflict(match request.decided_status {
        RequestStatus::Pending => format!(
            "{MOST_PENDING} of your requests wait for a decision already: cancel some, or ask again when some are decided"
        ),
        _ => format!("you have {MOST_GRANTS} grants already: ask again when some have ended, or revoke some"),
    }))
}

/// Refuses a grant by hand that would be one too many for whoever gets it.
pub(super) async fn check_gift(unit: &ReadUnit, grantee: UserId) -> Result<(), AppError> {
    if unit.open_grants_of(grantee).await? < MOST_GRANTS {
        return Ok(());
    }
    Err(AppError::conflict(format!(
        "they have {MOST_GRANTS} grants already: revoke some, or wait until some have ended"
    )))
}
