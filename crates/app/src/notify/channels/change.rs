use std::collections::{BTreeMap, BTreeSet};

use curfew_domain::audit::AuditAction;
use curfew_domain::{Change, ChannelId, DisplayName, Event, Scope};
use secrecy::{ExposeSecret, SecretString};

use super::create::accept;
use super::{ChannelView, NO_SUCH_CHANNEL, config_place, entry, hold, view};
use crate::notify::webhook::{MASK, WebhookConfig};
use crate::{App, AppError, Caller};

/// What is to change of a channel; what is not said stays.
#[derive(Debug, Default)]
pub struct ChannelChange {
    /// Another name.
    pub name: Change<DisplayName>,
    /// Another URL and other headers, in place of all that there were.
    pub config: Change<(String, BTreeMap<String, SecretString>)>,
    /// Whether messages go there.
    pub enabled: Change<bool>,
    /// Other events.
    pub event_filters: Change<BTreeSet<Event>>,
}

/// Changes a channel. Messages that wait go where it leads then; those to one that is turned off are not sent.
pub async fn change(
    app: &App,
    caller: &Caller,
    id: ChannelId,
    change: ChannelChange,
) -> Result<ChannelView, AppError> {
    caller.require(Scope::NotificationChannelsWrite)?;
    let tenant = caller.tenant;
    let config = match change.config {
        Change::Keep => None,
        Change::To((url, headers)) => {
            let unit = app.store.tenant(tenant).read().await?;
            let before = view(app, tenant, unit.channel(id).await?.ok_or(NO_SUCH_CHANNEL)?)?.config;
            drop(unit);
            let config = accept(app, "config.", &url, headers).await?;
            Some(unmasked(app, config, &before)?)
        }
    };
    let now = app.now();
    let unit = app.store.tenant(tenant).write().await?;
    let mut stored = hold(&unit, caller, id).await?;
    change.name.apply_to(&mut stored.channel.name);
    change.enabled.apply_to(&mut stored.channel.enabled);
    change.event_filters.apply_to(&mut stored.channel.event_filters);
    stored.channel.updated_at = now;
    if let Some(config) = &config {
        let text = config.to_text().map_err(AppError::internal)?;
        stored.config = app.keyring.seal(config_place(tenant), &text, app.entropy.as_ref());
    }
    unit.update_channel(&stored).await?;
    let entry = entry(caller, AuditAction::NotificationChannelUpdated, &stored.channel)
        .with("config_changed", config.is_some());
    unit.record(entry, now, app.entropy.as_ref()).await?;
    unit.commit().await?;
    view(app, tenant, stored)
}

/// A header that is sent back as it was shown keeps its value; not at another server, or whoever may change channels
/// could have the values sent to one of theirs.
fn unmasked(app: &App, mut config: WebhookConfig, before: &WebhookConfig) -> Result<WebhookConfig, AppError> {
    let same_server = match (app.outbound.read(&config.url), app.outbound.read(&before.url)) {
        (Ok(now), Ok(then)) => now.same_server(&then),
        _ => false,
    };
    for (name, value) in &mut config.headers {
        if value.expose_secret() != MASK {
            continue;
        }
        match before.headers.get(name) {
            Some(kept) if same_server => *value = kept.clone(),
            Some(_) => {
                let problem = "give the value anew: the URL leads to another server than before";
                return Err(AppError::field(format!("config.headers.{name}"), problem));
            }
            None => {
                let problem = "there was no such header whose value could be kept";
                return Err(AppError::field(format!("config.headers.{name}"), problem));
            }
        }
    }
    Ok(config)
}

/// Deletes a channel, with what waits to be sent there and the list of what was sent.
pub async fn delete(app: &App, caller: &Caller, id: ChannelId) -> Result<(), AppError> {
    let unit = app.store.tenant(caller.tenant).write().await?;
    let stored = hold(&unit, caller, id).await?;
    unit.delete_channel(id).await?;
    let entry = entry(caller, AuditAction::NotificationChannelDeleted, &stored.channel);
    unit.record(entry, app.now(), app.entropy.as_ref()).await?;
    Ok(unit.commit().await?)
}
