//! Channels to the outside: made, read, changed, tried, deleted.

mod change;
mod create;
mod read;
mod rotate;
mod test;

use curfew_domain::audit::{AuditAction, NewEntry};
use curfew_domain::{ChannelId, NotificationChannel, Scope, TenantId};
use curfew_store::keyring::SealedColumn;
use curfew_store::{StoredChannel, WriteUnit};
use secrecy::SecretString;

use super::webhook::WebhookConfig;
use crate::{App, AppError, Caller};

pub use change::{ChannelChange, change, delete};
pub use create::{NewWebhook, create_webhook};
pub use read::{deliveries, get, list};
pub use rotate::rotate_secret;
pub use test::{TestResult, test};

/// The most channels of a tenant: each gets its own message of each event.
const MOST_CHANNELS: u64 = 50;

/// A channel with its settings.
#[derive(Debug, Clone)]
pub struct ChannelView {
    /// The channel.
    pub channel: NotificationChannel,
    /// Where it leads. Header values are secret: show [`MASK`](super::webhook::MASK) in their place.
    pub config: WebhookConfig,
    /// Its signing secret, where it was made just now. Told once.
    pub secret: Option<SecretString>,
}

/// Where a channel's settings lie sealed.
pub(crate) const fn config_place(tenant: TenantId) -> SealedColumn {
    SealedColumn { tenant, column: "notification_channel.config" }
}

/// Where a channel's signing secrets lie sealed.
pub(crate) const fn secret_place(tenant: TenantId) -> SealedColumn {
    SealedColumn { tenant, column: "notification_channel.secret" }
}

fn view(app: &App, tenant: TenantId, stored: StoredChannel) -> Result<ChannelView, AppError> {
    let text = app.keyring.open(config_place(tenant), &stored.config).map_err(AppError::internal)?;
    let config = WebhookConfig::from_text(&text).map_err(AppError::internal)?;
    Ok(ChannelView { channel: stored.channel, config, secret: None })
}

/// A channel that the caller may change, and nobody else does meanwhile.
async fn hold(unit: &WriteUnit, caller: &Caller, id: ChannelId) -> Result<StoredChannel, AppError> {
    caller.require(Scope::NotificationChannelsWrite)?;
    unit.lock_channel(id).await?.ok_or(NO_SUCH_CHANNEL)
}

const NO_SUCH_CHANNEL: AppError = AppError::NotFound("notification channel");

/// What the log says of a channel. URLs and headers may hold secrets, so they stay out of it.
fn entry(caller: &Caller, action: AuditAction, channel: &NotificationChannel) -> NewEntry {
    let filters: Vec<&str> = channel.event_filters.iter().map(|event| event.as_str()).collect();
    NewEntry::new(caller.actor, action, "notification_channel", channel.id)
        .with("channel_type", channel.channel_type.as_str())
        .with("enabled", channel.enabled)
        .with("event_filters", filters)
        .with_personal("name", channel.name.as_str())
}
