use aes_gcm_siv::aead::{Aead, Payload};
use aes_gcm_siv::{Aes256GcmSiv, KeyInit, Nonce};
use curfew_domain::{Entropy, TenantId};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::{KeyId, Keyring, Purpose};

/// Where a sealed text stands. It is bound to its place: moved to another tenant or column, it does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SealedColumn {
    /// Whose it is.
    pub tenant: TenantId,
    /// `table.column`, such as `oidc_config.client_secret`; never renamed once written.
    pub column: &'static str,
}

/// An encrypted text as it is stored: `version (1 byte, 1) | key id (4) | nonce (12) | AES-256-GCM-SIV ciphertext
/// and tag`. The associated data are the version, the key id, the tenant's id and the column.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedText(Vec<u8>);

/// Why a sealed text could not be opened. The text is lost unless the right key comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Too short, or of a version that this program doesn't know.
    #[error("this is not a sealed text")]
    Malformed,
    /// Sealed under a master key that is not configured (any more).
    #[error("sealed under master key {0}, which is not configured")]
    UnknownKey(KeyId),
    /// Changed, or sealed for another place.
    #[error("the sealed text was changed, or belongs elsewhere")]
    Refused,
}

const VERSION: u8 = 1;
const NONCE_AT: usize = 5;
const TEXT_AT: usize = NONCE_AT + 12;
const TAG_BYTES: usize = 16;

impl SealedText {
    /// From its stored form; whether it can be opened is told by [`Keyring::open`].
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// For storage.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The master key it was sealed under.
    pub fn key(&self) -> Result<KeyId, OpenError> {
        match self.0.as_slice() {
            [VERSION, a, b, c, d, rest @ ..] if rest.len() >= TEXT_AT - NONCE_AT + TAG_BYTES => {
                Ok(KeyId::from_u32(u32::from_be_bytes([*a, *b, *c, *d])))
            }
            _ => Err(OpenError::Malformed),
        }
    }
}

impl std::fmt::Debug for SealedText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SealedText({} bytes)", self.0.len())
    }
}

impl Keyring {
    /// Encrypts `text` for its place, under the current key.
    pub fn seal(&self, place: SealedColumn, text: &SecretString, entropy: &dyn Entropy) -> SealedText {
        let mut sealed = vec![VERSION];
        sealed.extend(self.current.id().get().to_be_bytes());
        let mut nonce = [0_u8; TEXT_AT - NONCE_AT];
        entropy.fill(&mut nonce);
        let aad = associated_data(place, &sealed);
        let payload = Payload { msg: text.expose_secret().as_bytes(), aad: &aad };
        let ciphertext = encrypt(self.current.key(Purpose::Seal), &nonce, payload);
        sealed.extend(nonce);
        sealed.extend(ciphertext);
        SealedText(sealed)
    }

    /// Decrypts what was sealed for this place, under whichever key it names.
    pub fn open(&self, place: SealedColumn, sealed: &SealedText) -> Result<SecretString, OpenError> {
        let id = sealed.key()?;
        let keys = self.of(id).ok_or(OpenError::UnknownKey(id))?;
        let (head, rest) = sealed.0.split_at(NONCE_AT);
        let (nonce, ciphertext) = rest.split_at(TEXT_AT - NONCE_AT);
        let nonce = Nonce::try_from(nonce).map_err(|_| OpenError::Malformed)?;
        let aad = associated_data(place, head);
        let text = Aes256GcmSiv::new(keys.key(Purpose::Seal).into())
            .decrypt(&nonce, Payload { msg: ciphertext, aad: &aad })
            .map(Zeroizing::new)
            .map_err(|_| OpenError::Refused)?;
        std::str::from_utf8(&text).map(SecretString::from).map_err(|_| OpenError::Refused)
    }

    /// The same text under the current key; `None` when it is already.
    pub fn reseal(
        &self,
        place: SealedColumn,
        sealed: &SealedText,
        entropy: &dyn Entropy,
    ) -> Result<Option<SealedText>, OpenError> {
        if !self.is_stale(sealed.key()?) {
            return Ok(None);
        }
        let text = self.open(place, sealed)?;
        Ok(Some(self.seal(place, &text, entropy)))
    }
}

#[expect(
    clippy::expect_used,
    reason = "AES-GCM-SIV takes up to 2^36 bytes (RFC 8452, section 6); bodies end at 1 MiB"
)]
fn encrypt(key: &[u8; 32], nonce: &[u8; 12], payload: Payload<'_, '_>) -> Vec<u8> {
    Aes256GcmSiv::new(key.into())
        .encrypt(nonce.into(), payload)
        .expect("the text is far shorter than 2^36 bytes")
}

fn associated_data(place: SealedColumn, head: &[u8]) -> Vec<u8> {
    [head, place.tenant.uuid().as_bytes(), place.column.as_bytes()].concat()
}
