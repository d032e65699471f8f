//! What the reconciler keeps: who owns a connection, what is due, and what was sent to AWS and seen there.
//!
//! Locks are taken in one order: an assignment, then its grants, then its due row.

mod assignments;
mod calls;
mod claims;
mod due;
mod grants;
mod leases;
mod together;

pub(crate) use assignments::key_of;
pub use assignments::{AssignmentWork, HeldAssignment, LinkedGrant};
pub use calls::AssignmentCall;
pub use due::DueAssignment;
pub(crate) use grants::times_of;
