//! The audit log: written in the transaction of each change, and sealed after it.
//!
//! An entry first stands outside the chain, in `audit_unsealed`. The sealer gives it its sequence number and hash,
//! in batches, one sealer a tenant at a time. What the chain proves of itself, and what only heads that left the
//! database prove, is in [`verify`].

mod erase;
mod heads;
mod list;
mod record;
mod seal;
pub mod verify;

pub use heads::SignedHead;
pub use list::{AuditFilter, AuditRecord, Sealed};
