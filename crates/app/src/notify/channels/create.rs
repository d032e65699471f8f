use std::collections::{BTreeMap, BTreeSet};

use curfew_domain::audit::AuditAction;
use curfew_domain::{ChannelId, ChannelType, DisplayName, Event, NotificationChannel, Scope};
use curfew_store::StoredChannel;
use secrecy::SecretString;

use super::{ChannelView, MOST_CHANNELS, NO_SUCH_CHANNEL, config_place, entry, secret_place, view};
use crate::notify::webhook::{WebhookConfig, new_secret, read_headers};
use crate::{App, AppError, Caller, Made, Once};

/// A webhook that is to be made.
#[derive(Debug)]
pub struct NewWebhook {
    /// What people call it.
    pub name: DisplayName,
    /// Where messages go.
    pub url: String,
    /// What is sent with each.
    pub headers: BTreeMap<String, SecretString>,
    /// Whether messages go there.
    pub enabled: bool,
    /// The events that it wants; all of them where empty.
    pub event_filters: BTreeSet<Event>,
}

/// Makes a webhook, and the secret that signs its messages.
pub async fn create_webhook(
    app: &App,
    caller: &Caller,
    ask: NewWebhook,
    once: &Once,
) -> Result<Made<ChannelView>, AppError> {
    caller.require(Scope::NotificationChannelsWrite)?;
    let now = app.now();
    if !once.is_unkeyed() {
        let unit = app.store.tenant(caller.tenant).read().await?;
        if let Some(id) = once.earlier::<ChannelId>(&unit, now).await? {
            let stored = unit.channel(id).await?.ok_or(NO_SUCH_CHANNEL)?;
            return Ok(Made::Before(view(app, caller.tenant, stored)?));
        }
    }
    let config = accept(app, "", &ask.url, ask.headers).await?;
    let (entropy, tenant) = (app.entropy.as_ref(), caller.tenant);
    let secret = new_secret(entropy);
    let text = config.to_text().map_err(AppError::internal)?;
    let stored = StoredChannel {
        channel: NotificationChannel {
            id: ChannelId::new(now, entropy),
            name: ask.name,
            channel_type: ChannelType::GenericWebhook,
            enabled: ask.enabled,
            event_filters: ask.event_filters,
            created_at: now,
            updated_at: now,
        },
        config: app.keyring.seal(config_place(tenant), &text, entropy),
        secret: Some(app.keyring.seal(secret_place(tenant), &secret, entropy)),
        former_secret: None,
    };
    let unit = app.store.tenant(tenant).write().await?;
    if unit.count_channels().await? >= MOST_CHANNELS {
        return Err(AppError::conflict(format!(
            "a tenant has at most {MOST_CHANNELS} notification channels"
        )));
    }
    unit.insert_channel(&stored).await?;
    let entry = entry(caller, AuditAction::NotificationChannelCreated, &stored.channel);
    unit.record(entry, now, entropy).await?;
    once.remember(&unit, stored.channel.id, now).await?;
    unit.commit().await?;
    Ok(Made::Now(ChannelView { channel: stored.channel, config, secret: Some(secret) }))
}

/// Reads where messages are to go. Names are asked where they lead, so no transaction is open. Problems are named below
/// `place`.
pub(super) async fn accept(
    app: &App,
    place: &str,
    url: &str,
    headers: BTreeMap<String, SecretString>,
) -> Result<WebhookConfig, AppError> {
    let headers = read_headers(headers).map_err(|(name, problem)| {
        let path = if name.is_empty() { "headers".to_owned() } else { format!("headers.{name}") };
        AppError::invalid(format!("{place}{path}"), &problem)
    })?;
    let target = app.outbound.read_to_keep(url).await;
    let target = target.map_err(|problem| AppError::invalid(format!("{place}url"), &problem))?;
    Ok(WebhookConfig { url: target.as_str().to_owned(), headers })
}
