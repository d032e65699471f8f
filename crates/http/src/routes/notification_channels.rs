//! Channels to the outside.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use curfew_api::{
    Delivery, ErrorBody, GenericWebhookConfig, NewGenericWebhook, NotificationChannel,
    NotificationChannelChange, NotificationChannelCreated, NotificationChannelTest, PageBody,
    ShownChannelConfig, SigningSecret,
};
use curfew_app::notify::channels::{self, ChannelView, NewWebhook};
use curfew_app::notify::webhook::MASK;
use curfew_domain::{Change, ChannelId};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::{
    ApiCreate, ApiError, ApiJson, ApiList, ApiPath, Authenticated, Created, HttpState, ListQuery, NoFilters,
};

const TAG: &str = "notification channels";

pub(crate) fn routes() -> OpenApiRouter<HttpState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(create_webhook))
        .routes(routes!(get, change, delete))
        .routes(routes!(test))
        .routes(routes!(rotate_secret))
        .routes(routes!(deliveries))
}

/// List notification channels, newest first.
#[utoipa::path(get, path = "/v1/notification-channels", tag = TAG, params(ListQuery),
    responses((status = 200, body = PageBody<NotificationChannel>)))]
async fn list(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    list: ApiList<NoFilters>,
) -> Result<Json<PageBody<NotificationChannel>>, ApiError> {
    let page = list.page(&state, &caller)?;
    let found = channels::list(&state.app, &caller, &page).await?;
    Ok(Json(list.body(&state, &caller, found.map(shown))))
}

/// Create a webhook.
///
/// Each event that it wants is sent there as a POST, signed after Standard Webhooks with the secret in this answer, and
/// sent again for some three days until the receiver answers 2xx. A tenant has at most 50 channels.
#[utoipa::path(post, path = "/v1/notification-channels/generic-webhook", tag = TAG,
    request_body = NewGenericWebhook,
    responses((status = 201, body = NotificationChannelCreated),
        (status = 409, description = "There are 50 channels; or the key was used for another body.", body = ErrorBody)))]
async fn create_webhook(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiCreate { body, once }: ApiCreate<NewGenericWebhook>,
) -> Result<Created<NotificationChannelCreated>, ApiError> {
    let ask = NewWebhook {
        name: body.name,
        url: body.url.into(),
        headers: body.headers,
        enabled: body.enabled,
        event_filters: body.event_filters,
    };
    let made = channels::create_webhook(&state.app, &caller, ask, &once).await?;
    Ok(Created(made.map(|mut made| NotificationChannelCreated {
        signing_secret: made.secret.take(),
        channel: shown(made),
    })))
}

/// Read a notification channel.
#[utoipa::path(get, path = "/v1/notification-channels/{id}", tag = TAG, params(("id" = Uuid, Path)),
    responses((status = 200, body = NotificationChannel)))]
async fn get(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiPath(id): ApiPath<ChannelId>,
) -> Result<Json<NotificationChannel>, ApiError> {
    Ok(Json(shown(channels::get(&state.app, &caller, id).await?)))
}

/// Change a notification channel.
///
/// `config` is replaced as a whole. Messages that wait to be sent go where it leads then.
#[utoipa::path(put, path = "/v1/notification-channels/{id}", tag = TAG, params(("id" = Uuid, Path)),
    request_body = NotificationChannelChange,
    responses((status = 200, body = NotificationChannel)))]
async fn change(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiPath(id): ApiPath<ChannelId>,
    ApiJson(body): ApiJson<NotificationChannelChange>,
) -> Result<Json<NotificationChannel>, ApiError> {
    let config = match body.config {
        Change::Keep => Change::Keep,
        Change::To(GenericWebhookConfig { url, headers }) => Change::To((url.into(), headers)),
    };
    let change = channels::ChannelChange {
        name: body.name,
        config,
        enabled: body.enabled,
        event_filters: body.event_filters,
    };
    Ok(Json(shown(channels::change(&state.app, &caller, id, change).await?)))
}

/// Delete a notification channel, with what waits to be sent there and the list of what was sent.
#[utoipa::path(delete, path = "/v1/notification-channels/{id}", tag = TAG, params(("id" = Uuid, Path)),
    responses((status = 204, description = "Deleted.")))]
async fn delete(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiPath(id): ApiPath<ChannelId>,
) -> Result<StatusCode, ApiError> {
    channels::delete(&state.app, &caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Send a channel a message now, and wait for what comes of it.
///
/// It is sent once, also where the channel is turned off. 200 whether it arrived or not.
#[utoipa::path(post, path = "/v1/notification-channels/{id}/test", tag = TAG, params(("id" = Uuid, Path)),
    responses((status = 200, body = NotificationChannelTest)))]
async fn test(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiPath(id): ApiPath<ChannelId>,
) -> Result<Json<NotificationChannelTest>, ApiError> {
    let result = channels::test(&state.app, &caller, id).await?;
    Ok(Json(NotificationChannelTest {
        delivered: result.failure.is_none(),
        status_code: result.status,
        reason: result.failure,
        duration_ms: u64::try_from(result.took.as_millis()).unwrap_or(u64::MAX),
    }))
}

/// Make a new signing secret for a channel.
///
/// It is told this once. For 24 hours messages are signed with the one before too.
#[utoipa::path(post, path = "/v1/notification-channels/{id}/rotate-secret", tag = TAG,
    params(("id" = Uuid, Path)),
    responses((status = 200, body = SigningSecret)))]
async fn rotate_secret(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiPath(id): ApiPath<ChannelId>,
) -> Result<Json<SigningSecret>, ApiError> {
    let secret = channels::rotate_secret(&state.app, &caller, id).await?;
    Ok(Json(SigningSecret { signing_secret: Some(secret) }))
}

/// List what was sent to a channel and what is to be sent, newest first.
///
/// Kept for 30 days. A receiver's own words are never shown: only the status, and a reason out of a short list.
#[utoipa::path(get, path = "/v1/notification-channels/{id}/deliveries", tag = TAG,
    params(("id" = Uuid, Path), ListQuery),
    responses((status = 200, body = PageBody<Delivery>)))]
async fn deliveries(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiPath(id): ApiPath<ChannelId>,
    list: ApiList<NoFilters>,
) -> Result<Json<PageBody<Delivery>>, ApiError> {
    let page = list.page(&state, &caller)?;
    let found = channels::deliveries(&state.app, &caller, id, &page).await?;
    Ok(Json(list.body(&state, &caller, found.map(shown_delivery))))
}

fn shown(view: ChannelView) -> NotificationChannel {
    let ChannelView { channel, config, .. } = view;
    let headers = config.headers.into_keys().map(|name| (name, MASK.to_owned())).collect();
    NotificationChannel {
        id: channel.id,
        name: channel.name,
        channel_type: channel.channel_type,
        config: ShownChannelConfig { url: config.url, headers },
        enabled: channel.enabled,
        event_filters: channel.event_filters,
        created_at: channel.created_at,
        updated_at: channel.updated_at,
    }
}

fn shown_delivery(delivery: curfew_domain::Delivery) -> Delivery {
    Delivery {
        id: delivery.id,
        message_id: delivery.entry,
        event_type: delivery.event_type,
        state: delivery.state,
        attempts: delivery.attempts,
        next_attempt_at: delivery.next_attempt_at,
        last_attempt_at: delivery.last_attempt_at,
        status_code: delivery.status_code,
        reason: delivery.failure,
        created_at: delivery.created_at,
    }
}
