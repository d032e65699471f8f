//! A person's notifications.

use curfew_domain::{Actor, Event, Notification, NotificationId, Page, PageRequest, Scope};
use curfew_store::{Inbox, ReadUnit};

use crate::{App, AppError, Caller};

/// A page of a person's notifications.
#[derive(Debug, Clone)]
pub struct InboxPage {
    /// What is on it, newest first.
    pub page: Page<Notification>,
    /// How many of all are not read.
    pub unread: u64,
}

const NO_SUCH_NOTIFICATION: AppError = AppError::NotFound("notification");

/// The caller's notifications, newest first.
pub async fn list(
    app: &App,
    caller: &Caller,
    unread_only: bool,
    page: &PageRequest,
) -> Result<InboxPage, AppError> {
    let events = seen_by(caller);
    let inbox = Inbox { user: caller.user, events: &events };
    let unit = app.store.tenant(caller.tenant).read().await?;
    let page = unit.notifications(&inbox, unread_only, page).await?;
    Ok(InboxPage { page, unread: unit.count_unread(&inbox).await? })
}

/// Marks one as read. One that was read stays as it is.
pub async fn read(app: &App, caller: &Caller, id: NotificationId) -> Result<Notification, AppError> {
    let events = seen_by(caller);
    let inbox = Inbox { user: caller.user, events: &events };
    let unit = app.store.tenant(caller.tenant).write().await?;
    unit.read_notifications(&inbox, Some(id), app.now()).await?;
    let read = one(&unit, &inbox, id).await?;
    unit.commit().await?;
    Ok(read)
}

/// Marks all as read. Answers how many were not.
pub async fn read_all(app: &App, caller: &Caller) -> Result<u64, AppError> {
    let events = seen_by(caller);
    let inbox = Inbox { user: caller.user, events: &events };
    let unit = app.store.tenant(caller.tenant).write().await?;
    let read = unit.read_notifications(&inbox, None, app.now()).await?;
    unit.commit().await?;
    Ok(read)
}

async fn one(unit: &ReadUnit, inbox: &Inbox<'_>, id: NotificationId) -> Result<Notification, AppError> {
    unit.notification(inbox, id).await?.ok_or(NO_SUCH_NOTIFICATION)
}

/// The events whose notifications a caller sees. What a key may not read elsewhere it does not read here, in its maker's
/// notifications; and whoever may see drift or lockdowns no longer, does not.
fn seen_by(caller: &Caller) -> Vec<Event> {
    let by_key = matches!(caller.actor, Actor::ApiKey { .. });
    let may_any = |scopes: &[Scope]| scopes.iter().any(|scope| caller.may(*scope));
    let own = !by_key
        || may_any(&[Scope::RequestsCreate, Scope::RequestsRead, Scope::RequestsApprove, Scope::GrantsRead]);
    let seen = |event: Event| match event {
        Event::DriftDetected | Event::RevocationOverdue => caller.may(Scope::DriftRead),
        Event::LockdownStarted | Event::LockdownEnded => caller.may(Scope::LockdownsRead),
        Event::RequestPending
        | Event::RequestApproved
        | Event::RequestDenied
        | Event::RequestExpired
        | Event::RequestCancelled
        | Event::RequestBreakGlass
        | Event::RequestReviewOwed
        | Event::GrantActive
        | Event::GrantExpiringSoon
        | Event::GrantExpired
        | Event::GrantRevoked
        | Event::GrantFailed => own,
    };
    Event::ALL.iter().copied().filter(|event| seen(*event)).collect()
}
