//! Taking requests back.

use curfew_domain::audit::{AuditAction, NewEntry};
use curfew_domain::request::RequestEvent;
use curfew_domain::{AccessRequest, DoneBy, RequestId, Scope, Timestamp};

use crate::{App, AppError, Caller};

use super::read::visible;
use super::review::decided_before;

/// The requester takes it back.
pub async fn cancel(app: &App, caller: &Caller, id: RequestId) -> Result<AccessRequest, AppError> {
    caller.require(Scope::RequestsCreate)?;
    let unit = app.store.tenant(caller.tenant).write().await?;
    let locked = unit.lock_request(id).await?.ok_or(AppError::NotFound("request"))?;
    let request = visible(caller, locked)?;
    if request.requester != caller.user {
        return Err(AppError::forbidden("only the requester can take a request back"));
    }
    let now = app.now();
    let request = cancelled(request, DoneBy::Person(caller.user), now)?;
    unit.save_decided_request(&request).await?;
    let entry = NewEntry::new(caller.actor, AuditAction::RequestCancelled, "request", request.id)
        .with("requester_id", request.requester.to_string());
    unit.record(entry, app.now(), app.entropy.as_ref()).await?;
    unit.commit().await?;
    Ok(request)
}

fn cancelled(request: AccessRequest, by: DoneBy, now: Timestamp) -> Result<AccessRequest, AppError> {
    let status = request.status(now).on(RequestEvent::Cancelled).map_err(decided_before)?;
    Ok(AccessRequest {
        decided_status: status,
        decided_by: Some(by),
        decided_at: Some(now),
        updated_at: now,
        ..request
    })
}
