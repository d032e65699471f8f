use std::fmt;
use std::str::FromStr;

use curfew_domain::Invalid;
use secrecy::{ExposeSecret, SecretString};

/// A master key as it was configured: at least 32 bytes of text that nobody can guess, such as
/// `openssl rand -base64 32` prints. Taken byte for byte, whatever its encoding.
#[derive(Clone)]
pub struct MasterKey(SecretString);

impl MasterKey {
    /// The least length, in bytes: a shorter text can't hold 256 bits in any common encoding.
    pub const MIN_BYTES: usize = 32;

    pub(super) fn bytes(&self) -> &[u8] {
        self.0.expose_secret().as_bytes()
    }
}

impl FromStr for MasterKey {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        if text.len() < Self::MIN_BYTES {
            return Err(Invalid::new(format!(
                "a master key has at least {} bytes; `openssl rand -base64 32` makes one",
                Self::MIN_BYTES
            )));
        }
        Ok(Self(SecretString::from(text)))
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

/// Names a master key without telling anything of it: derived from it, so that nobody has to number keys.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(u32);

impl KeyId {
    /// From its stored form.
    pub const fn from_u32(id: u32) -> Self {
        Self(id)
    }

    /// For storage.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

/// What a derived key is for. A name never changes: the key follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Recognising API keys, session tokens and setup links.
    Credential,
    /// Telling forms of the console from forged ones.
    Csrf,
    /// Telling list cursors that were given out from made-up ones.
    Cursor,
    /// Recognising a repeated request without keeping it.
    Idempotency,
    /// Counting tries to sign in without keeping who tried.
    LoginAttempt,
    /// Finding the tenant of a slug or e-mail domain without keeping either.
    LoginName,
    /// Encrypting what must be read back.
    Seal,
}

impl Purpose {
    /// All of them, in the order of their declaration.
    pub const ALL: [Purpose; 7] = [
        Purpose::Credential,
        Purpose::Csrf,
        Purpose::Cursor,
        Purpose::Idempotency,
        Purpose::LoginAttempt,
        Purpose::LoginName,
        Purpose::Seal,
    ];

    pub(super) const fn label(self) -> &'static str {
        match self {
            Purpose::Credential => "credential",
            Purpose::Csrf => "csrf",
            Purpose::Cursor => "cursor",
            Purpose::Idempotency => "idempotency",
            Purpose::LoginAttempt => "login-attempt",
            Purpose::LoginName => "login-name",
            Purpose::Seal => "seal",
        }
    }
}
