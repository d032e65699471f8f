//! Keys in KMS.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha512};

use crate::hmac;

/// A key in KMS. Its material follows from its ARN, and opens nothing but this stand-in.
///
/// <https://docs.aws.amazon.com/kms/latest/APIReference/API_KeyMetadata.html>
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KmsKey {
    /// `arn:aws:kms:REGION:ACCOUNT:key/ID`.
    pub arn: String,
    /// What it is good for.
    #[serde(default)]
    pub spec: KeySpec,
    /// Whether it can be used.
    #[serde(default)]
    pub state: KeyState,
    /// Its other names, `alias/…`, in its account and region.
    #[serde(default)]
    pub aliases: Vec<String>,
}

/// The kind of a key's material, by which its usage is given: the HMAC ones make MACs, the other one encrypts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum KeySpec {
    /// `HMAC_224`.
    #[serde(rename = "HMAC_224")]
    Hmac224,
    /// `HMAC_256`.
    #[default]
    #[serde(rename = "HMAC_256")]
    Hmac256,
    /// `HMAC_384`.
    #[serde(rename = "HMAC_384")]
    Hmac384,
    /// `HMAC_512`.
    #[serde(rename = "HMAC_512")]
    Hmac512,
    /// `SYMMETRIC_DEFAULT`.
    SymmetricDefault,
}

/// The state of a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyState {
    /// In use.
    #[default]
    Enabled,
    /// Switched off.
    Disabled,
    /// To be deleted in some days.
    PendingDeletion,
    /// Without its material yet.
    PendingImport,
}

impl KmsKey {
    /// An enabled HMAC key of 256 bits.
    #[must_use]
    pub fn new(arn: &str) -> Self {
        Self { arn: arn.to_owned(), spec: KeySpec::Hmac256, state: KeyState::Enabled, aliases: Vec::new() }
    }

    /// Gives it a name, `alias/…`.
    #[must_use]
    pub fn with_alias(mut self, alias: &str) -> Self {
        self.aliases.push(alias.to_owned());
        self
    }

    /// Makes it of another kind.
    #[must_use]
    pub fn of_spec(mut self, spec: KeySpec) -> Self {
        self.spec = spec;
        self
    }

    /// The account that it belongs to.
    pub fn account(&self) -> &str {
        self.arn.split(':').nth(4).unwrap_or_default()
    }

    /// The region that it is in.
    pub fn region(&self) -> &str {
        self.arn.split(':').nth(3).unwrap_or_default()
    }

    /// The MAC of a message, by the one algorithm of its spec; none for a key that makes none.
    pub fn mac(&self, message: &[u8]) -> Option<Vec<u8>> {
        let material = Sha512::digest(self.arn.as_bytes());
        let make = match self.spec {
            KeySpec::Hmac224 => hmac::sha_224,
            KeySpec::Hmac256 => hmac::sha_256,
            KeySpec::Hmac384 => hmac::sha_384,
            KeySpec::Hmac512 => hmac::sha_512,
            KeySpec::SymmetricDefault => return None,
        };
        Some(make(&material, message))
    }

    /// The ARN of one of its aliases.
    pub(crate) fn alias_arn(&self, alias: &str) -> String {
        let stem = self.arn.rsplit_once(':').map(|(stem, _)| stem).unwrap_or_default();
        format!("{stem}:{alias}")
    }

    /// Whether a caller of this account means it by this name, in its own region.
    pub(crate) fn is_named(&self, name: &str, caller_account: &str) -> bool {
        if name.starts_with("arn:") {
            return self.arn == name || self.aliases.iter().any(|alias| self.alias_arn(alias) == name);
        }
        let id = self.arn.rsplit('/').next().unwrap_or_default();
        self.account() == caller_account && (id == name || self.aliases.iter().any(|alias| alias == name))
    }
}

impl KeySpec {
    /// The name on the wire.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Hmac224 => "HMAC_224",
            Self::Hmac256 => "HMAC_256",
            Self::Hmac384 => "HMAC_384",
            Self::Hmac512 => "HMAC_512",
            Self::SymmetricDefault => "SYMMETRIC_DEFAULT",
        }
    }

    /// The one algorithm of its MACs.
    ///
    /// <https://docs.aws.amazon.com/kms/latest/developerguide/hmac.html>
    pub(crate) fn mac_algorithm(self) -> Option<&'static str> {
        match self {
            Self::Hmac224 => Some("HMAC_SHA_224"),
            Self::Hmac256 => Some("HMAC_SHA_256"),
            Self::Hmac384 => Some("HMAC_SHA_384"),
            Self::Hmac512 => Some("HMAC_SHA_512"),
            Self::SymmetricDefault => None,
        }
    }
}
