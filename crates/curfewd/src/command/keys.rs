//! The public keys of heads, for whoever verifies the log and must not be able to sign.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use curfew_app::audit::heads::key_id;
use curfew_domain::Invalid;
use ed25519_dalek::VerifyingKey;

use crate::config::{self, Source};
use crate::secrets::verifying_keys;
use crate::serve::{self, ServeError};

/// A public key as it is written: `ed25519:` and 32 bytes in base64.
struct PublicKey(VerifyingKey);

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ed25519:{}", BASE64_STANDARD.encode(self.0.as_bytes()))
    }
}

impl FromStr for PublicKey {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let key = text.strip_prefix("ed25519:").and_then(|bytes| BASE64_STANDARD.decode(bytes).ok());
        key.and_then(|bytes| VerifyingKey::from_bytes(&bytes.try_into().ok()?).ok()).map(Self).ok_or_else(
            || {
                Invalid::new(
                    "a public key is ed25519: and 32 bytes in base64, as `curfewd audit keys` prints it",
                )
            },
        )
    }
}

/// `curfewd audit keys`: a line a key, the one that signs now first, each with the name that heads call it by.
pub(super) fn print(source: &Source) -> Result<String, ServeError> {
    let (database, signing) = config::read_for_audit(source).map_err(ServeError::Config)?;
    if signing.is_none() {
        serve::check_is_there(&database)?;
    }
    let keys = verifying_keys(signing, &database)?;
    let lines = keys.into_iter().map(|key| format!("{} # {}", PublicKey(key), key_id(&key)));
    Ok(lines.collect::<Vec<_>>().join("\n"))
}

/// The keys of a file: one a line. What follows a `#` is a remark.
pub(super) fn read(file: &Path) -> Result<Vec<VerifyingKey>, ServeError> {
    let unread = |source| ServeError::Unread { file: file.to_owned(), source };
    let text = std::fs::read_to_string(file).map_err(unread)?;
    let mut keys = Vec::new();
    for (line, number) in text.lines().zip(1..) {
        let key = line.split_once('#').map_or(line, |(key, _)| key).trim();
        if key.is_empty() {
            continue;
        }
        let key: PublicKey = key.parse().map_err(|problem| ServeError::NotAKey {
            file: file.to_owned(),
            line: number,
            problem,
        })?;
        keys.push(key.0);
    }
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_back_as_it_is_written() {
        let key = ed25519_dalek::SigningKey::from_bytes(&[7; 32]).verifying_key();
        let written = PublicKey(key).to_string();
        assert_eq!(written.parse::<PublicKey>().map(|read| read.0), Ok(key));
        for wrong in ["", "ed25519:", "ed25519:AAAA", &written[8..]] {
            assert!(wrong.parse::<PublicKey>().is_err(), "{wrong}");
        }
    }
}
