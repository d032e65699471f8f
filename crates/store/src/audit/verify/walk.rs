//! The walk along a chain, entry by entry. Pure.

use std::collections::{BTreeMap, BTreeSet};

use curfew_domain::audit::{ChainHash, EntryBody, PersonalText};
use curfew_domain::{ActorType, AuditEntryId, TenantId, Timestamp, UserId};
use serde_json::Value;

use super::{Finding, MOST_FINDINGS, Verification};
use crate::audit::Sealed;

/// A sealed entry as it lies in the database, with the columns it is looked up by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SealedEntry {
    /// Its id.
    pub(super) id: AuditEntryId,
    /// Its place in the chain, as stored.
    pub(super) sealed: Sealed,
    /// Its canonical bytes.
    pub(super) body: String,
    /// Column.
    pub(super) created_at: Timestamp,
    /// Column.
    pub(super) actor_id: String,
    /// Column.
    pub(super) person: Option<UserId>,
    /// Column.
    pub(super) action: String,
    /// Column.
    pub(super) resource_type: String,
    /// Column.
    pub(super) resource_id: String,
    /// The texts that are kept of it.
    pub(super) texts: KeptTexts,
}

/// The texts that are kept of an entry.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct KeptTexts {
    pub(super) sound: Vec<PersonalText>,
    /// The names of those whose salt is none: nothing can be proved of them.
    pub(super) unreadable: Vec<String>,
}

/// A walk from the first entry to the last.
#[derive(Debug)]
pub(super) struct ChainWalk {
    tenant: TenantId,
    /// The hashes that heads saw, by number. Two of one number prove by themselves that there were two chains.
    heads: BTreeMap<u64, BTreeSet<ChainHash>>,
    last_head: Option<u64>,
    sequence: u64,
    /// The hash that the next entry must follow; none after one whose place can't be read, which accuses only itself.
    last: Option<ChainHash>,
    sealed: u64,
    erased_texts: u64,
    findings: Vec<Finding>,
}

impl ChainWalk {
    /// Begins at the start of `tenant`'s chain.
    pub(super) fn new(tenant: TenantId) -> Self {
        Self {
            tenant,
            heads: BTreeMap::new(),
            last_head: None,
            sequence: 0,
            last: Some(ChainHash::START),
            sealed: 0,
            erased_texts: 0,
            findings: Vec::new(),
        }
    }

    /// A head, before its entry comes. One without a sound hash agrees with no chain.
    pub(super) fn head(&mut self, sequence: u64, hash: Option<ChainHash>) {
        self.last_head = self.last_head.max(Some(sequence));
        match hash {
            Some(hash) => {
                self.heads.entry(sequence).or_default().insert(hash);
            }
            None => self.find(Finding::OtherThanHead { sequence }),
        }
    }

    /// The next entry, by its number. One that is wrong does not make those after it wrong.
    pub(super) fn entry(&mut self, entry: &SealedEntry) {
        let Sealed { sequence, hash, previous } = entry.sealed;
        let is_next = self.goes_on_to(sequence);
        if is_next && self.last.is_some_and(|last| last != previous) {
            self.find(Finding::Unlinked { sequence, entry: entry.id });
        } else if previous.next(self.tenant, sequence, &entry.body) != hash {
            self.find(Finding::Changed { sequence, entry: entry.id, what: "its body" });
        } else {
            self.check_columns(entry);
        }
        if self.heads.remove(&sequence).is_some_and(|seen| seen.into_iter().any(|seen| seen != hash)) {
            self.find(Finding::OtherThanHead { sequence });
        }
        self.last = Some(hash);
    }

    /// The next entry, whose number is known, and whose hashes are none.
    pub(super) fn misplaced(&mut self, sequence: u64, entry: AuditEntryId) {
        self.goes_on_to(sequence);
        self.find(Finding::Changed { sequence, entry, what: "its place in the chain" });
        self.last = None;
    }

    /// Whether `sequence` comes after the number before it.
    fn goes_on_to(&mut self, sequence: u64) -> bool {
        let is_next = sequence == self.sequence + 1;
        if !is_next {
            self.find(Finding::Removed { from: self.sequence + 1, to: sequence.saturating_sub(1) });
        }
        self.sequence = sequence;
        self.sealed += 1;
        is_next
    }

    /// So many personal texts beside the log were erased.
    pub(super) fn erased(&mut self, texts: u64) {
        self.erased_texts += texts;
    }

    /// Something beside the chain.
    pub(super) fn find(&mut self, finding: Finding) {
        if self.findings.len() < MOST_FINDINGS {
            self.findings.push(finding);
        }
    }

    /// The end of the chain, with how many entries wait to be sealed.
    pub(super) fn end(mut self, unsealed: u64) -> Verification {
        if let Some(head) = self.last_head.filter(|head| *head > self.sequence) {
            self.find(Finding::TailCut { last: self.sequence, head });
        }
        for (sequence, _) in std::mem::take(&mut self.heads).into_iter().filter(|(_, seen)| seen.len() > 1) {
            self.find(Finding::OtherThanHead { sequence });
        }
        Verification {
            sealed: self.sealed,
            last: self.last.unwrap_or(ChainHash::START),
            unsealed,
            not_headed: self.last_head.map(|head| self.sequence.saturating_sub(head)),
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
        let KeptTexts { sound, unreadable } = &entry.texts;
        let is_so = |text: &&PersonalText| {
            body.commitments.get(&text.name) == Some(&Value::String(text.commitment()))
        };
        let changed = sound.iter().filter(|text| !is_so(text)).map(|text| &text.name);
        for name in changed.chain(unreadable) {
            self.find(Finding::TextChanged { entry: entry.id, name: name.clone() });
        }
        let kept = |name: &String| sound.iter().any(|text| text.name == *name) || unreadable.contains(name);
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
