use curfew_domain::{Event, NotificationId, PersonalChannel, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::one_of;
use crate::limit::at_most;
use crate::notification_channels::event;

/// Something that a person is told in the console.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct InAppNotification {
    /// Its id.
    #[schema(value_type = Uuid)]
    pub id: NotificationId,
    /// What happened.
    #[schema(schema_with = event)]
    pub event_type: Event,
    /// In a few words.
    #[schema(example = "Your access is ready")]
    pub title: String,
    /// In a sentence or two.
    #[schema(example = "ReadOnly in Development (111111111111) until 2026-03-01 14:00 UTC.")]
    pub body: String,
    /// The kind of thing that it is about.
    #[schema(required, example = "grant")]
    pub resource_type: Option<String>,
    /// Which of them.
    #[schema(required)]
    pub resource_id: Option<String>,
    /// When it was read.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub read_at: Option<Timestamp>,
    /// When it was told.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

/// One page of a person's notifications.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct InAppNotifications {
    /// What is on it, newest first.
    pub items: Vec<InAppNotification>,
    /// How many of all are not read.
    pub unread_count: u64,
    /// Whether there is a next page.
    pub has_more: bool,
    /// Where the next page begins, to be sent back as `cursor`; opaque. Null on the last page.
    #[schema(required)]
    pub next_cursor: Option<String>,
}

/// How many notifications were marked as read.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct NotificationsRead {
    /// So many that were not.
    pub read: u64,
}

/// What a person wants to be told of, and where.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NotificationPreferences {
    /// One for each event and place. What was never said is wanted.
    #[serde(deserialize_with = "at_most::<200, _, _>")]
    #[schema(max_items = 200)]
    pub preferences: Vec<NotificationPreference>,
}

/// Whether a person wants to be told of an event in one place.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NotificationPreference {
    /// Of what.
    #[schema(schema_with = event)]
    pub event_type: Event,
    /// Where.
    #[schema(schema_with = personal_channel)]
    pub channel: PersonalChannel,
    /// Whether.
    pub enabled: bool,
}

fn personal_channel() -> utoipa::openapi::schema::Object {
    one_of(PersonalChannel::ALL.iter().map(|one| one.as_str()))
}
