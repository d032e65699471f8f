//! What Curfew does: use cases, the reconciler, the audit sealer. The only place that ties policy, store and AWS
//! together.
//!
//! A use case loads what it needs, decides with pure functions, writes the change with its audit entry and due
//! rows in one transaction, and nudges the reconciler. No network call happens inside a transaction.

pub mod api_keys;
mod app;
pub mod audit;
pub mod aws_resources;
mod caller;
mod causes;
pub mod connection;
pub mod credentials;
pub mod cursors;
pub mod directory;
pub mod discovery;
pub mod drift;
mod error;
pub mod gate;
pub mod grants;
pub mod groups;
pub mod health;
pub mod lockdowns;
pub mod login;
pub mod notify;
pub mod nudge;
mod once;
pub mod outbound;
mod pace;
mod patience;
pub mod policies;
pub mod reconciler;
mod relay;
pub mod requests;
pub mod roles;
mod round;
pub mod settings;
pub mod setup;
pub mod tenants;
#[cfg(feature = "testing")]
pub mod testing;
pub mod upkeep;
pub mod users;

pub use app::App;
pub use caller::Caller;
pub use causes::with_causes;
pub use error::{AppError, FieldProblem};
pub use once::{Made, Once};
pub use relay::Relay;
