//! The domain from its edge: properties that hold whatever comes.
#![expect(clippy::unwrap_used, reason = "a test may end at what it did not expect")]

mod assignments;
mod session_ends;
mod states;
mod texts;
