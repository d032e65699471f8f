//! From an entry of the audit log to notifications and messages.

use std::collections::BTreeSet;

use curfew_domain::{
    AuditEntryId, Delivery, DeliveryId, DeliveryState, Event, Notification, NotificationId, Timestamp, UserId,
};
use curfew_store::audit::AuditRecord;
use curfew_store::{DueEntry, ReadUnit, StoreError};

use super::audience::{Subject, audience};
use super::words::{Words, words};
use crate::{App, AppError};

/// All that is written for one entry.
struct Told {
    notifications: Vec<(UserId, Notification)>,
    deliveries: Vec<Delivery>,
}

/// Tells of an entry, in one transaction with its leaving the outbox: nobody is told twice, whoever dies when.
pub(super) async fn tell(app: &App, due: DueEntry) -> Result<(), AppError> {
    let tenant = app.store.tenant(due.tenant);
    let unit = tenant.read().await?;
    // What somebody took away leaves a hole in the log, which its proof finds; here it would be in the way for ever.
    let told = match unit.audit_entry(due.entry).await? {
        Some(entry) => told(app, &unit, &entry).await?,
        None => Told { notifications: Vec::new(), deliveries: Vec::new() },
    };
    drop(unit);
    let unit = tenant.write().await?;
    if !unit.take_entry_from_outbox(due.entry).await? {
        return Ok(());
    }
    unit.insert_notifications(due.entry, told.notifications).await?;
    unit.insert_deliveries(&told.deliveries).await?;
    Ok(unit.commit().await?)
}

async fn told(app: &App, unit: &ReadUnit, entry: &AuditRecord) -> Result<Told, AppError> {
    let body = &entry.body;
    let event = Event::of(body.action).ok_or_else(|| {
        let (table, id) = ("outbox_due", entry.id.to_string());
        AppError::internal(StoreError::Corrupt { table, id, problem: "its entry is no event".to_owned() })
    })?;
    let now = app.now();
    let subject = Subject::of(unit, body, now).await?;
    let people = audience(unit, body, event, &subject, now).await?;
    let notifications = if people.is_empty() {
        Vec::new()
    } else {
        let words = words(unit, body, event, &subject).await?;
        let about = (body.resource_type.as_str(), body.resource_id.as_str());
        notifications(app, people, event, &words, about, now)
    };
    let wanting = unit.all_channels().await?.into_iter().filter(|one| one.channel.wants(event));
    let deliveries = wanting.map(|one| first_delivery(app, one.channel.id, entry.id, event.as_str(), now));
    Ok(Told { notifications, deliveries: deliveries.collect() })
}

fn notifications(
    app: &App,
    people: BTreeSet<UserId>,
    event: Event,
    words: &Words,
    (resource_type, resource_id): (&str, &str),
    now: Timestamp,
) -> Vec<(UserId, Notification)> {
    let notification = |person| {
        let one = Notification {
            id: NotificationId::new(now, app.entropy.as_ref()),
            event,
            title: words.title.clone(),
            body: words.body.clone(),
            resource_type: Some(resource_type.to_owned()),
            resource_id: Some(resource_id.to_owned()),
            read_at: None,
            created_at: now,
        };
        (person, one)
    };
    people.into_iter().map(notification).collect()
}

/// A message that is to be sent now.
pub(super) fn first_delivery(
    app: &App,
    channel: curfew_domain::ChannelId,
    entry: AuditEntryId,
    event_type: &str,
    now: Timestamp,
) -> Delivery {
    Delivery {
        id: DeliveryId::new(now, app.entropy.as_ref()),
        channel,
        entry,
        event_type: event_type.to_owned(),
        state: DeliveryState::Pending,
        attempts: 0,
        next_attempt_at: Some(now),
        last_attempt_at: None,
        status_code: None,
        failure: None,
        created_at: now,
    }
}
