use async_trait::async_trait;
use aws_sdk_kms::operation::generate_mac::{GenerateMacError, GenerateMacOutput};
use aws_sdk_kms::types::MacAlgorithmSpec;
use aws_smithy_types::Blob;
use curfew_domain::{KmsKeyName, Region};
use secrecy::{ExposeSecret, SecretSlice};

use crate::{AwsError, KeyRefused, MacKeys};

use super::SdkGateway;
use super::answer::required;
use super::classify::classify;

const GENERATE_MAC: &str = "kms:GenerateMac";

/// The length of an HMAC-SHA-256.
const MAC_BYTES: usize = 32;

#[async_trait]
impl MacKeys for SdkGateway {
    async fn hmac_sha_256(
        &self,
        key: &KmsKeyName,
        here: &Region,
        message: &[u8],
    ) -> Result<SecretSlice<u8>, KeyRefused> {
        let region = key.region();
        let answer = self
            .clients
            .kms(region.as_ref().unwrap_or(here), self.patiences.look)
            .generate_mac()
            .key_id(key.as_str())
            .mac_algorithm(MacAlgorithmSpec::HmacSha256)
            .message(Blob::new(message))
            .send()
            .await
            .map_err(|error| {
                let said = classify(GENERATE_MAC, &error, self.clients.now_source().now()).of_curfews_own();
                refused(error.as_service_error(), said)
            })?;
        Ok(mac(answer).map_err(AwsError::of_curfews_own)?)
    }
}

/// By the operation's own errors (KMS API reference, `GenerateMac`, "Errors").
fn refused(error: Option<&GenerateMacError>, said: AwsError) -> KeyRefused {
    match error {
        Some(GenerateMacError::NotFoundException(_)) => KeyRefused::NotFound(said),
        Some(GenerateMacError::DisabledException(_)) => KeyRefused::Disabled(said),
        Some(GenerateMacError::KmsInvalidStateException(_)) => KeyRefused::InvalidState(said),
        Some(GenerateMacError::InvalidKeyUsageException(_)) => KeyRefused::WrongKind(said),
        _ => KeyRefused::Call(said),
    }
}

/// The MAC out of an answer that may be somebody else's: a wrong one would seal what nothing opens later.
fn mac(answer: GenerateMacOutput) -> Result<SecretSlice<u8>, AwsError> {
    let mac = answer.mac.map(|blob| SecretSlice::from(blob.into_inner()));
    let mac = required(GENERATE_MAC, "Mac", mac)?;
    if answer.mac_algorithm != Some(MacAlgorithmSpec::HmacSha256) {
        return Err(AwsError::garbage(GENERATE_MAC, "MacAlgorithm is not the one that was asked for"));
    }
    if mac.expose_secret().len() != MAC_BYTES {
        return Err(AwsError::garbage(GENERATE_MAC, format_args!("Mac has not {MAC_BYTES} bytes")));
    }
    Ok(mac)
}
