//! Signing in.

pub mod backoff;
