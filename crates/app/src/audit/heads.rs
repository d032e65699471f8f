//! Heads of the audit chains: signed, and sent out of the database.
//!
//! A chain that was cut at its end, or computed anew from somewhere on, verifies by itself. It does not agree with
//! heads that somebody else kept. So every minute each chain's head is signed and appended to a file, to be shipped
//! to where whoever administers the database can't write.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use curfew_domain::audit::ChainHead;
use curfew_domain::{Invalid, TenantId, Timestamp};
use curfew_store::audit::SignedHead;
use curfew_store::{Store, StoreError};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};

use super::all_tenants;
use crate::round::Round;

/// Where heads go.
pub trait HeadSink: Send + Sync {
    /// Keeps a line for good, or says why not.
    fn append(&self, line: &str) -> std::io::Result<()>;
}

/// Why heads were not sent out.
#[derive(Debug, thiserror::Error)]
pub enum HeadsError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The line could not be kept.
    #[error("a head could not be kept outside the database")]
    Sink(#[from] std::io::Error),
}

/// Signs the head of every chain that is not the one signed last, and appends it to `sink`. Answers how many. A chain
/// whose head can't be had holds up no other.
pub async fn send_out(
    store: &Store,
    key: &SigningKey,
    sink: &dyn HeadSink,
    now: Timestamp,
) -> Result<u64, HeadsError> {
    let (mut sent, mut round) = (0, Round::new());
    for tenant in all_tenants(store).await? {
        let is_sent = round.of(tenant, send_one(store, tenant, key, sink, now).await)?;
        sent += u64::from(is_sent.unwrap_or_default());
    }
    round.end(sent)
}

/// Whether there was one to send. The line is kept before the database notes it: a crash in between repeats a head, and
/// loses none.
async fn send_one(
    store: &Store,
    tenant: TenantId,
    key: &SigningKey,
    sink: &dyn HeadSink,
    now: Timestamp,
) -> Result<bool, HeadsError> {
    let Some(head) = grown(store, tenant, now).await? else { return Ok(false) };
    let signed = sign(key, head);
    sink.append(&HeadLine::of(&signed).to_string())?;
    let unit = store.tenant(tenant).write().await?;
    unit.insert_head(&signed).await?;
    unit.commit().await?;
    Ok(true)
}

/// The chain's head, unless it was signed already.
///
/// A head that was signed further on, or of another chain, shows that the log was tampered with: then what stands now
/// is sent out each time, for it is the two together that prove it.
async fn grown(store: &Store, tenant: TenantId, now: Timestamp) -> Result<Option<ChainHead>, StoreError> {
    let unit = store.tenant(tenant).read().await?;
    let Some(head) = unit.chain_head(now).await? else { return Ok(None) };
    let latest = unit.latest_head().await?.map_or(0, |latest| latest.head.sequence);
    let signed = unit.head_at(head.sequence).await?;
    let contradicts = signed.as_ref().is_some_and(|signed| signed.head.hash != head.hash);
    if contradicts || latest > head.sequence {
        metrics::counter!("curfew_audit_contradictions_total").increment(1);
        tracing::error!(
            tenant_id = %tenant, sequence = head.sequence, signed_up_to = latest,
            "the audit log contradicts a head that was signed: it was cut, or computed anew"
        );
        return Ok(Some(head));
    }
    Ok(signed.is_none().then_some(head))
}

fn sign(key: &SigningKey, head: ChainHead) -> SignedHead {
    let signature = key.sign(&head.signed_bytes()).to_bytes().to_vec();
    SignedHead { head, key_id: key_id(&key.verifying_key()), signature }
}

/// Names a signing key in its heads: the first 64 bits of the public key's hash, in hex.
pub fn key_id(key: &VerifyingKey) -> String {
    blake3::hash(key.as_bytes()).to_hex()[..16].to_owned()
}

/// What a line of heads is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Genuine {
    /// Signed by a known key.
    Yes,
    /// Names a known key, and was not signed by it.
    Forged,
    /// Names a key that is not known here.
    UnknownKey,
}

/// A head as it is written outside the database: one line of JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeadLine {
    tenant_id: TenantId,
    sequence: u64,
    hash: String,
    at: Timestamp,
    key_id: String,
    signature: String,
}

impl HeadLine {
    fn of(signed: &SignedHead) -> Self {
        Self {
            tenant_id: signed.head.tenant,
            sequence: signed.head.sequence,
            hash: signed.head.hash.to_string(),
            at: signed.head.at,
            key_id: signed.key_id.clone(),
            signature: BASE64_STANDARD.encode(&signed.signature),
        }
    }

    /// Whether a line is not even JSON: writing it was cut short.
    pub fn is_torn(line: &str) -> bool {
        serde_json::from_str::<serde::de::IgnoredAny>(line).is_err()
    }

    /// Which key it says that it is signed with.
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// What it says of the chain; to be believed only when it is genuine.
    pub fn head(&self) -> Result<ChainHead, Invalid> {
        Ok(ChainHead {
            tenant: self.tenant_id,
            sequence: self.sequence,
            hash: self.hash.parse()?,
            at: self.at,
        })
    }

    /// Whether one of `keys` signed it.
    pub fn genuine(&self, keys: &[VerifyingKey]) -> Genuine {
        let Some(key) = keys.iter().find(|key| key_id(key) == self.key_id) else {
            return Genuine::UnknownKey;
        };
        let signature =
            BASE64_STANDARD.decode(&self.signature).ok().and_then(|bytes| Signature::from_slice(&bytes).ok());
        match (self.head(), signature) {
            (Ok(head), Some(signature)) if key.verify_strict(&head.signed_bytes(), &signature).is_ok() => {
                Genuine::Yes
            }
            _ => Genuine::Forged,
        }
    }
}

impl fmt::Display for HeadLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}

impl FromStr for HeadLine {
    type Err = Invalid;

    fn from_str(line: &str) -> Result<Self, Invalid> {
        serde_json::from_str(line).map_err(|error| Invalid::new(format!("not a head: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use curfew_domain::audit::ChainHash;
    use uuid::Uuid;

    use super::*;

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_bytes(&[seed; 32])
    }

    fn line(sequence: u64) -> HeadLine {
        let head = ChainHead {
            tenant: TenantId::from_uuid(Uuid::from_u128(7)),
            sequence,
            hash: ChainHash::from_bytes([9; 32]),
            at: Timestamp::from_micros(1_772_366_400_000_000),
        };
        HeadLine::of(&sign(&key(1), head))
    }

    #[test]
    fn a_head_is_read_back_from_its_line_and_known_by_its_key() {
        let written = line(3).to_string();
        let read: HeadLine = written.parse().unwrap();
        assert_eq!(read, line(3));
        assert_eq!(read.head().unwrap().sequence, 3);
        let keys = [key(2).verifying_key(), key(1).verifying_key()];
        assert_eq!(read.genuine(&keys), Genuine::Yes);
        assert_eq!(read.genuine(&keys[..1]), Genuine::UnknownKey);
    }

    #[test]
    fn a_head_that_was_changed_is_not_genuine() {
        let keys = [key(1).verifying_key()];
        let forgeries: [fn(&mut HeadLine); 5] = [
            |line| line.sequence = 4,
            |line| line.hash = ChainHash::START.to_string(),
            |line| line.tenant_id = TenantId::from_uuid(Uuid::from_u128(8)),
            |line| line.signature = "AAAA".to_owned(),
            |line| line.hash = "x".to_owned(),
        ];
        for forge in forgeries {
            let mut forged = line(3);
            forge(&mut forged);
            assert_eq!(forged.genuine(&keys), Genuine::Forged, "{forged}");
        }
    }
}
