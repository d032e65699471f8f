//! Keyed hashes (HMAC, RFC 2104).

use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

/// SHA-224 and SHA-256 work on blocks of 64 bytes, SHA-384 and SHA-512 on 128 (FIPS 180-4, figure 1).
const SHORT_BLOCK: usize = 64;
const LONG_BLOCK: usize = 128;

/// HMAC-SHA-224.
pub(crate) fn sha_224(key: &[u8], message: &[u8]) -> Vec<u8> {
    hmac::<Sha224>(SHORT_BLOCK, key, message)
}

/// HMAC-SHA-256.
pub(crate) fn sha_256(key: &[u8], message: &[u8]) -> Vec<u8> {
    hmac::<Sha256>(SHORT_BLOCK, key, message)
}

/// HMAC-SHA-384.
pub(crate) fn sha_384(key: &[u8], message: &[u8]) -> Vec<u8> {
    hmac::<Sha384>(LONG_BLOCK, key, message)
}

/// HMAC-SHA-512.
pub(crate) fn sha_512(key: &[u8], message: &[u8]) -> Vec<u8> {
    hmac::<Sha512>(LONG_BLOCK, key, message)
}

fn hmac<H: Digest>(block: usize, key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut padded = if key.len() > block { H::digest(key).to_vec() } else { key.to_vec() };
    padded.resize(block, 0);
    let keyed = |pad: u8| padded.iter().map(|byte| byte ^ pad).collect::<Vec<u8>>();
    let inner = H::new().chain_update(keyed(0x36)).chain_update(message).finalize();
    H::new().chain_update(keyed(0x5c)).chain_update(inner).finalize().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hex;

    /// RFC 4231, test case 2.
    #[test]
    fn all_four_agree_with_the_rfc() {
        let (key, message) = (b"Jefe", b"what do ya want for nothing?");
        for (hmac, expected) in [
            (sha_224(key, message), "a30e01098bc6dbbf45690f3a7e9e6d0f8bbea2a39e6148008fd05e44"),
            (sha_256(key, message), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
            (
                sha_384(key, message),
                "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649",
            ),
            (
                sha_512(key, message),
                "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
            ),
        ] {
            assert_eq!(hex::digits(&hmac), expected);
        }
    }
}
