use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use curfew_domain::Invalid;

/// `CURFEW_SIGNING_KEY`: an Ed25519 seed of 32 bytes, in base64.
#[derive(Clone)]
pub struct SigningKey(ed25519_dalek::SigningKey);

impl SigningKey {
    /// The key itself.
    pub const fn key(&self) -> &ed25519_dalek::SigningKey {
        &self.0
    }
}

impl FromStr for SigningKey {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let wrong = || Invalid::new("it must be 32 bytes in base64; `openssl rand -base64 32` makes one");
        let seed = BASE64_STANDARD.decode(text).map_err(|_| wrong())?;
        let seed: [u8; 32] = seed.try_into().map_err(|_| wrong())?;
        Ok(Self(ed25519_dalek::SigningKey::from_bytes(&seed)))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(…)")
    }
}
