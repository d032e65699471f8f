//! Ending grants before their time.

use curfew_domain::audit::{AuditAction, NewEntry};
use curfew_domain::grant::AlreadyEnded;
use curfew_domain::session_end::SessionEndCause;
use curfew_domain::{Actor, DoneBy, Grant, GrantId, Reason, Scope, Timestamp};
use curfew_store::{GrantView, RevokedGrant};

use crate::{App, AppError, Caller};

use super::read::visible;
use super::sessions::end_sessions;

/// Ends a grant now: one's own, or anybody's with the right to. AWS follows as soon as the reconciler gets there,
/// and without limit until it has.
pub async fn revoke(
    app: &App,
    caller: &Caller,
    id: GrantId,
    reason: Option<Reason>,
) -> Result<GrantView, AppError> {
    let unit = app.store.tenant(caller.tenant).write().await?;
    caller.stays(&unit).await?;
    let seen = visible(app, caller, &unit, id, Scope::GrantsDelete).await?;
    if seen.grant.grantee != caller.user {
        caller.require(Scope::GrantsDelete)?;
    }
    let grant = unit.lock_grant(id).await?.ok_or(AppError::NotFound("grant"))?;
    let now = app.now();
    let grant = revoked(grant, DoneBy::Person(caller.user), reason, now).map_err(ended_before)?;
    unit.save_revocation(&grant).await?;
    unit.touch_due_of_grant(id, now).await?;
    unit.record(entry(caller, &grant), app.now(), app.entropy.as_ref()).await?;
    end_sessions(app, &unit, &[id], SessionEndCause::Revoked, now).await?;
    let view = visible(app, caller, &unit, id, Scope::GrantsDelete).await?;
    unit.commit().await?;
    app.nudge.about(caller.tenant);
    Ok(view)
}

/// The grant, ended now by `by`.
pub(crate) fn revoked(
    grant: Grant,
    by: DoneBy,
    reason: Option<Reason>,
    now: Timestamp,
) -> Result<Grant, AlreadyEnded> {
    let times = grant.times.revoked(now)?;
    Ok(Grant { times, revoked_by: Some(by), revoke_reason: reason, updated_at: now, ..grant })
}

fn ended_before(problem: AlreadyEnded) -> AppError {
    AppError::InvalidState { message: problem.to_string(), state: problem.status.as_str().to_owned() }
}

/// What the log says of a grant that ended together with others.
pub(crate) fn revoked_entry(actor: Actor, revoked: &RevokedGrant, cause: &str) -> NewEntry {
    NewEntry::new(actor, AuditAction::GrantRevoked, "grant", revoked.grant)
        .with("grantee_id", revoked.grantee.to_string())
        .with("cause", cause)
}

fn entry(caller: &Caller, grant: &Grant) -> NewEntry {
    let entry = NewEntry::new(caller.actor, AuditAction::GrantRevoked, "grant", grant.id)
        .with("grantee_id", grant.grantee.to_string());
    match &grant.revoke_reason {
        Some(reason) => entry.with_personal("reason", reason.as_str()),
        None => entry,
    }
}
