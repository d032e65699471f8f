//! What somebody had going ends with them.

use curfew_domain::audit::{AuditAction, NewEntry};
use curfew_domain::{DoneBy, LockdownOf, Reason, Revoked, Timestamp, User};
use curfew_store::WriteUnit;

use crate::grants::{end_all_sessions, revoked_entry};
use crate::{App, AppError, Caller};

/// How somebody goes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Going {
    /// For now.
    Suspended,
    /// For good.
    Deleted,
}

impl Going {
    const fn action(self) -> AuditAction {
        match self {
            Going::Suspended => AuditAction::UserSuspended,
            Going::Deleted => AuditAction::UserDeleted,
        }
    }

    /// Why all else ends.
    const fn cause(self) -> &'static str {
        match self {
            Going::Suspended => "user_suspended",
            Going::Deleted => "user_deleted",
        }
    }

    /// Why their grants ended, in words.
    fn reason(self) -> Result<Reason, AppError> {
        let words = match self {
            Going::Suspended => "the user was suspended",
            Going::Deleted => "the user was deleted",
        };
        words.parse().map_err(AppError::internal)
    }
}

/// Cancels the user's pending requests, revokes their live grants and their keys, and logs it all. The unit has written
/// or holds the user's row: of what they ask for at the same time nothing is given after this.
pub(super) async fn take_back(
    app: &App,
    caller: &Caller,
    unit: &WriteUnit,
    user: &User,
    going: Going,
    now: Timestamp,
) -> Result<(), AppError> {
    let by = DoneBy::Person(caller.user);
    let requests = unit.cancel_requests_of(user.id, by, now).await?;
    let all = LockdownOf::User(user.id);
    let grants = unit.revoke_all(&all, by, &going.reason()?, now).await?;
    end_all_sessions(app, unit, &all, &grants, now).await?;
    let keys = unit.revoke_api_keys_of(user.id, Revoked { by: caller.user, at: now }).await?;
    let ended = NewEntry::new(caller.actor, going.action(), "user", user.id)
        .with("requests_cancelled", requests.len())
        .with("grants_revoked", grants.len())
        .with("api_keys_revoked", keys.len());
    let mut log = vec![ended];
    log.extend(requests.iter().map(|request| {
        NewEntry::new(caller.actor, AuditAction::RequestCancelled, "request", request)
            .with("requester_id", user.id.to_string())
            .with("cause", going.cause())
    }));
    log.extend(grants.iter().map(|grant| revoked_entry(caller.actor, grant, going.cause())));
    log.extend(keys.iter().map(|key| {
        NewEntry::new(caller.actor, AuditAction::ApiKeyRevoked, "api_key", key).with("cause", going.cause())
    }));
    Ok(unit.record_all(log, now, app.entropy.as_ref()).await?)
}
