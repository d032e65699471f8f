//! The generic webhook: a signed POST, after Standard Webhooks (<https://www.standardwebhooks.com>).

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use curfew_domain::{DeliveryFailure, Entropy, Event, Invalid, TenantId, Timestamp};
use curfew_store::StoredChannel;
use curfew_store::audit::AuditRecord;
use curfew_store::keyring::{OpenError, SealedText};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::Sha256;

use super::channels::{config_place, secret_place};
use super::sending::Attempt;
use crate::outbound::{Answer, NoAnswer};
use crate::{App, with_causes};

/// What stands in place of a header's value wherever it is shown.
pub const MASK: &str = "********";

/// What a secret begins with, so that people and scanners know it.
const SECRET_PREFIX: &str = "whsec_";

/// The most headers, and the longest name and value of one.
const MOST_HEADERS: usize = 20;
const LONGEST_NAME: usize = 64;
const LONGEST_VALUE: usize = 1_024;

/// The largest message. What is larger goes without its metadata.
const LARGEST: usize = 16 * 1_024;

/// Headers that are the connection's or the message's own, or that open clouds' metadata services.
const OWN_HEADERS: &[&str] = &[
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "keep-alive",
    "metadata",
    "metadata-flavor",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
];
const OWN_PREFIXES: &[&str] = &["proxy-", "webhook-", "x-aws-ec2-metadata-"];

/// Where messages go, and what is sent with each.
#[derive(Debug, Clone)]
pub struct WebhookConfig {
    /// The URL as it was accepted.
    pub url: String,
    /// Headers by their names in lower case. Their values are secret.
    pub headers: BTreeMap<String, SecretString>,
}

/// The same as it lies sealed.
#[derive(Serialize, Deserialize)]
struct Kept {
    url: String,
    headers: BTreeMap<String, String>,
}

impl WebhookConfig {
    /// The text that is sealed.
    pub(super) fn to_text(&self) -> Result<SecretString, serde_json::Error> {
        let headers = self.headers.iter();
        let headers = headers.map(|(name, value)| (name.clone(), value.expose_secret().to_owned())).collect();
        serde_json::to_string(&Kept { url: self.url.clone(), headers }).map(SecretString::from)
    }

    /// The settings out of the text that was sealed.
    pub(super) fn from_text(text: &SecretString) -> Result<Self, serde_json::Error> {
        let kept: Kept = serde_json::from_str(text.expose_secret())?;
        let headers = kept.headers.into_iter().map(|(name, value)| (name, value.into())).collect();
        Ok(Self { url: kept.url, headers })
    }

    fn header_map(&self) -> Option<HeaderMap> {
        let header = |(name, value): (&String, &SecretString)| {
            let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
            let mut value = HeaderValue::from_str(value.expose_secret()).ok()?;
            value.set_sensitive(true);
            Some((name, value))
        };
        self.headers.iter().map(header).collect()
    }
}

/// Reads headers, and refuses what is not for a tenant to send. Each problem names its header.
pub(super) fn read_headers(
    given: BTreeMap<String, SecretString>,
) -> Result<BTreeMap<String, SecretString>, (String, Invalid)> {
    if given.len() > MOST_HEADERS {
        return Err((String::new(), Invalid::new(format!("there are at most {MOST_HEADERS} headers"))));
    }
    let mut headers = BTreeMap::new();
    for (name, value) in given {
        let lower = name.to_ascii_lowercase();
        check_header(&lower, value.expose_secret()).map_err(|problem| (name.clone(), problem))?;
        if headers.insert(lower, value).is_some() {
            return Err((name, Invalid::new("this header is given twice")));
        }
    }
    Ok(headers)
}

fn check_header(name: &str, value: &str) -> Result<(), Invalid> {
    if name.is_empty() || name.len() > LONGEST_NAME || HeaderName::from_bytes(name.as_bytes()).is_err() {
        let wrong = format!("a header's name has 1 to {LONGEST_NAME} letters, digits, hyphens and the like");
        return Err(Invalid::new(wrong));
    }
    if OWN_HEADERS.contains(&name) || OWN_PREFIXES.iter().any(|prefix| name.starts_with(prefix)) {
        return Err(Invalid::new("Curfew sets this header itself, or does not send it"));
    }
    let visible = value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    if value.is_empty() || value.len() > LONGEST_VALUE || !visible || value.trim() != value {
        let wrong = format!("a header's value has 1 to {LONGEST_VALUE} visible ASCII characters");
        return Err(Invalid::new(wrong));
    }
    Ok(())
}

/// A new signing secret.
pub(super) fn new_secret(entropy: &dyn Entropy) -> SecretString {
    let mut key = zeroize::Zeroizing::new([0_u8; 32]);
    entropy.fill(key.as_mut());
    SecretString::from(format!("{SECRET_PREFIX}{}", BASE64_STANDARD.encode(key.as_ref())))
}

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

/// `v1,` and HMAC-SHA256 over `id.timestamp.body`, in base64.
fn signature(secret: &SecretString, head: &[&str], body: &[u8]) -> Option<String> {
    let encoded = secret.expose_secret().strip_prefix(SECRET_PREFIX)?;
    let key = zeroize::Zeroizing::new(BASE64_STANDARD.decode(encoded).ok()?);
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).ok()?;
    for part in head {
        mac.update(part.as_bytes());
        mac.update(b".");
    }
    mac.update(body);
    Some(format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes())))
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

    /// The example of the Standard Webhooks specification's own libraries.
    #[test]
    fn a_signature_is_that_of_standard_webhooks() {
        let secret = SecretString::from("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let head = ["msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330"];
        let signed = signature(&secret, &head, br#"{"test": 2432232314}"#);
        assert_eq!(signed.as_deref(), Some("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
    }

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

    #[test]
    fn headers_that_are_not_a_tenants_to_set_are_refused() {
        let read = |name: &str, value: &str| {
            read_headers(BTreeMap::from([(name.to_owned(), SecretString::from(value))])).is_ok()
        };
        assert!(read("Authorization", "Bearer abc") && read("x-team", "a b"));
        for name in [
            "",
            "Host",
            "content-length",
            "Transfer-Encoding",
            "Connection",
            "Webhook-Id",
            "webhook-signature",
            "Proxy-Authorization",
            "X-aws-ec2-metadata-token",
            "Metadata-Flavor",
            "a b",
            "a:b",
            "ä",
            "a\r\nb",
        ] {
            assert!(!read(name, "x"), "{name:?}");
        }
        for value in ["", " x", "x ", "a\r\nHost: b", "a\u{0}", "ä", &"x".repeat(LONGEST_VALUE + 1)] {
            assert!(!read("x-team", value), "{value:?}");
        }
        let secret = || SecretString::from("x");
        let twice = BTreeMap::from([("X-A".to_owned(), secret()), ("x-a".to_owned(), secret())]);
        assert!(read_headers(twice).is_err());
        let many = (0..=MOST_HEADERS).map(|number| (format!("x-{number}"), secret())).collect();
        assert!(read_headers(many).is_err());
    }
}
