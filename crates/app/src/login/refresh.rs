use curfew_domain::audit::{AuditAction, NewEntry};

use crate::gate::{SignedIn, renew_session};
use crate::{App, AppError, Caller};

/// Gives the caller's login another token, up to the absolute end of the chain. The one that was shown lives on to
/// its own end.
pub async fn refresh(app: &App, caller: &Caller) -> Result<SignedIn, AppError> {
    let Some(session) = caller.session else {
        return Err(AppError::forbidden("an API key has no login to refresh"));
    };
    let now = app.now();
    let unit = app.store.tenant(caller.tenant).write().await?;
    let session = unit.session(session).await?.ok_or(AppError::Unauthenticated("this login has ended"))?;
    let renewed = renew_session(app, &unit, &session, now).await?;
    let signed_in = renewed.ok_or(AppError::Unauthenticated("this login has ended; sign in again"))?;
    let entry = NewEntry::new(caller.actor, AuditAction::SessionRefreshed, "session", session.id);
    unit.record(entry, now, app.entropy.as_ref()).await?;
    unit.commit().await?;
    Ok(signed_in)
}
