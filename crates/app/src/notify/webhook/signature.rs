//! Standard Webhooks' signature.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use curfew_domain::Entropy;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// What a secret begins with, so that people and scanners know it.
const SECRET_PREFIX: &str = "whsec_";

/// A new signing secret.
pub(in crate::notify) fn new_secret(entropy: &dyn Entropy) -> SecretString {
    let mut key = zeroize::Zeroizing::new([0_u8; 32]);
    entropy.fill(key.as_mut());
    SecretString::from(format!("{SECRET_PREFIX}{}", BASE64_STANDARD.encode(key.as_ref())))
}

/// `v1,` and HMAC-SHA256 over `id.timestamp.body`, in base64.
pub(super) fn signature(secret: &SecretString, head: &[&str], body: &[u8]) -> Option<String> {
    let encoded = secret.expose_secret().strip_prefix(SECRET_PREFIX)?;
    let key = zeroize::Zeroizing::new(BASE64_STANDARD.decode(encoded).ok()?);
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).ok()?;
    for part in head {
        mac.update(part.as_bytes());
        mac.update(b".");
    }
    mac.update(body);
    Some(format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the Standard Webhooks specification's own libraries.
    #[test]
    fn a_signature_is_that_of_standard_webhooks() {
        let secret = SecretString::from("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let head = ["msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330"];
        let signed = signature(&secret, &head, br#"{"test": 2432232314}"#);
        assert_eq!(signed.as_deref(), Some("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
    }
}
