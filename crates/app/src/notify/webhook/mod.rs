//! The generic webhook: a signed POST, after Standard Webhooks (<https://www.standardwebhooks.com>).

mod config;
mod signature;

use curfew_domain::{DeliveryFailure, Event, TenantId, Timestamp};
use curfew_store::StoredChannel;
use curfew_store::audit::AuditRecord;
use curfew_store::keyring::{OpenError, SealedText};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

use super::channels::{config_place, secret_place};
use super::sending::Attempt;
use crate::outbound::{Answer, NoAnswer};
use crate::{App, with_causes};

pub use config::{MASK, WebhookConfig};

pub(super) use config::read_headers;
pub(super) use signature::new_secret;

use signature::signature;

/// The largest message. What is larger goes without its metadata.
const LARGEST: usize = 16 * 1_024;

/// Sends an entry to a webhook, once.
pub(super) async fn send(
    app: &App,
    tenant: TenantId,
    channel: &StoredChannel,
    entry: &AuditRecord,
) -> Attempt {
    let now = app.now();
    let call = match Call::of(app, tenant, channel, entry, now) {
        Ok(call) => call,
        Err(problem) => {
            tracing::warn!(tenant_id = %tenant, channel_id = %channel.channel.id, error = with_causes(&problem),
                "a channel can't be used");
            return Attempt::unsent(DeliveryFailure::Unusable);
        }
    };
    let answered = match app.outbound.read(&call.url) {
        Ok(target) => app.outbound.post(&target, call.headers, call.body).await,
        // It was opened when it was kept, and is no longer.
        Err(_) => return Attempt::unsent(DeliveryFailure::NoPublicAddress),
    };
    judge(answered)
}

fn judge(answered: Result<Answer, NoAnswer>) -> Attempt {
    let Answer { status } = match answered {
        Ok(answer) => answer,
        Err(NoAnswer::TimedOut) => return Attempt::unsent(DeliveryFailure::TimedOut),
        Err(NoAnswer::NoPublicAddress) => return Attempt::unsent(DeliveryFailure::NoPublicAddress),
        Err(NoAnswer::ConnectionFailed) => return Attempt::unsent(DeliveryFailure::ConnectionFailed),
        Err(NoAnswer::BadAnswer) => return Attempt::unsent(DeliveryFailure::BadAnswer),
        Err(NoAnswer::Unable) => return Attempt::unsent(DeliveryFailure::Unusable),
    };
    let failure = match status {
        200..=299 => None,
        300..=399 => Some(DeliveryFailure::Redirected),
        410 => Some(DeliveryFailure::Gone),
        _ => Some(DeliveryFailure::Refused),
    };
    Attempt { status: Some(status), failure }
}

/// A message, ready to be sent.
struct Call {
    url: String,
    headers: HeaderMap,
    body: Vec<u8>,
}

/// Why a channel can't be used.
#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error("its secrets can't be opened")]
    Sealed(#[from] OpenError),
    #[error("its settings can't be read")]
    Settings(#[from] serde_json::Error),
    #[error("it has no signing secret, or a header that can't be sent")]
    Incomplete,
}

impl Call {
    fn of(
        app: &App,
        tenant: TenantId,
        channel: &StoredChannel,
        entry: &AuditRecord,
        now: Timestamp,
    ) -> Result<Self, Unusable> {
        let config = WebhookConfig::from_text(&app.keyring.open(config_place(tenant), &channel.config)?)?;
        let body = payload(entry)?;
        let (id, at) = (entry.id.to_string(), now.unix_seconds().to_string());
        let mut headers = config.header_map().ok_or(Unusable::Incomplete)?;
        let signatures = signatures(app, tenant, channel, now, &[id.as_str(), at.as_str()], &body)?;
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        for (name, text) in [("webhook-id", id), ("webhook-timestamp", at), ("webhook-signature", signatures)]
        {
            let value = HeaderValue::from_str(&text).map_err(|_| Unusable::Incomplete)?;
            headers.insert(HeaderName::from_static(name), value);
        }
        Ok(Self { url: config.url, headers, body })
    }
}

/// By the secret, and by the one before it while that still signs.
fn signatures(
    app: &App,
    tenant: TenantId,
    channel: &StoredChannel,
    now: Timestamp,
    head: &[&str],
    body: &[u8],
) -> Result<String, Unusable> {
    let former = channel.former_secret.as_ref().filter(|(_, until)| now < *until).map(|(secret, _)| secret);
    let secrets: Vec<&SealedText> = channel.secret.iter().chain(former).collect();
    if secrets.is_empty() {
        return Err(Unusable::Incomplete);
    }
    let sign = |secret: &SealedText| -> Result<String, Unusable> {
        let secret = app.keyring.open(secret_place(tenant), secret)?;
        signature(&secret, head, body).ok_or(Unusable::Incomplete)
    };
    Ok(secrets.into_iter().map(sign).collect::<Result<Vec<_>, _>>()?.join(" "))
}

/// What a receiver is told: nothing that is personal but the ids of people. Metadata of entries holds none.
fn payload(entry: &AuditRecord) -> Result<Vec<u8>, serde_json::Error> {
    let body = &entry.body;
    let event_type = Event::of(body.action).map_or(body.action.as_str(), Event::as_str);
    let message = |metadata: Option<&serde_json::Map<String, Value>>| {
        serde_json::to_vec(&json!({
            "type": event_type,
            "timestamp": body.created_at,
            "data": {
                "tenant_id": body.tenant_id,
                "entry_id": entry.id,
                "resource_type": body.resource_type,
                "resource_id": body.resource_id,
                "actor_type": body.actor_type,
                "actor_id": body.actor_id,
                "metadata": metadata,
            },
        }))
    };
    let whole = message(Some(&body.metadata))?;
    if whole.len() <= LARGEST { Ok(whole) } else { message(None) }
}

#[cfg(test)]
mod tests {
    use curfew_domain::audit::{AuditAction, EntryBody};
    use curfew_domain::{ActorType, AuditEntryId};
    use serde_json::Map;
    use uuid::Uuid;

    use super::*;

    fn entry(metadata: Map<String, Value>) -> AuditRecord {
        let id = AuditEntryId::from_uuid(Uuid::from_u128(1));
        let body = EntryBody {
            id,
            tenant_id: TenantId::from_uuid(Uuid::from_u128(2)),
            actor_type: ActorType::System,
            actor_id: "system".to_owned(),
            on_behalf_of: None,
            action: AuditAction::GrantActive,
            resource_type: "grant".to_owned(),
            resource_id: "g".to_owned(),
            metadata,
            commitments: Map::new(),
            created_at: Timestamp::from_micros(1_772_366_400_000_000),
        };
        AuditRecord { id, body, personal: Vec::new(), sealed: None }
    }

    #[test]
    fn a_message_that_would_be_too_large_goes_without_metadata() {
        let read = |entry| serde_json::from_slice::<Value>(&payload(&entry).unwrap()).unwrap();
        let small = read(entry(Map::from_iter([("a".to_owned(), json!(1))])));
        assert_eq!(
            (&small["type"], &small["data"]["metadata"]),
            (&json!("grant.active"), &json!({ "a": 1 }))
        );
        let large = entry(Map::from_iter([("a".to_owned(), json!("x".repeat(LARGEST)))]));
        assert!(payload(&large).unwrap().len() <= LARGEST);
        assert_eq!(read(large)["data"]["metadata"], Value::Null);
    }
}
