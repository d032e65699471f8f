//! Grants: why people have access. What AWS holds for them is the reconciler's to bring about.

mod change;
mod make;
mod read;
mod revoke;
mod sessions;
mod timeline;
mod told;

pub use change::set_audit;
pub use read::{get, list};
pub use revoke::revoke;
pub use timeline::{Happening, timeline};

pub use crate::requests::{Extended, Extension, NewGrant, extend, give};

pub use curfew_store::{GrantFilter, GrantView};

pub(crate) use make::{Gift, Grounds, Making, check_active, grant_entry};
pub(crate) use revoke::{revoked, revoked_entry};
pub(crate) use sessions::{end_all_sessions, end_sessions, end_sessions_left_over, end_stray_sessions};
