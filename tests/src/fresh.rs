//! Ids, names and passwords that nobody has used before.

use uuid::{Builder, Uuid, Version};

/// An id that names nothing, of the form that Curfew gives out.
pub fn fresh_id() -> Uuid {
    Builder::from_random_bytes(fresh_bytes()).with_version(Version::SortRand).into_uuid()
}

/// A password that no rule of strength refuses.
pub(crate) fn fresh_password() -> String {
    format!("correct-horse-{}", fresh_id().simple())
}

/// Random bytes.
///
/// # Panics
/// When the machine has none.
pub(crate) fn fresh_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("randomness");
    bytes
}
