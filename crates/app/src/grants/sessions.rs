//! Ending AWS's sessions together with grants.

use curfew_domain::audit::{AuditAction, NewEntry};
use curfew_domain::session_end::{SessionEndCause, SessionEndOutcome};
use curfew_domain::{Actor, AssignmentId, GrantId, LockdownOf, Timestamp};
use curfew_store::{AskedEnd, RevokedGrant, WriteUnit};

use crate::settings::TenantSettings;
use crate::{App, AppError};

/// Decides that the sessions of these grants, which have ended, end too, where the tenant has chosen that. In the unit that
/// ends the grants, after they and their due rows are written: between the two no session can be minted unseen.
pub(crate) async fn end_sessions(
    app: &App,
    unit: &WriteUnit,
    grants: &[GrantId],
    cause: SessionEndCause,
    now: Timestamp,
) -> Result<(), AppError> {
    if grants.is_empty() || !TenantSettings::load(unit).await?.end_sessions {
        return Ok(());
    }
    let asked = unit.ask_session_ends(grants, cause, now, app.entropy.as_ref()).await?;
    record(app, unit, &asked, cause, now).await
}

/// The same of all that `covered` covers, where somebody or something is to have no access any more: also of access that
/// had ended before, and whose sessions could live on. `grants` are those that end with it.
pub(crate) async fn end_all_sessions(
    app: &App,
    unit: &WriteUnit,
    covered: &LockdownOf,
    grants: &[RevokedGrant],
    now: Timestamp,
) -> Result<(), AppError> {
    if !TenantSettings::load(unit).await?.end_sessions {
        return Ok(());
    }
    let cause = SessionEndCause::TakenBack;
    let ended: Vec<_> = grants.iter().map(|grant| grant.grant).collect();
    let asked = unit.ask_session_ends_of_all(covered, &ended, cause, now, app.entropy.as_ref()).await?;
    record(app, unit, &asked, cause, now).await
}

/// The same of access that time has ended now, and that these grants gave: where it also came from one that somebody had
/// revoked, that had failed, or that was an emergency's, and they needed it still.
pub(crate) async fn end_sessions_left_over(
    app: &App,
    unit: &WriteUnit,
    grants: &[GrantId],
    now: Timestamp,
) -> Result<(), AppError> {
    if grants.is_empty() || !TenantSettings::load(unit).await?.end_sessions {
        return Ok(());
    }
    let cause = SessionEndCause::Revoked;
    let asked = unit.ask_session_ends_left_over(grants, cause, now, app.entropy.as_ref()).await?;
    record(app, unit, &asked, cause, now).await
}

/// The same of access that no grant needs, and that is there all the same: it came back, or Curfew never gave it. To be
/// called after what AWS holds of it is written.
pub(crate) async fn end_stray_sessions(
    app: &App,
    unit: &WriteUnit,
    assignment: AssignmentId,
    cause: SessionEndCause,
    now: Timestamp,
) -> Result<(), AppError> {
    if !TenantSettings::load(unit).await?.end_sessions {
        return Ok(());
    }
    let asked = unit.ask_session_end_of(assignment, cause, now, app.entropy.as_ref()).await?;
    record(app, unit, &asked, cause, now).await
}

async fn record(
    app: &App,
    unit: &WriteUnit,
    asked: &[AskedEnd],
    cause: SessionEndCause,
    now: Timestamp,
) -> Result<(), AppError> {
    let log = asked.iter().map(|end| entry(end, cause)).collect();
    Ok(unit.record_all(log, now, app.entropy.as_ref()).await?)
}

fn entry(end: &AskedEnd, cause: SessionEndCause) -> NewEntry {
    NewEntry::new(Actor::System, AuditAction::SessionsEndAsked, "assignment", end.assignment)
        .with("account_id", end.key.account.as_str())
        .with("permission_set_arn", end.key.permission_set.as_str())
        .with("principal_id", end.key.principal.as_str())
        .with("cause", cause.as_str())
        .with("cannot", end.cannot.map(SessionEndOutcome::as_str))
}
