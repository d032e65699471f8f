//! The stand-in, from outside: over HTTP as SDKs talk to it, and through its control.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may end at what it did not expect")]

mod assignments;
mod control;
mod credentials;
mod delegation;
mod faults;
mod identity_store;
mod instances;
mod kms;
mod limits;
mod organizations;
mod person_sessions;
mod policies;
mod program;
mod sts;
mod support;
