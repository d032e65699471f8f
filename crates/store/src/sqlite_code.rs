//! SQLite's primary result codes ("Result and Error Codes").

use sea_orm::sqlx::error::DatabaseError;

pub(crate) const BUSY: u32 = 5;
pub(crate) const LOCKED: u32 = 6;
pub(crate) const READ_ONLY: u32 = 8;
pub(crate) const IO: u32 = 10;
pub(crate) const FULL: u32 = 13;
pub(crate) const CANT_OPEN: u32 = 14;
pub(crate) const NOT_A_DATABASE: u32 = 26;

/// The primary code of what SQLite said: the low byte of its extended codes, which the driver gives. 0 where it gives
/// none.
pub(crate) fn primary(error: &dyn DatabaseError) -> u32 {
    error.code().and_then(|code| code.parse::<u32>().ok()).unwrap_or_default() & 0xFF
}
