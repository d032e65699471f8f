//! Identifiers made from names, so that the same world has the same ids in every run.

use uuid::Uuid;

use crate::hex;

/// `length` lower-case hexadecimal digits that depend on `kind` and `name` alone.
pub(crate) fn hex_id(kind: &str, name: &str, length: usize) -> String {
    let mut digits = String::new();
    let mut round = 0_u64;
    while digits.len() < length {
        digits.push_str(&hex::digits(&fnv1a(&[kind, name, &round.to_string()]).to_be_bytes()));
        round += 1;
    }
    digits.truncate(length);
    digits
}

/// A UUID that depends on `kind` and `name` alone.
pub(crate) fn uuid_id(kind: &str, name: &str) -> String {
    let high = u128::from(fnv1a(&[kind, name, "high"]));
    let low = u128::from(fnv1a(&[kind, name, "low"]));
    Uuid::from_u128((high << 64) | low).to_string()
}

/// A resource id of the Identity Store: ten digits of the store, then a UUID.
pub(crate) fn resource_id(store: &str, kind: &str, name: &str) -> String {
    let prefix = store.strip_prefix("d-").unwrap_or(store);
    format!("{prefix:.10}-{}", uuid_id(kind, &format!("{store}/{name}")))
}

/// FNV-1a, with the final mixing of SplitMix64 so that near names don't give near ids.
fn fnv1a(parts: &[&str]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in parts.join("\u{1f}").bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

/// The id of a user's membership in a group.
pub(crate) fn membership_id(store: &str, group: &str, user: &str) -> String {
    resource_id(store, "membership", &format!("{group}/{user}"))
}
