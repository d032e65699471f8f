//! Access in an emergency: who may ask for it, what is owed for it, and who hears of it.

use curfew_domain::audit::{AuditAction, NewEntry};
use curfew_domain::emergency::Review;
use curfew_domain::request::ApprovalMode;
use curfew_domain::{AccessRequest, Scope, Seconds, TenantId, Timestamp};

use super::NewRequest;
use crate::{AppError, Caller};

const NO_REASON: &str = "an emergency needs a reason: somebody will ask for it afterwards";

/// Refuses an emergency of somebody who may not ask for one, or who doesn't say why.
///
/// Where a second factor is enrolled a fresh one belongs here too.
pub(super) fn check(caller: &Caller, wanted: &NewRequest) -> Result<(), AppError> {
    if !wanted.break_glass {
        return Ok(());
    }
    caller.require(Scope::RequestsBreakGlass)?;
    if wanted.reason.is_none() {
        return Err(AppError::field("reason", NO_REASON));
    }
    Ok(())
}

/// What is owed for a request that is approved so.
pub(super) fn review_of(mode: Option<ApprovalMode>, now: Timestamp) -> Option<Review> {
    (mode == Some(ApprovalMode::BreakGlass)).then(|| Review::owed_since(now))
}

/// What the log says of a request that was approved as an emergency: all channels and all admins are told of it.
pub(super) fn alert(caller: &Caller, request: &AccessRequest) -> Option<NewEntry> {
    let review = request.review.as_ref()?;
    Some(
        NewEntry::new(caller.actor, AuditAction::RequestBreakGlass, "request", request.id)
            .with("requester_id", request.requester.to_string())
            .with("resource_type", request.resource.kind().as_str())
            .with("resource_id", request.resource.id())
            .with("permission_set_arn", request.permission_set.as_str())
            .with("duration_seconds", request.duration.map(Seconds::get))
            .with("grant_id", request.grant.map(|id| id.to_string()))
            .with("review_due_at", review.due_at.to_string()),
    )
}

/// Tells operators of an emergency whose request is written.
pub(super) fn tell(tenant: TenantId, request: &AccessRequest) {
    if request.review.is_none() {
        return;
    }
    metrics::counter!("curfew_break_glass_total").increment(1);
    tracing::error!(
        tenant_id = %tenant, request_id = %request.id, user_id = %request.requester, resource = %request.resource,
        "access was given in an emergency, without approval"
    );
}
