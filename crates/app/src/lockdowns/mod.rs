//! Lockdowns: one call ends all access of a person, to an account, or of the tenant, and lets nobody give any that it
//! covers until it is lifted.
//!
//! Nothing slips by. Whoever makes a grant holds the tenant's connection and then asks `check`; whoever starts a lockdown
//! waits for those who hold it, and then revokes what they made.

mod check;
mod lift;
mod read;
mod start;

pub use lift::lift;
pub use read::{get, list};
pub use start::{NewLockdown, start};

pub(crate) use check::{check, refuse};
