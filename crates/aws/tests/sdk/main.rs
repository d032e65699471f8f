//! The adapter over the real SDK, against the stand-in for AWS.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may end at what it did not expect")]

mod assignments;
mod counted;
mod directory;
mod environment;
mod mac_keys;
mod session_policies;
mod sessions;
mod sts;
mod support;
