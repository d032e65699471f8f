//! Master keys that are derived from a key in AWS KMS.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use curfew_aws::{AwsError, AwsErrorKind, KeyRefused, MacKeys};
use curfew_domain::{Invalid, KmsKeyName, Region};
use curfew_store::keyring::MasterKey;
use secrecy::{ExposeSecret, SecretString};

use crate::config::{MasterKeySource, Rotation};

/// What KMS makes the MAC of. Never changed: every key of a database follows from it.
const MESSAGE: &[u8] = b"curfew master key v1";

/// Why KMS gave no master key, and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum KmsError {
    /// KMS refused, or could not be asked.
    #[error(
        "CURFEW_MASTER_KEY: the key {key} in AWS KMS can't be used: {}. {}",
        remedy(source, region),
        on_one_line(source.said())
    )]
    Refused {
        /// The key.
        key: KmsKeyName,
        /// Where it was looked for.
        region: Region,
        /// What KMS said.
        source: Box<KeyRefused>,
    },
    /// What KMS gave is no key.
    #[error("CURFEW_MASTER_KEY: what the key {key} in AWS KMS gave is not valid: {source}")]
    NoKey {
        /// The key.
        key: KmsKeyName,
        /// Why not.
        source: Invalid,
    },
}

/// The master keys themselves: those that were given as they are, and of each in KMS the MAC of a fixed message. The
/// key in KMS never leaves it, nothing has to be stored, and each start comes to the same key.
///
/// The MAC counts in base64, as `aws kms generate-mac` prints it: whoever must leave KMS can give that text instead.
///
/// KMS API reference, [GenerateMac](https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateMac.html): the raw
/// HMAC of RFC 2104, fit for deriving keys. It needs `kms:GenerateMac` on that key and nothing else.
pub(crate) async fn resolve(
    sources: &Rotation<MasterKeySource>,
    here: &Region,
    keys: &dyn MacKeys,
) -> Result<Rotation<MasterKey>, KmsError> {
    let current = master_key(&sources.current, here, keys).await?;
    let mut older = Vec::with_capacity(sources.older.len());
    for source in &sources.older {
        older.push(master_key(source, here, keys).await?);
    }
    Ok(Rotation { current, older })
}

async fn master_key(
    source: &MasterKeySource,
    here: &Region,
    keys: &dyn MacKeys,
) -> Result<MasterKey, KmsError> {
    let name = match source {
        MasterKeySource::Given(key) => return Ok(key.clone()),
        MasterKeySource::Kms(name) => name,
    };
    let mac = keys.hmac_sha_256(name, here, MESSAGE).await.map_err(|source| KmsError::Refused {
        key: name.clone(),
        region: name.region().unwrap_or_else(|| here.clone()),
        source: Box::new(source),
    })?;
    let text = SecretString::from(BASE64_STANDARD.encode(mac.expose_secret()));
    let key = text.expose_secret().parse().map_err(|source| KmsError::NoKey { key: name.clone(), source })?;
    tracing::info!(key = %name, "master key was derived in KMS");
    Ok(key)
}

/// The SDK lists on lines of their own where it looked for credentials.
fn on_one_line(said: &AwsError) -> String {
    let words = said.to_string();
    words.lines().map(str::trim).collect::<Vec<_>>().join(" | ")
}

fn remedy(refused: &KeyRefused, region: &Region) -> String {
    match refused {
        KeyRefused::NotFound(_) => {
            format!("there is no such key in {region}: check the name, the account and the region")
        }
        KeyRefused::Disabled(_) => "it is disabled: enable it (aws kms enable-key)".to_owned(),
        KeyRefused::InvalidState(_) => {
            "its state forbids it: if it waits for its deletion, cancel that and enable it \
             (aws kms cancel-key-deletion, aws kms enable-key)"
                .to_owned()
        }
        KeyRefused::WrongKind(_) => {
            "only a key of spec HMAC_256 and usage GENERATE_VERIFY_MAC will do: name one that is".to_owned()
        }
        KeyRefused::Call(said) => remedy_of_call(said.kind, region),
    }
}

/// What may be wrong with any call that Curfew signs itself.
fn remedy_of_call(kind: AwsErrorKind, region: &Region) -> String {
    use AwsErrorKind as Kind;
    let words = match kind {
        Kind::AccessDenied => {
            "Curfew's AWS principal may not use it: allow kms:GenerateMac on this key in the principal's policy, and \
             in the key's own unless that leaves it to IAM"
        }
        Kind::NoCredentials => "Curfew has no AWS credentials: give it a role, or an access key",
        Kind::CredentialsExpired => "Curfew's AWS credentials have expired: renew them",
        Kind::InvalidToken => "AWS does not know Curfew's credentials, or their secret is wrong: check them",
        Kind::ClockSkew => "the clock of this machine is off by more than AWS accepts: set it right",
        Kind::Garbage => {
            "what answered is not KMS: check proxy, AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_KMS, and start again"
        }
        Kind::Throttled | Kind::ServerFault => "AWS is busy or failed: start again in a minute",
        Kind::Timeout | Kind::ConnectionFailed | Kind::ConnectionDropped => {
            return format!(
                "KMS in {region} can't be reached: check network, proxy, DNS, AWS_ENDPOINT_URL and \
                 AWS_ENDPOINT_URL_KMS, and start again"
            );
        }
        Kind::RegionDisabled
        | Kind::NotFound
        | Kind::Conflict
        | Kind::QuotaExceeded
        | Kind::PolicyTypeNotEnabled
        | Kind::Validation
        | Kind::Other => "AWS refused the call",
    };
    words.to_owned()
}

#[cfg(test)]
pub(crate) mod stand_in;
#[cfg(test)]
mod tests;
