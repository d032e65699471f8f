use curfew_domain::audit::{AuditAction, NewEntry};
use curfew_domain::{DoneBy, Lockdown, LockdownId, LockdownOf, Reason, Scope, Timestamp};
use curfew_store::{LockdownInForce, RevokedGrant, WriteUnit};
use serde_json::{Map, Value};

use crate::grants::{end_all_sessions, revoked_entry};
use crate::roles::Giver;
use crate::{App, AppError, Caller, Made, Once};

/// So many lockdowns are in force at a time: each decision looks at all of them.
const MOST_IN_FORCE: usize = 1_000;

/// A lockdown that is to be started.
#[derive(Debug, Clone)]
pub struct NewLockdown {
    /// What it covers.
    pub of: LockdownOf,
    /// Why.
    pub reason: Reason,
}

/// Starts a lockdown: all live grants that it covers end in the same transaction, and until it is lifted none is given.
/// Requests that wait for a decision go on waiting.
pub async fn start(
    app: &App,
    caller: &Caller,
    ask: NewLockdown,
    once: &Once,
) -> Result<Made<Lockdown>, AppError> {
    caller.require(Scope::LockdownsCreate)?;
    let now = app.now();
    let unit = app.store.tenant(caller.tenant).write().await?;
    if let Some(id) = once.earlier::<LockdownId>(&unit, now).await? {
        let lockdown = unit.lockdown(id).await?.ok_or(AppError::NotFound("lockdown"))?;
        return Ok(Made::Before(lockdown));
    }
    Giver::alone(caller, &unit, Scope::LockdownsCreate).await?;
    check_subject(&unit, &ask.of).await?;
    check_room(&unit.lockdowns_in_force().await?, &ask.of)?;
    // Whoever makes a grant holds the connection: they are waited for, and whoever comes after this unit sees it. Without
    // one nobody makes any.
    unit.lock_connection().await?;
    let id = LockdownId::new(now, app.entropy.as_ref());
    let revoked = unit.revoke_all(&ask.of, DoneBy::Person(caller.user), &revoke_reason(id)?, now).await?;
    end_all_sessions(app, &unit, &ask.of, &revoked, now).await?;
    let lockdown = Lockdown {
        id,
        of: ask.of,
        reason: Some(ask.reason),
        created_by: caller.user,
        created_at: now,
        grants_revoked: u64::try_from(revoked.len()).unwrap_or(u64::MAX),
        lifted: None,
    };
    unit.insert_lockdown(&lockdown).await?;
    unit.record_all(entries(caller, &lockdown, &revoked), now, app.entropy.as_ref()).await?;
    once.remember(&unit, id, now).await?;
    unit.commit().await?;
    app.nudge.about(caller.tenant);
    tell(caller, &lockdown, now);
    Ok(Made::Now(lockdown))
}

/// A person must be one of the tenant's. An account may be one that AWS has not told of yet.
async fn check_subject(unit: &WriteUnit, of: &LockdownOf) -> Result<(), AppError> {
    let LockdownOf::User(user) = of else { return Ok(()) };
    match unit.user(*user).await? {
        Some(_) => Ok(()),
        None => Err(AppError::field("id", "there is no such user; GET /v1/users lists them")),
    }
}

fn check_room(in_force: &[LockdownInForce], of: &LockdownOf) -> Result<(), AppError> {
    if let Some(same) = in_force.iter().find(|lockdown| lockdown.of == *of) {
        return Err(AppError::Conflict {
            message: format!("{of} is locked down already, by lockdown {}", same.id),
            details: Map::from_iter([("lockdown_id".to_owned(), Value::from(same.id.to_string()))]),
        });
    }
    if in_force.len() >= MOST_IN_FORCE {
        let message = format!("{MOST_IN_FORCE} lockdowns are in force: lift some, or lock down the tenant");
        return Err(AppError::conflict(message));
    }
    Ok(())
}

/// The grantee reads it. Why the lockdown was started is for those who may see lockdowns.
fn revoke_reason(id: LockdownId) -> Result<Reason, AppError> {
    format!("lockdown {id}").parse().map_err(AppError::internal)
}

fn entries(caller: &Caller, lockdown: &Lockdown, revoked: &[RevokedGrant]) -> Vec<NewEntry> {
    let started = NewEntry::new(caller.actor, AuditAction::LockdownStarted, "lockdown", lockdown.id)
        .with("scope", lockdown.of.scope().as_str())
        .with("id", lockdown.of.id())
        .with("grants_revoked", revoked.len());
    let started = match &lockdown.reason {
        Some(reason) => started.with_personal("reason", reason.as_str()),
        None => started,
    };
    let ended =
        |grant| revoked_entry(caller.actor, grant, "lockdown").with("lockdown_id", lockdown.id.to_string());
    std::iter::once(started).chain(revoked.iter().map(ended)).collect()
}

fn tell(caller: &Caller, lockdown: &Lockdown, now: Timestamp) {
    tracing::warn!(
        tenant_id = %caller.tenant,
        lockdown_id = %lockdown.id,
        scope = lockdown.of.scope().as_str(),
        grants_revoked = lockdown.grants_revoked,
        at = %now,
        "lockdown started"
    );
}
