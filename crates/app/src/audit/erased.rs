//! What proves that a tenant's log was erased, and not cut off: its parent's log tells of it, and where it ended.

use curfew_domain::audit::{AuditAction, ChainHash, ChainHead};
use curfew_domain::{PageRequest, TenantId};
use curfew_store::audit::AuditFilter;
use curfew_store::{Store, StoreError};
use serde_json::Value;

use super::{Finding, Verification};

/// What is left to say of an erased tenant's log, held against heads that left the database before. None where the master's
/// log does not tell that the tenant was erased, or the tenant is there.
pub async fn end_of_erased(
    store: &Store,
    tenant: TenantId,
    heads: &[ChainHead],
) -> Result<Option<Verification>, StoreError> {
    let Some(master) = store.unwalled().read().await?.installation().await?.master else { return Ok(None) };
    told_by_parent(store, master, tenant, heads).await
}

/// The same, by the log of `parent`.
pub async fn told_by_parent(
    store: &Store,
    parent: TenantId,
    tenant: TenantId,
    heads: &[ChainHead],
) -> Result<Option<Verification>, StoreError> {
    let unit = store.tenant(parent).read().await?;
    if unit.tenant_by_id(tenant).await?.is_some() {
        return Ok(None);
    }
    let erased = AuditFilter {
        action: Some(AuditAction::TenantDeleted),
        resource_id: Some(tenant.to_string()),
        ..AuditFilter::default()
    };
    let told = unit.audit_page(&erased, &PageRequest::default()).await?.items;
    // One that is not sealed yet proves nothing; within a second it is.
    let Some(told) = told.into_iter().find(|entry| entry.sealed.is_some()) else { return Ok(None) };
    let sealed = told.body.metadata.get("last_sequence").and_then(Value::as_u64).unwrap_or_default();
    let hash = told.body.metadata.get("last_hash").and_then(Value::as_str);
    let last = hash.and_then(|hash| hash.parse().ok()).unwrap_or(ChainHash::START);
    Ok(Some(verification(sealed, last, heads.iter().filter(|head| head.tenant == tenant))))
}

fn verification<'h>(
    sealed: u64,
    last: ChainHash,
    heads: impl Iterator<Item = &'h ChainHead>,
) -> Verification {
    let (mut findings, mut headed) = (Vec::new(), None);
    for head in heads {
        headed = headed.max(Some(head.sequence.min(sealed)));
        if head.sequence > sealed {
            findings.push(Finding::TailCut { last: sealed, head: head.sequence });
        } else if head.sequence == sealed && head.hash != last {
            findings.push(Finding::OtherThanHead { sequence: sealed });
        }
    }
    let not_headed = headed.map(|headed| sealed - headed);
    Verification { sealed, last, unsealed: 0, not_headed, erased_texts: 0, findings }
}

#[cfg(test)]
mod tests {
    use curfew_domain::Timestamp;
    use uuid::Uuid;

    use super::*;

    fn head(sequence: u64, hash: u8) -> ChainHead {
        ChainHead {
            tenant: TenantId::from_uuid(Uuid::nil()),
            sequence,
            hash: ChainHash::from_bytes([hash; 32]),
            at: Timestamp::from_micros(0),
        }
    }

    #[test]
    fn heads_agree_with_the_end_of_an_erased_log_or_tell_that_more_was_there() {
        let found = |heads: &[ChainHead]| verification(7, ChainHash::from_bytes([7; 32]), heads.iter());
        assert!(found(&[]).is_sound());
        assert_eq!(found(&[]).not_headed, None);
        let agreed = found(&[head(3, 1), head(7, 7)]);
        assert!(agreed.is_sound());
        assert_eq!(agreed.not_headed, Some(0));
        assert_eq!(found(&[head(3, 1)]).not_headed, Some(4));
        assert!(!found(&[head(8, 8)]).is_sound());
        assert!(!found(&[head(7, 8)]).is_sound());
    }
}
