//! From an entry of the audit log to notifications and messages.

use std::collections::BTreeSet;

use curfew_domain::{
    AuditEntryId, ChannelId, Delivery, DeliveryFailure, DeliveryId, DeliveryState, Event, Notification,
    NotificationChannel, NotificationId, Timestamp, UserId,
};
use curfew_store::audit::AuditRecord;
use curfew_store::{DueEntry, ReadUnit, StoreError};

use super::audience::{Subject, audience};
use super::words::{Words, words};
use crate::{App, AppError};

/// So many messages wait for a channel at most, besides urgent ones.
const MOST_WAITING: u64 = 10_000;

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
    let channels = channels(unit, event, &subject).await?;
    let deliveries = deliveries(app, unit, entry.id, event, channels, now).await?;
    Ok(Told { notifications, deliveries })
}

/// The messages to channels. One where nothing has arrived for long has a queue that would grow as long as that goes on:
/// what is not urgent is not queued behind so many, and its list says so.
async fn deliveries(
    app: &App,
    unit: &ReadUnit,
    entry: AuditEntryId,
    event: Event,
    channels: Vec<ChannelId>,
    now: Timestamp,
) -> Result<Vec<Delivery>, AppError> {
    let full = if event.is_urgent() {
        BTreeSet::new()
    } else {
        unit.channels_with_waiting(&channels, MOST_WAITING).await?
    };
    let message = |channel: ChannelId| {
        let first = first_delivery(app, channel, entry, event.as_str(), now);
        if full.contains(&channel) { not_queued(first) } else { first }
    };
    Ok(channels.into_iter().map(message).collect())
}

/// Those that want the event, and the one that the policy names which decided the request, or the grant's: by its name or
/// its id.
async fn channels(unit: &ReadUnit, event: Event, subject: &Subject) -> Result<Vec<ChannelId>, AppError> {
    let all: Vec<_> = unit.all_channels().await?.into_iter().map(|stored| stored.channel).collect();
    let enabled = || all.iter().filter(|channel| channel.enabled);
    let named = if enabled().all(|channel| channel.wants(event)) {
        None
    } else {
        named_by_policy(unit, subject).await?
    };
    let is_named = |channel: &NotificationChannel| {
        named
            .as_ref()
            .is_some_and(|named| *named == channel.name.as_str() || *named == channel.id.to_string())
    };
    let wanted = enabled().filter(|channel| channel.wants(event) || is_named(channel));
    Ok(wanted.map(|channel| channel.id).collect())
}

async fn named_by_policy(unit: &ReadUnit, subject: &Subject) -> Result<Option<String>, AppError> {
    let policy = match subject {
        Subject::Request(request) => request.policy,
        Subject::Grant(grant) => match grant.request {
            Some(request) => unit.request(request).await?.and_then(|request| request.policy),
            None => None,
        },
        Subject::Other => None,
    };
    match policy {
        Some(policy) => Ok(unit.channel_of_policy(policy).await?),
        None => Ok(None),
    }
}

fn not_queued(message: Delivery) -> Delivery {
    metrics::counter!("curfew_deliveries_total", "outcome" => "not_queued").increment(1);
    Delivery {
        state: DeliveryState::Failed,
        next_attempt_at: None,
        failure: Some(DeliveryFailure::TooManyWaiting),
        ..message
    }
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
    channel: ChannelId,
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
