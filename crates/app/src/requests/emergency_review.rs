//! Looking at emergencies afterwards.

use curfew_domain::audit::{AuditAction, NewEntry};
use curfew_domain::emergency::{ReviewOutcome, ReviewWord};
use curfew_domain::{AccessRequest, Reason, RequestId, Scope};

use crate::{App, AppError, Caller};

use super::review::{Decider, check_independent};

/// The caller says whether there was need for an emergency. Once, by somebody who is as independent of the requester as
/// whoever approves has to be.
pub async fn review(
    app: &App,
    caller: &Caller,
    id: RequestId,
    outcome: ReviewOutcome,
    reasoning: Reason,
) -> Result<AccessRequest, AppError> {
    caller.require(Scope::RequestsApprove)?;
    let unit = app.store.tenant(caller.tenant).write().await?;
    caller.stays(&unit).await?;
    let mut request = unit.lock_request(id).await?.ok_or(AppError::NotFound("request"))?;
    let now = app.now();
    let decider = Decider::of(&unit, caller).await?;
    check_independent(&request, &decider.reviewer, now)?;
    let Some(owed) = &request.review else {
        return Err(AppError::InvalidState {
            message: "the request was not approved as an emergency, so no review is owed for it".to_owned(),
            state: request.status(now).as_str().to_owned(),
        });
    };
    let word = ReviewWord { outcome, reasoning: Some(reasoning.clone()), by: caller.user, at: now };
    let done = owed.given(word).map_err(|problem| AppError::InvalidState {
        message: problem.to_string(),
        state: owed.status().as_str().to_owned(),
    })?;
    request.review = Some(done);
    request.updated_at = now;
    unit.save_review(&request).await?;
    let entry = NewEntry::new(caller.actor, AuditAction::RequestReviewed, "request", request.id)
        .with("requester_id", request.requester.to_string())
        .with("outcome", outcome.as_str())
        .with_personal("reasoning", reasoning.as_str());
    unit.record(entry, app.now(), app.entropy.as_ref()).await?;
    unit.commit().await?;
    Ok(request)
}
