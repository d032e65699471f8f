//! The server: a library, so that tests and the demo run it in their own process, and a thin program around it.
//!
//! ```ignore
//! let mut source = Source::default();
//! source.set("DATABASE_URL", "sqlite:///tmp/curfew.db");
//! let wiring = Wiring { clock: ServerClock::Given(clock), entropy, aws, keys, reconciles: true };
//! serve(Config::read(&source)?, wiring, listener, shutdown).await?;
//! ```

mod cli;
mod clock;
mod command;
pub mod config;
mod entropy;
mod kms;
mod logs;
mod secrets;
mod serve;

pub use clock::MonotonicWall;
pub use command::run;
pub use config::{Config, Source};
pub use entropy::SystemEntropy;
pub use kms::KmsError;
pub use secrets::{Secrets, SecretsError};
pub use serve::{ServeError, Server, ServerClock, Wiring, serve};
