//! The one client for every URL that a tenant chose.
//!
//! Whoever may name a URL may not thereby reach what only this machine reaches: its own loopback, the networks around
//! it, the credentials that a cloud serves under a link-local address. So:
//! - https alone, to any port;
//! - every address that a name leads to must be public, and the connection goes to just those that were looked at: a
//!   name that changes its answer gains nothing ([`address`], `resolve`);
//! - no redirects: where a receiver sends us is one more URL, that nobody has looked at;
//! - no proxies out of the environment;
//! - an answer's body is read up to a limit, dropped, and never shown to anybody.
//!
//! `CURFEW_OUTBOUND_ALLOW` opens hosts ([`OutboundAllow`]): those may be reached over plain http, and where they are.

pub mod address;
mod allow;
mod client;
mod resolve;
mod target;

pub use allow::OutboundAllow;
pub use client::{Answer, NoAnswer, Outbound};
pub use resolve::{Lookup, system_lookup};
pub use target::Target;
