use async_trait::async_trait;
use curfew_domain::{KmsKeyName, Region};
use secrecy::SecretSlice;

use crate::AwsError;

/// HMAC keys in KMS: what is made with them comes out, they themselves never do.
#[async_trait]
pub trait MacKeys: Send + Sync {
    /// The HMAC-SHA-256 (RFC 2104, 32 bytes) of `message`, which has 1 to 4,096 bytes: the same for the same key each
    /// time. `here` is the region in which an alias without an ARN is looked for. The call is signed with Curfew's own
    /// credentials, and takes 8 s at most.
    ///
    /// KMS API reference, [GenerateMac](https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateMac.html). A
    /// key of spec `HMAC_256` makes HMAC-SHA-256 and nothing else; no other key makes it (KMS developer guide,
    /// [HMAC keys](https://docs.aws.amazon.com/kms/latest/developerguide/hmac.html)).
    async fn hmac_sha_256(
        &self,
        key: &KmsKeyName,
        here: &Region,
        message: &[u8],
    ) -> Result<SecretSlice<u8>, KeyRefused>;
}

/// Why a key in KMS was of no use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyRefused {
    /// There is no such key or alias in this region.
    #[error("no such key: {0}")]
    NotFound(#[source] AwsError),
    /// Somebody disabled it.
    #[error("disabled: {0}")]
    Disabled(#[source] AwsError),
    /// Another state in which it can't be used: it waits for its deletion, or for its key material.
    #[error("not in a state to be used: {0}")]
    InvalidState(#[source] AwsError),
    /// It is not of spec `HMAC_256` and usage `GENERATE_VERIFY_MAC`.
    #[error("not an HMAC_256 key: {0}")]
    WrongKind(#[source] AwsError),
    /// What may happen to any call.
    #[error(transparent)]
    Call(#[from] AwsError),
}

impl KeyRefused {
    /// What AWS said.
    pub const fn said(&self) -> &AwsError {
        match self {
            Self::NotFound(said)
            | Self::Disabled(said)
            | Self::InvalidState(said)
            | Self::WrongKind(said)
            | Self::Call(said) => said,
        }
    }
}
