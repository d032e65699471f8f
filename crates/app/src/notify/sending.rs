//! Messages to channels: sent, and what became of them written down.

use curfew_domain::audit::{AuditAction, NewEntry};
use curfew_domain::{Actor, ChannelType, Delivery, DeliveryFailure, DeliveryState, TenantId, Timestamp};
use curfew_store::audit::AuditRecord;
use curfew_store::{DueDelivery, StoredChannel, WriteUnit};

use super::{backoff, webhook};
use crate::{App, AppError};

/// What came of sending a message once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Attempt {
    /// The HTTP status of the answer.
    pub(super) status: Option<u16>,
    /// Why it did not arrive; none where it did.
    pub(super) failure: Option<DeliveryFailure>,
}

impl Attempt {
    /// It was not even sent.
    pub(super) const fn unsent(failure: DeliveryFailure) -> Self {
        Self { status: None, failure: Some(failure) }
    }
}

/// Sends a message whose time has come.
pub(super) async fn deliver(app: &App, due: DueDelivery) -> Result<(), AppError> {
    let unit = app.store.tenant(due.tenant).read().await?;
    let (Some(delivery), Some(channel)) =
        (unit.delivery(due.delivery).await?, unit.channel(due.channel).await?)
    else {
        drop(unit);
        return forget(app, due).await;
    };
    let entry = unit.audit_entry(delivery.entry).await?;
    drop(unit);
    let attempt = match entry {
        _ if !channel.channel.enabled => Attempt::unsent(DeliveryFailure::ChannelDisabled),
        Some(entry) => send(app, due.tenant, &channel, &entry).await,
        None => Attempt::unsent(DeliveryFailure::Unusable),
    };
    write_down(app, due, attempt).await
}

/// Sends a message about an entry to a channel, once. No transaction is open meanwhile.
pub(super) async fn send(
    app: &App,
    tenant: TenantId,
    channel: &StoredChannel,
    entry: &AuditRecord,
) -> Attempt {
    match channel.channel.channel_type {
        ChannelType::GenericWebhook => webhook::send(app, tenant, channel, entry).await,
        ChannelType::Email | ChannelType::SlackWebhook | ChannelType::AwsSns | ChannelType::SlackBot => {
            Attempt::unsent(DeliveryFailure::Unusable)
        }
    }
}

/// A message whose channel was deleted is nobody's.
async fn forget(app: &App, due: DueDelivery) -> Result<(), AppError> {
    let unit = app.store.tenant(due.tenant).write().await?;
    unit.take_delivery_from_outbox(due.delivery).await?;
    Ok(unit.commit().await?)
}

async fn write_down(app: &App, due: DueDelivery, attempt: Attempt) -> Result<(), AppError> {
    let now = app.now();
    let unit = app.store.tenant(due.tenant).write().await?;
    let is_gone = attempt.failure == Some(DeliveryFailure::Gone);
    let gone = if is_gone { unit.lock_channel(due.channel).await? } else { None };
    let Some(delivery) = unit.lock_delivery(due.delivery).await? else {
        drop(unit);
        return forget(app, due).await;
    };
    // Another node took longer than its time, and has sent it too.
    if delivery.state != DeliveryState::Pending {
        return Ok(());
    }
    let next = after(app, delivery, attempt, now);
    unit.update_delivery(&next).await?;
    if let Some(channel) = gone.filter(|gone| gone.channel.enabled) {
        turn_off(app, &unit, channel, now).await?;
    }
    unit.commit().await?;
    note(due.tenant, &next);
    Ok(())
}

/// The message after an attempt.
pub(super) fn after(app: &App, delivery: Delivery, attempt: Attempt, now: Timestamp) -> Delivery {
    let was_sent = attempt.failure != Some(DeliveryFailure::ChannelDisabled);
    let attempts = delivery.attempts.saturating_add(u32::from(was_sent));
    let (state, next_attempt_at) = match attempt.failure {
        None => (DeliveryState::Delivered, None),
        Some(DeliveryFailure::Gone | DeliveryFailure::ChannelDisabled) => (DeliveryState::Failed, None),
        Some(_) => match backoff::next_try(attempts, now, app.entropy.as_ref()) {
            None => (DeliveryState::Failed, None),
            again => (DeliveryState::Pending, again),
        },
    };
    Delivery {
        state,
        attempts,
        next_attempt_at,
        last_attempt_at: if was_sent { Some(now) } else { delivery.last_attempt_at },
        status_code: attempt.status,
        failure: attempt.failure,
        ..delivery
    }
}

/// The receiver says that nobody wants messages there any more (Standard Webhooks: 410).
async fn turn_off(
    app: &App,
    unit: &WriteUnit,
    mut stored: StoredChannel,
    now: Timestamp,
) -> Result<(), AppError> {
    stored.channel.enabled = false;
    stored.channel.updated_at = now;
    unit.update_channel(&stored).await?;
    let (action, id) = (AuditAction::NotificationChannelUpdated, stored.channel.id);
    let entry = NewEntry::new(Actor::System, action, "notification_channel", id)
        .with("enabled", false)
        .with("reason", "gone");
    unit.record(entry, now, app.entropy.as_ref()).await?;
    Ok(())
}

/// One line and one count an attempt.
fn note(tenant: TenantId, delivery: &Delivery) {
    let outcome = match delivery.state {
        DeliveryState::Pending => "retried",
        DeliveryState::Delivered => "delivered",
        DeliveryState::Failed => "failed",
    };
    metrics::counter!("curfew_deliveries_total", "outcome" => outcome).increment(1);
    let (channel, id, attempts) = (delivery.channel, delivery.id, delivery.attempts);
    let failure = delivery.failure.map(DeliveryFailure::as_str);
    match delivery.state {
        DeliveryState::Delivered => tracing::debug!(
            tenant_id = %tenant, channel_id = %channel, delivery_id = %id, attempts, "message delivered"
        ),
        DeliveryState::Pending => tracing::warn!(
            tenant_id = %tenant, channel_id = %channel, delivery_id = %id, attempts, failure,
            status = delivery.status_code, "message did not arrive; it is sent again"
        ),
        DeliveryState::Failed => tracing::error!(
            tenant_id = %tenant, channel_id = %channel, delivery_id = %id, attempts, failure,
            status = delivery.status_code, "message did not arrive; it is given up"
        ),
    }
}
