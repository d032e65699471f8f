use std::fmt;

use curfew_domain::Seconds;
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

/// What the installation has chosen about logins.
#[derive(Debug, Clone)]
pub struct GateSettings {
    /// How long a token or cookie lives before it must be refreshed (`JWT_TTL`).
    pub token_lives: Seconds,
    /// What the first-run setup must show; none where only this machine can reach it.
    pub setup_token: Option<SetupToken>,
    /// Where people reach the console, without a slash at its end: links begin with it.
    pub public_url: String,
}

/// `CURFEW_SETUP_TOKEN`.
#[derive(Clone)]
pub struct SetupToken(SecretString);

impl SetupToken {
    /// The configured token.
    pub fn new(token: SecretString) -> Self {
        Self(token)
    }

    /// Whether `presented` is it; takes the same time wherever the two differ.
    pub fn accepts(&self, presented: &str) -> bool {
        // Hashes have one length, so that not even the token's length is told by the time it takes.
        let digest = |text: &str| *blake3::hash(text.as_bytes()).as_bytes();
        digest(self.0.expose_secret()).ct_eq(&digest(presented)).into()
    }
}

impl fmt::Debug for SetupToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SetupToken(…)")
    }
}
