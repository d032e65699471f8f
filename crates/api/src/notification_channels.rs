use std::collections::{BTreeMap, BTreeSet};

use curfew_domain::{
    AuditEntryId, Change, ChannelId, ChannelType, DeliveryFailure, DeliveryId, DeliveryState, DisplayName,
    Event, Timestamp,
};
use secrecy::SecretString;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::access::{one_of, yes};
use crate::{AtMost, secret};

/// A way to the outside.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct NotificationChannel {
    /// Its id.
    #[schema(value_type = Uuid)]
    pub id: ChannelId,
    /// What people call it.
    #[schema(value_type = String, example = "Security log")]
    pub name: DisplayName,
    /// What it leads to; fixed.
    #[schema(schema_with = channel_type)]
    pub channel_type: ChannelType,
    /// Where it leads. Secrets are masked.
    pub config: ShownChannelConfig,
    /// Whether messages go there.
    pub enabled: bool,
    /// The events that it wants; all of them where empty. Emergency access (`request.break_glass`) is told to every
    /// channel.
    #[schema(schema_with = events)]
    pub event_filters: BTreeSet<Event>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it was last changed.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
}

/// Where a channel leads, as it is shown.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ShownChannelConfig {
    /// Where messages go.
    #[schema(example = "https://hooks.example.com/curfew")]
    pub url: String,
    /// The headers that are sent with each. Their values are shown as `********`.
    #[schema(example = json!({ "authorization": "********" }))]
    pub headers: BTreeMap<String, String>,
}

/// A webhook that is to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewGenericWebhook {
    /// What people call it.
    #[schema(value_type = String, min_length = 1, max_length = 200, example = "Security log")]
    pub name: DisplayName,
    /// Where messages go: https, to a public address.
    #[schema(value_type = String, max_length = 2048, example = "https://hooks.example.com/curfew")]
    pub url: AtMost<2048>,
    /// Headers to send with each message, at most 20. Put what is secret here, and not into the URL.
    #[serde(default, deserialize_with = "headers")]
    #[schema(value_type = BTreeMap<String, String>, example = json!({ "Authorization": "Bearer …" }))]
    pub headers: BTreeMap<String, SecretString>,
    /// Whether messages go there.
    #[serde(default = "yes")]
    #[schema(default = true)]
    pub enabled: bool,
    /// The events that it wants; all of them where empty.
    #[serde(default)]
    #[schema(schema_with = events)]
    pub event_filters: BTreeSet<Event>,
}

/// A channel that was made.
#[derive(Debug, Serialize, ToSchema)]
pub struct NotificationChannelCreated {
    /// The channel.
    #[serde(flatten)]
    pub channel: NotificationChannel,
    /// What signs its messages, by which the receiver knows that they come from Curfew. Told this once.
    #[serde(serialize_with = "secret::tell")]
    #[schema(required, value_type = Option<String>, example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    pub signing_secret: Option<SecretString>,
}

/// What is to change of a channel; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NotificationChannelChange {
    /// Another name.
    #[serde(default)]
    #[schema(value_type = Option<String>, nullable = false, min_length = 1, max_length = 200)]
    pub name: Change<DisplayName>,
    /// Where it is to lead, in place of where it leads.
    #[serde(default)]
    #[schema(value_type = Option<GenericWebhookConfig>, nullable = false)]
    pub config: Change<GenericWebhookConfig>,
    /// Whether messages go there.
    #[serde(default)]
    #[schema(value_type = Option<bool>, nullable = false)]
    pub enabled: Change<bool>,
    /// Other events; all of them where empty.
    #[serde(default)]
    #[schema(schema_with = events)]
    pub event_filters: Change<BTreeSet<Event>>,
}

/// Where a webhook is to lead.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GenericWebhookConfig {
    /// Where messages go: https, to a public address.
    #[schema(value_type = String, max_length = 2048, example = "https://hooks.example.com/curfew")]
    pub url: AtMost<2048>,
    /// Headers to send with each message, in place of all that there were. One whose value is `********`, as it is shown,
    /// keeps its value, as long as the URL leads to the same server.
    #[serde(default, deserialize_with = "headers")]
    #[schema(value_type = BTreeMap<String, String>)]
    pub headers: BTreeMap<String, SecretString>,
}

/// What came of a test.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct NotificationChannelTest {
    /// Whether the receiver took the message.
    pub delivered: bool,
    /// The HTTP status of its answer.
    #[schema(required)]
    pub status_code: Option<u16>,
    /// Why it did not arrive.
    #[schema(required, schema_with = failure)]
    pub reason: Option<DeliveryFailure>,
    /// How long it took.
    pub duration_ms: u64,
}

/// A new signing secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct SigningSecret {
    /// What signs messages from now on. Told this once. For 24 hours the one before signs too.
    #[serde(serialize_with = "secret::tell")]
    #[schema(required, value_type = Option<String>, example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    pub signing_secret: Option<SecretString>,
}

/// One message to a channel.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Delivery {
    /// Its id.
    #[schema(value_type = Uuid)]
    pub id: DeliveryId,
    /// The message's own id, by which receivers know it again (`webhook-id`): that of the entry in the audit log.
    #[schema(value_type = Uuid)]
    pub message_id: AuditEntryId,
    /// What it tells of.
    #[schema(example = "grant.active")]
    pub event_type: String,
    /// How far it has come: it is sent, or sent again, when its time comes; it arrived; or it is sent no more.
    #[schema(schema_with = delivery_state)]
    pub state: DeliveryState,
    /// How often it was sent.
    pub attempts: u32,
    /// When it is sent next.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub next_attempt_at: Option<Timestamp>,
    /// When it was last sent.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub last_attempt_at: Option<Timestamp>,
    /// The HTTP status of the last answer.
    #[schema(required)]
    pub status_code: Option<u16>,
    /// Why it did not arrive the last time.
    #[schema(required, schema_with = failure)]
    pub reason: Option<DeliveryFailure>,
    /// When it was first to be sent.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

fn headers<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, SecretString>, D::Error> {
    let headers = BTreeMap::<String, String>::deserialize(deserializer)?;
    Ok(headers.into_iter().map(|(name, value)| (name, SecretString::from(value))).collect())
}

fn channel_type() -> utoipa::openapi::schema::Object {
    one_of(ChannelType::ALL.iter().map(|one| one.as_str()))
}

fn delivery_state() -> utoipa::openapi::schema::Object {
    one_of(DeliveryState::ALL.iter().map(|one| one.as_str()))
}

fn failure() -> utoipa::openapi::schema::Object {
    use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
    let names = DeliveryFailure::ALL.iter().map(|one| Some(one.as_str())).chain([None]);
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
        .enum_values(Some(names))
        .build()
}

/// An event's name.
pub(crate) fn event() -> utoipa::openapi::schema::Object {
    one_of(Event::ALL.iter().map(|event| event.as_str()))
}

fn events() -> utoipa::openapi::schema::Array {
    utoipa::openapi::schema::ArrayBuilder::new().items(event()).build()
}
