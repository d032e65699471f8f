//! The walk along a chain, entry by entry. Pure.

use std::collections::{BTreeMap, BTreeSet};

use curfew_domain::audit::{ChainHash, ChainHead, EntryBody, PersonalText};
use curfew_domain::{ActorType, AuditEntryId, TenantId, Timestamp, UserId};
use serde_json::Value;

use super::{Finding, MOST_FINDINGS, Verification};
use crate::audit::Sealed;

/// A sealed entry as it lies in the database, with the columns it is looked up by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedEntry {
    /// Its id.
    pub id: AuditEntryId,
    /// Its place in the chain, as stored.
    pub sealed: Sealed,
    /// Its canonical bytes.
    pub body: String,
    /// Column.
    pub created_at: Timestamp,
    /// Column.
    pub actor_id: String,
    /// Column.
    pub person: Option<UserId>,
    /// Column.
    pub action: String,
    /// Column.
    pub resource_type: String,
    /// Column.
    pub resource_id: String,
    /// The texts that are kept of it.
    pub texts: Vec<PersonalText>,
}

/// A walk from the first entry to the last.
#[derive(Debug)]
pub struct ChainWalk {
    tenant: TenantId,
    /// The hashes that heads saw, by number. Two of one number prove by themselves that there were two chains.
    heads: BTreeMap<u64, BTreeSet<ChainHash>>,
    has_heads: bool,
    last_head: u64,
    sequence: u64,
    last: ChainHash,
    sealed: u64,
    erased_texts: u64,
    findings: Vec<Finding>,
}

impl ChainWalk {
    /// Begins at the start of `tenant`'s chain. Heads of other tenants are passed over.
    pub fn new(tenant: TenantId, heads: &[ChainHead]) -> Self {
        let mut seen: BTreeMap<u64, BTreeSet<ChainHash>> = BTreeMap::new();
        for head in heads.iter().filter(|head| head.tenant == tenant) {
            seen.entry(head.sequence).or_default().insert(head.hash);
        }
        Self {
            tenant,
            has_heads: !seen.is_empty(),
            last_head: seen.keys().next_back().copied().unwrap_or_default(),
            heads: seen,
            sequence: 0,
            last: ChainHash::START,
            sealed: 0,
            erased_texts: 0,
            findings: Vec::new(),
        }
    }

    /// The next entry, by its number. One that is wrong does not make those after it wrong.
    pub fn entry(&mut self, entry: &SealedEntry) {
        let Sealed { sequence, hash, previous } = entry.sealed;
        let gap = sequence != self.sequence + 1;
        if gap {
            self.find(Finding::Removed { from: self.sequence + 1, to: sequence.saturating_sub(1) });
        }
        if !gap && previous != self.last {
            self.find(Finding::Unlinked { sequence, entry: entry.id });
        } else if previous.next(self.tenant, sequence, &entry.body) != hash {
            self.find(Finding::Changed { sequence, entry: entry.id, what: "its body" });
        } else {
            self.check_columns(entry);
        }
        if self.heads.remove(&sequence).is_some_and(|seen| seen.into_iter().any(|seen| seen != hash)) {
            self.find(Finding::OtherThanHead { sequence });
        }
        self.sequence = sequence;
        self.last = hash;
        self.sealed += 1;
    }

    /// Something beside the chain.
    pub(super) fn find(&mut self, finding: Finding) {
        if self.findings.len() < MOST_FINDINGS {
            self.findings.push(finding);
        }
    }

    /// The end of the chain, with how many entries wait to be sealed.
    pub fn end(mut self, unsealed: u64) -> Verification {
        if self.last_head > self.sequence {
            self.find(Finding::TailCut { last: self.sequence, head: self.last_head });
        }
        for (sequence, _) in std::mem::take(&mut self.heads).into_iter().filter(|(_, seen)| seen.len() > 1) {
            self.find(Finding::OtherThanHead { sequence });
        }
        Verification {
            sealed: self.sealed,
            last: self.last,
            unsealed,
            not_headed: self.has_heads.then(|| self.sequence.saturating_sub(self.last_head)),
            erased_texts: self.erased_texts,
            findings: self.findings,
        }
    }

    /// What an entry is looked up by must be what it says, or it could be hidden from whoever looks.
    fn check_columns(&mut self, entry: &SealedEntry) {
        let sequence = entry.sealed.sequence;
        let Ok(body) = serde_json::from_str::<EntryBody>(&entry.body) else {
            return self.find(Finding::Changed { sequence, entry: entry.id, what: "its body" });
        };
        let sound = [
            (body.id == entry.id && body.tenant_id == self.tenant, "its id"),
            (body.created_at == entry.created_at, "its time"),
            (body.actor_id == entry.actor_id && person(&body) == entry.person, "its actor"),
            (body.action.as_str() == entry.action, "its action"),
            (
                body.resource_type == entry.resource_type && body.resource_id == entry.resource_id,
                "its resource",
            ),
        ];
        for (_, what) in sound.into_iter().filter(|(sound, _)| !sound) {
            self.find(Finding::Changed { sequence, entry: entry.id, what });
        }
        self.check_texts(entry, &body);
    }

    fn check_texts(&mut self, entry: &SealedEntry, body: &EntryBody) {
        for text in &entry.texts {
            if body.commitments.get(&text.name) != Some(&Value::String(text.commitment())) {
                self.find(Finding::TextChanged { entry: entry.id, name: text.name.clone() });
            }
        }
        let kept = |name: &String| entry.texts.iter().any(|text| text.name == *name);
        self.erased_texts += body.commitments.keys().filter(|name| !kept(name)).count() as u64;
    }
}

/// The person whose rights were used.
fn person(body: &EntryBody) -> Option<UserId> {
    match body.actor_type {
        ActorType::System => None,
        ActorType::ApiKey => body.on_behalf_of,
        ActorType::Local | ActorType::Oidc => body.actor_id.parse().ok(),
    }
}

#[cfg(test)]
mod tests;
