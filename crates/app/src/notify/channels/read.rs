use curfew_domain::{ChannelId, Delivery, Page, PageRequest, Scope};

use super::{ChannelView, NO_SUCH_CHANNEL, view};
use crate::{App, AppError, Caller};

/// The tenant's channels, newest first.
pub async fn list(app: &App, caller: &Caller, page: &PageRequest) -> Result<Page<ChannelView>, AppError> {
    caller.require(Scope::NotificationChannelsRead)?;
    let unit = app.store.tenant(caller.tenant).read().await?;
    let Page { items, next } = unit.channel_page(page).await?;
    let items = items.into_iter().map(|stored| view(app, caller.tenant, stored)).collect::<Result<_, _>>()?;
    Ok(Page { items, next })
}

/// One of them.
pub async fn get(app: &App, caller: &Caller, id: ChannelId) -> Result<ChannelView, AppError> {
    caller.require(Scope::NotificationChannelsRead)?;
    let unit = app.store.tenant(caller.tenant).read().await?;
    view(app, caller.tenant, unit.channel(id).await?.ok_or(NO_SUCH_CHANNEL)?)
}

/// What was sent to a channel and is to be sent, newest first.
pub async fn deliveries(
    app: &App,
    caller: &Caller,
    id: ChannelId,
    page: &PageRequest,
) -> Result<Page<Delivery>, AppError> {
    caller.require(Scope::NotificationChannelsRead)?;
    let unit = app.store.tenant(caller.tenant).read().await?;
    unit.channel(id).await?.ok_or(NO_SUCH_CHANNEL)?;
    Ok(unit.deliveries_of(id, page).await?)
}
