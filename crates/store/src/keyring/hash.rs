use super::{KeyId, Keyring, Purpose};

/// A keyed BLAKE3 hash with the id of its key: enough to recognise a secret, useless for guessing it without the
/// master key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyedHash {
    /// The master key it was made under.
    pub key: KeyId,
    /// The hash.
    pub digest: [u8; 32],
}

impl Keyring {
    /// The hash to keep of `secret`, under the current key. The parts of `secret` are told apart: `["a", "bc"]` and
    /// `["ab", "c"]` have different hashes.
    pub fn hash(&self, purpose: Purpose, secret: &[&[u8]]) -> KeyedHash {
        keyed_hash(self.current.id(), self.current.key(purpose), secret)
    }

    /// Every hash that may have been kept of `secret`, the current key's first: what to look for.
    pub fn candidates(&self, purpose: Purpose, secret: &[&[u8]]) -> Vec<KeyedHash> {
        self.all().map(|keys| keyed_hash(keys.id(), keys.key(purpose), secret)).collect()
    }

    /// Whether something kept under `key` should be renewed under the current one.
    pub fn is_stale(&self, key: KeyId) -> bool {
        key != self.current.id()
    }
}

fn keyed_hash(id: KeyId, key: &[u8; 32], secret: &[&[u8]]) -> KeyedHash {
    let mut hasher = blake3::Hasher::new_keyed(key);
    for part in secret {
        hasher.update(&(part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    KeyedHash { key: id, digest: *hasher.finalize().as_bytes() }
}
