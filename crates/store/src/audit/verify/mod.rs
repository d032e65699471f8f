//! Proving the log.
//!
//! The chain proves by itself that no sealed entry was changed, removed from its midst, inserted or moved. A chain
//! that was cut at its tail, or computed anew from some entry on, verifies by itself: that shows only against heads
//! that left the database before.
//!
//! What is kept beside the log and explains it (decisions, and policies as they were) is proved by entries that hold
//! its hash. So are the policies that decide now: they are those that the log tells of last, no others and no fewer.

mod kept;
mod policies;
mod read;
mod walk;

use curfew_domain::audit::ChainHash;
use curfew_domain::{AuditEntryId, PolicyId};

pub use kept::Kept;
pub use read::AuditWalk;

/// What a walk along a tenant's chain found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// How many sealed entries there are.
    pub sealed: u64,
    /// The hash of the last one; [`ChainHash::START`] when there is none, or it is no hash.
    pub last: ChainHash,
    /// How many entries wait to be sealed: nothing is proved of them.
    pub unsealed: u64,
    /// How many sealed entries no head covers; none without heads, and then the tail is not proved.
    pub not_headed: Option<u64>,
    /// How many personal texts were erased: of entries, and what decisions were told of people.
    pub erased_texts: u64,
    /// What is wrong, at most [`MOST_FINDINGS`].
    pub findings: Vec<Finding>,
}

/// Findings beyond these are not listed: the log is not to be trusted anyway.
pub const MOST_FINDINGS: usize = 1_000;

impl Verification {
    /// Whether nothing is wrong.
    pub fn is_sound(&self) -> bool {
        self.findings.is_empty()
    }
}

/// Something that Curfew did not write.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Finding {
    /// An entry does not say what was sealed.
    #[error("entry {sequence} ({entry}) was changed: {what}")]
    Changed {
        /// Its number.
        sequence: u64,
        /// Its id.
        entry: AuditEntryId,
        /// What of it.
        what: &'static str,
    },
    /// Numbers are missing from the midst of the chain.
    #[error("entries {from} to {to} were removed")]
    Removed {
        /// The first that is missing.
        from: u64,
        /// The last.
        to: u64,
    },
    /// An entry does not follow the one before it: it was inserted or moved, or the one before was exchanged.
    #[error("entry {sequence} ({entry}) does not follow the one before it: inserted or reordered")]
    Unlinked {
        /// Its number.
        sequence: u64,
        /// Its id.
        entry: AuditEntryId,
    },
    /// An entry stands outside the chain without waiting to be sealed.
    #[error("entry {entry} was inserted beside the chain")]
    Unqueued {
        /// Its id.
        entry: AuditEntryId,
    },
    /// An entry that waited to be sealed is gone.
    #[error("entry {entry} was removed before it was sealed")]
    RemovedUnsealed {
        /// Its id.
        entry: AuditEntryId,
    },
    /// A personal text is not the one that was committed to.
    #[error("the text '{name}' of entry {entry} was changed")]
    TextChanged {
        /// Whose.
        entry: AuditEntryId,
        /// Which text.
        name: String,
    },
    /// What an entry proves of what is kept beside the log is not so: it was changed or removed.
    #[error("{kept}, of which entry {entry} tells, was changed or removed")]
    KeptChanged {
        /// The entry.
        entry: AuditEntryId,
        /// Of what it tells.
        kept: Kept,
    },
    /// A policy decides by other terms or rules than those that were logged.
    #[error("policy {policy} is not what was logged as its version {version}")]
    OtherPolicy {
        /// Which policy.
        policy: PolicyId,
        /// The last version that was logged.
        version: u32,
    },
    /// A policy decides, though no entry tells that it was made, or its last one tells that it was deleted.
    #[error("policy {policy} was put in: no entry tells of it, or one tells that it was deleted")]
    UnloggedPolicy {
        /// Which policy.
        policy: PolicyId,
    },
    /// A policy is gone, though no entry tells that it was deleted.
    #[error("policy {policy}, last logged as its version {version}, was taken away")]
    PolicyTakenAway {
        /// Which policy.
        policy: PolicyId,
        /// Its last version.
        version: u32,
    },
    /// There are more decisions than the log tells of.
    #[error("{count} decisions were inserted of which no entry tells")]
    UnloggedDecisions {
        /// How many.
        count: u64,
    },
    /// The chain ends before a head that left the database.
    #[error("the chain ends at entry {last}, but a head was taken at entry {head}: its tail was cut off")]
    TailCut {
        /// The last entry that is there.
        last: u64,
        /// The head's.
        head: u64,
    },
    /// The chain is another one than a head saw: it was computed anew.
    #[error("entry {sequence} is not the one that a head was taken at: the chain was computed anew")]
    OtherThanHead {
        /// The head's number.
        sequence: u64,
    },
}
