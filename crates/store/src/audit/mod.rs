//! The audit log: written in the transaction of each change, sealed after it.

mod record;
