//! Randomness for keys, tokens and request ids.

use uuid::Uuid;

/// Random bytes; where the machine gives none, a count, which is unique if not secret.
pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    use std::sync::atomic::{AtomicU64, Ordering};
    static COUNT: AtomicU64 = AtomicU64::new(1);
    let mut bytes = [0; N];
    if getrandom::fill(&mut bytes).is_err() {
        let count = COUNT.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        for (place, byte) in bytes.iter_mut().rev().zip(count.iter().rev()) {
            *place = *byte;
        }
    }
    bytes
}

/// A random version 4 UUID.
pub(crate) fn uuid() -> String {
    uuid::Builder::from_random_bytes(bytes()).into_uuid().to_string()
}

/// Upper-case letters and digits.
pub(crate) fn letters(length: usize) -> String {
    let mut letters = String::new();
    while letters.len() < length {
        letters.push_str(&Uuid::from_bytes(bytes()).simple().to_string().to_uppercase());
    }
    letters.truncate(length);
    letters
}
