//! The router as a client meets it: whole requests and whole replies, over a real store.

#![expect(clippy::unwrap_used, reason = "a test may end at what it did not expect")]

mod analyses;
mod api_keys;
mod audit;
mod bodies;
mod channels;
mod credentials;
mod description;
mod drift;
mod everybody;
mod grants;
mod groups;
mod health;
mod known_aws;
mod lists;
mod lockdowns;
mod login;
mod notifications;
mod policies;
mod requests;
mod roles;
mod setup;
mod support;
mod tenants;
mod users;
