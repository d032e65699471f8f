//! Passwords: which are taken, and how they are kept (argon2id, RFC 9106) and checked.

mod policy;
mod work;

pub use policy::{AboutPerson, NewPassword, PresentedPassword};
pub use work::{PasswordError, PasswordHash, Passwords};
