//! The store from its edge, on both databases.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may end at what it did not expect")]

mod audit;
mod credentials;
mod discovery_runs;
mod idempotency;
mod login;
mod migrations;
mod opening;
mod outages;
mod policies;
mod reconcile;
mod request_due;
mod revocations;
mod session_ends;
mod tenants;
mod units;
mod versions;
mod walls;
