//! The server: a library, so that tests and the demo run it in their own process, and a thin program around it.

mod cli;
mod clock;
pub mod config;
mod entropy;
mod logs;
mod secrets;

pub use clock::MonotonicWall;
pub use entropy::SystemEntropy;
pub use secrets::{Secrets, SecretsError};
