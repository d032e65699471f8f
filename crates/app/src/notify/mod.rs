//! Who is told: the outbox, people's notifications, channels to the outside.
//!
//! An entry of the audit log that is an event ([`Event::of`](curfew_domain::Event::of)) puts a row into the outbox, in
//! its own transaction. So nothing is told that was not recorded, and nothing that was recorded is not told. The
//! [`Notifier`] takes such rows up, and in one transaction turns each into a notification for everybody whom it concerns
//! (`audience`, `words`) and a message to every channel that wants it (`telling`), which is then sent (`sending`).
//!
//! People are told once; a message to a channel arrives at least once, under an id by which receivers know it again.
//!
//! To add a channel type: one file beside [`webhook`], which says what its settings are and how a message is sent, an arm
//! in `sending`, and its operations.

mod audience;
mod backoff;
pub mod channels;
pub mod inbox;
mod notifier;
pub mod preferences;
mod sending;
mod telling;
pub mod webhook;
mod words;

pub use notifier::Notifier;
