//! The keys that everything secret in the database is kept under.
//!
//! An installation has master keys: the current one, and older ones until all that they protect has been renewed.
//! None of them is used for anything but deriving: each purpose has a key of its own (HKDF-SHA-256, RFC 5869), so
//! that what one key does can't be turned against another. Every ciphertext and every keyed hash carries the id of
//! the master key it came from.
//!
//! - What must be read back is *sealed*: see [`Keyring::seal`] and [`Keyring::open`].
//! - What must only be recognised is *hashed*: see [`Keyring::hash`] and [`Keyring::candidates`].
//!
//! To rotate: put the new master key first and keep the old one behind it; re-seal what [`Keyring::is_stale`] says
//! is old; a hash is renewed when its secret is next shown. When nothing names the old key's id any more, drop it.

mod derive;
mod hash;
mod master;
mod seal;

pub use hash::KeyedHash;
pub use master::{KeyId, MasterKey, Purpose};
pub use seal::{OpenError, SealedColumn, SealedText};

use derive::PurposeKeys;

/// The master keys of an installation, as the keys derived from them. Never shown by `Debug`.
pub struct Keyring {
    current: PurposeKeys,
    older: Vec<PurposeKeys>,
}

/// Two master keys are the same, or share an id by chance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("two of the master keys are the same (key id {0})")]
pub struct DuplicateKey(pub KeyId);

impl Keyring {
    /// `current` seals and hashes from now on; `older` still open and recognise.
    pub fn new(current: &MasterKey, older: &[MasterKey]) -> Result<Self, DuplicateKey> {
        let keyring = Self {
            current: PurposeKeys::derive(current),
            older: older.iter().map(PurposeKeys::derive).collect(),
        };
        let ids: Vec<KeyId> = keyring.all().map(PurposeKeys::id).collect();
        for (at, id) in ids.iter().enumerate() {
            if ids[..at].contains(id) {
                return Err(DuplicateKey(*id));
            }
        }
        Ok(keyring)
    }

    /// The id of the key that seals and hashes now.
    pub fn current_key(&self) -> KeyId {
        self.current.id()
    }

    /// The ids of all keys, the current one's first.
    pub fn key_ids(&self) -> impl Iterator<Item = KeyId> + '_ {
        self.all().map(PurposeKeys::id)
    }

    fn all(&self) -> impl Iterator<Item = &PurposeKeys> {
        std::iter::once(&self.current).chain(&self.older)
    }

    fn of(&self, id: KeyId) -> Option<&PurposeKeys> {
        self.all().find(|keys| keys.id() == id)
    }
}

impl std::fmt::Debug for Keyring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keyring")
            .field("current", &self.current.id())
            .field("older", &self.older.iter().map(PurposeKeys::id).collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
