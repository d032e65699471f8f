use std::str::FromStr;

use curfew_domain::{Invalid, KmsKeyName};
use curfew_store::keyring::MasterKey;

/// One of `CURFEW_MASTER_KEY`.
#[derive(Debug, Clone)]
pub enum MasterKeySource {
    /// The key itself.
    Given(MasterKey),
    /// A key in AWS KMS that it is derived from.
    Kms(KmsKeyName),
}

impl MasterKeySource {
    /// The key itself, where it is given.
    pub(super) const fn given(&self) -> Option<&MasterKey> {
        match self {
            Self::Given(key) => Some(key),
            Self::Kms(_) => None,
        }
    }
}

impl FromStr for MasterKeySource {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        if KmsKeyName::is_meant_by(text) {
            return text.parse().map(Self::Kms);
        }
        if is_key_id(text) {
            return Err(Invalid::new(
                "it looks like the id of a key in KMS, which is no secret: give the key's ARN or alias",
            ));
        }
        text.parse().map(Self::Given)
    }
}

/// A UUID, or the id of a multi-Region key. Taken for a key itself, it would be one that everybody can read who may
/// list keys.
fn is_key_id(text: &str) -> bool {
    let is_hex = |part: &str| part.bytes().all(|b| b.is_ascii_hexdigit());
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    let is_uuid = lengths == [8, 4, 4, 4, 12] && text.split('-').all(is_hex);
    is_uuid || text.strip_prefix("mrk-").is_some_and(|id| id.len() == 32 && is_hex(id))
}
