//! What a person is told in the console, and what they want to be told.

use axum::Json;
use axum::extract::State;
use curfew_api::{
    InAppNotification, InAppNotifications, NotificationPreference, NotificationPreferences, NotificationsRead,
};
use curfew_app::Caller;
use curfew_app::cursors::{self, ListScope};
use curfew_app::notify::inbox::{self, InboxPage};
use curfew_app::notify::preferences;
use curfew_domain::{Notification, NotificationId, PageLimit, PageRequest};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::{ApiError, ApiJson, ApiPath, ApiQuery, Authenticated, HttpState};

const TAG: &str = "notifications";

/// The list's own, for cursors.
const LIST: &str = "/v1/users/me/notifications";

/// How many notifications a page has unless asked otherwise, and at most.
const USUAL: u16 = 20;
const MOST: u16 = 100;

pub(crate) fn routes() -> OpenApiRouter<HttpState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(read))
        .routes(routes!(read_all))
        .routes(routes!(get_preferences, put_preferences))
}

/// Which notifications to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct InboxQuery {
    /// Only those that are not read.
    #[serde(default)]
    #[param(default = false)]
    unread_only: bool,
    /// How many items at most.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u16>,
    /// Where the page begins: `next_cursor` of the page before, unchanged.
    #[param(max_length = 2048)]
    cursor: Option<String>,
}

impl InboxQuery {
    fn page(&self, state: &HttpState, caller: &Caller) -> Result<PageRequest, ApiError> {
        let limit = self.limit.unwrap_or(USUAL);
        let limit = PageLimit::new(limit).ok().filter(|_| limit <= MOST);
        let limit = limit
            .ok_or_else(|| ApiError::field("limit", format!("a limit is a whole number from 1 to {MOST}")))?;
        let filters = self.filters(caller);
        let open = |text: &String| {
            cursors::open(&state.app.keyring, scope(caller, &filters), text)
                .map_err(|error| ApiError::field("cursor", error.to_string()))
        };
        Ok(PageRequest { limit, after: self.cursor.as_ref().map(open).transpose()? })
    }

    /// Each person has a list of their own.
    fn filters(&self, caller: &Caller) -> String {
        format!("user={}&unread_only={}", caller.user, self.unread_only)
    }
}

fn scope<'a>(caller: &Caller, filters: &'a str) -> ListScope<'a> {
    ListScope { tenant: caller.tenant, list: LIST, filters }
}

/// List one's own notifications, newest first.
///
/// Kept for 90 days, and 1,000 at most.
#[utoipa::path(get, path = "/v1/users/me/notifications", tag = TAG, params(InboxQuery),
    responses((status = 200, body = InAppNotifications)))]
async fn list(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiQuery(query): ApiQuery<InboxQuery>,
) -> Result<Json<InAppNotifications>, ApiError> {
    let page = query.page(&state, &caller)?;
    let InboxPage { page, unread } = inbox::list(&state.app, &caller, query.unread_only, &page).await?;
    let filters = query.filters(&caller);
    let next = page.next.map(|cursor| cursors::seal(&state.app.keyring, scope(&caller, &filters), &cursor));
    Ok(Json(InAppNotifications {
        items: page.items.into_iter().map(shown).collect(),
        unread_count: unread,
        has_more: next.is_some(),
        next_cursor: next,
    }))
}

/// Mark one of one's own notifications as read.
#[utoipa::path(post, path = "/v1/users/me/notifications/{id}/read", tag = TAG, params(("id" = Uuid, Path)),
    responses((status = 200, body = InAppNotification)))]
async fn read(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiPath(id): ApiPath<NotificationId>,
) -> Result<Json<InAppNotification>, ApiError> {
    Ok(Json(shown(inbox::read(&state.app, &caller, id).await?)))
}

/// Mark all of one's own notifications as read.
#[utoipa::path(post, path = "/v1/users/me/notifications/read-all", tag = TAG,
    responses((status = 200, body = NotificationsRead)))]
async fn read_all(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
) -> Result<Json<NotificationsRead>, ApiError> {
    Ok(Json(NotificationsRead { read: inbox::read_all(&state.app, &caller).await? }))
}

/// What one wants to be told of, and where: each event and place, also where nothing was said.
#[utoipa::path(get, path = "/v1/users/me/notification-preferences", tag = TAG,
    responses((status = 200, body = NotificationPreferences)))]
async fn get_preferences(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
) -> Result<Json<NotificationPreferences>, ApiError> {
    Ok(Json(shown_preferences(preferences::get(&state.app, &caller).await?)))
}

/// Say what one wants to be told of, and where, in place of all that was said before. What is left out is wanted.
#[utoipa::path(put, path = "/v1/users/me/notification-preferences", tag = TAG,
    request_body = NotificationPreferences,
    responses((status = 200, body = NotificationPreferences)))]
async fn put_preferences(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiJson(body): ApiJson<NotificationPreferences>,
) -> Result<Json<NotificationPreferences>, ApiError> {
    let said = body.preferences.into_iter().map(|one| curfew_domain::NotificationPreference {
        event: one.event_type,
        channel: one.channel,
        enabled: one.enabled,
    });
    let said = preferences::replace(&state.app, &caller, said.collect()).await?;
    Ok(Json(shown_preferences(said)))
}

fn shown(one: Notification) -> InAppNotification {
    InAppNotification {
        id: one.id,
        event_type: one.event,
        title: one.title,
        body: one.body,
        resource_type: one.resource_type,
        resource_id: one.resource_id,
        read_at: one.read_at,
        created_at: one.created_at,
    }
}

fn shown_preferences(all: Vec<curfew_domain::NotificationPreference>) -> NotificationPreferences {
    let preference = |one: curfew_domain::NotificationPreference| NotificationPreference {
        event_type: one.event,
        channel: one.channel,
        enabled: one.enabled,
    };
    NotificationPreferences { preferences: all.into_iter().map(preference).collect() }
}
