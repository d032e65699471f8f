use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use curfew_domain::Entropy;
use curfew_store::keyring::{KeyedHash, Keyring, Purpose};
use secrecy::SecretString;
use zeroize::Zeroizing;

/// What a token is for. Its prefix lets people and secret scanners recognise one; a token of one kind is never
/// taken for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// An API key.
    ApiKey,
    /// The single-use link with which an owner sets a first password.
    SetupLink,
    /// The console's session, in its cookie.
    WebSession,
}

impl TokenKind {
    const ALL: [TokenKind; 3] = [TokenKind::ApiKey, TokenKind::SetupLink, TokenKind::WebSession];

    /// What it begins with.
    pub const fn prefix(self) -> &'static str {
        match self {
            TokenKind::ApiKey => "cfk_",
            TokenKind::SetupLink => "cfs_",
            TokenKind::WebSession => "cfw_",
        }
    }
}

/// A secret that Curfew made: a prefix, and 256 random bits in URL-safe base64. Shown once, when it is made; only
/// its keyed hash is kept.
pub struct SecretToken {
    kind: TokenKind,
    bytes: Zeroizing<[u8; 32]>,
}

impl SecretToken {
    /// A new one.
    pub fn generate(kind: TokenKind, entropy: &dyn Entropy) -> Self {
        let mut bytes = Zeroizing::new([0_u8; 32]);
        entropy.fill(bytes.as_mut_slice());
        Self { kind, bytes }
    }

    /// Reads what a caller presented; none when no token looks like that.
    pub fn parse(text: &str) -> Option<Self> {
        let kind = TokenKind::ALL.into_iter().find(|kind| text.starts_with(kind.prefix()))?;
        let mut bytes = Zeroizing::new([0_u8; 32]);
        let encoded = &text[kind.prefix().len()..];
        // The decoder refuses padding and stray bits, so that one token has one spelling.
        let length = BASE64_URL_SAFE_NO_PAD.decode_slice(encoded, bytes.as_mut_slice()).ok()?;
        (length == bytes.len()).then_some(Self { kind, bytes })
    }

    /// What it is for.
    pub fn kind(&self) -> TokenKind {
        self.kind
    }

    /// The text to hand out, once.
    pub fn reveal(&self) -> SecretString {
        let encoded = Zeroizing::new(BASE64_URL_SAFE_NO_PAD.encode(self.bytes.as_slice()));
        SecretString::from(format!("{}{}", self.kind.prefix(), *encoded))
    }

    /// What to keep of it.
    pub fn hash(&self, keyring: &Keyring) -> KeyedHash {
        keyring.hash(Purpose::Credential, &self.parts())
    }

    /// What may have been kept of it, under any master key.
    pub fn candidates(&self, keyring: &Keyring) -> Vec<KeyedHash> {
        keyring.candidates(Purpose::Credential, &self.parts())
    }

    fn parts(&self) -> [&[u8]; 2] {
        [self.kind.prefix().as_bytes(), self.bytes.as_slice()]
    }
}

impl fmt::Debug for SecretToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretToken({}…)", self.kind.prefix())
    }
}

#[cfg(test)]
mod tests {
    use curfew_domain::testing::SeededEntropy;
    use proptest::prelude::*;
    use secrecy::ExposeSecret;

    use super::*;

    fn keyring() -> Keyring {
        Keyring::new(&"k".repeat(32).parse().unwrap(), &[]).unwrap()
    }

    #[test]
    fn a_token_is_read_back_and_keeps_its_hash() {
        for kind in TokenKind::ALL {
            let token = SecretToken::generate(kind, &SeededEntropy::new(7));
            let text = token.reveal();
            assert_eq!(text.expose_secret().len(), 4 + 43);
            let parsed = SecretToken::parse(text.expose_secret()).unwrap();
            assert_eq!(parsed.kind(), kind);
            assert_eq!(parsed.hash(&keyring()), token.hash(&keyring()));
        }
    }

    #[test]
    fn the_same_bits_as_another_kind_are_another_token() {
        let key = SecretToken::generate(TokenKind::ApiKey, &SeededEntropy::new(7));
        let link = SecretToken::generate(TokenKind::SetupLink, &SeededEntropy::new(7));
        assert_ne!(key.hash(&keyring()), link.hash(&keyring()));
    }

    #[test]
    fn what_is_not_spelt_exactly_is_no_token() {
        let good = SecretToken::generate(TokenKind::ApiKey, &SeededEntropy::new(7)).reveal();
        let good = good.expose_secret();
        let bad = [
            String::new(),
            "cfk_".to_owned(),
            good[4..].to_owned(),
            good.to_uppercase(),
            format!("{good}="),
            format!("{good}A"),
            format!(" {good}"),
            good[..good.len() - 1].to_owned(),
            // 43 characters hold 258 bits: the last two must be zero.
            format!("{}{}", &good[..good.len() - 1], '_'),
        ];
        for text in bad {
            assert!(SecretToken::parse(&text).is_none(), "{text}");
        }
    }

    #[test]
    fn debug_shows_the_kind_alone() {
        let token = SecretToken::generate(TokenKind::ApiKey, &SeededEntropy::new(7));
        assert_eq!(format!("{token:?}"), "SecretToken(cfk_…)");
    }

    proptest! {
        #[test]
        fn reading_never_panics_and_what_it_reads_it_writes_again(text in "(cfk_|cfs_|cfw_)?[A-Za-z0-9_é-]{0,50}") {
            if let Some(token) = SecretToken::parse(&text) {
                let revealed = token.reveal();
                prop_assert_eq!(revealed.expose_secret(), &text);
            }
        }
    }
}
