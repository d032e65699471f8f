//! The server as a program and as a library, from outside.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may end at what it did not expect"
)]

mod audit;
mod embedded;
mod program;
mod starting;
mod stopping;
