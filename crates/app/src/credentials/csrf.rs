use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use curfew_domain::SessionId;
use curfew_store::keyring::{Keyring, Purpose};
use subtle::ConstantTimeEq;

/// What the console sends in `X-CSRF-Token`: follows from the session, so that nothing is kept, and can't be made
/// by a page that only has the browser send the cookie.
#[derive(Clone, PartialEq, Eq)]
pub struct CsrfToken(String);

impl CsrfToken {
    /// The session's token.
    pub fn of(session: SessionId, keyring: &Keyring) -> Self {
        let hash = keyring.hash(Purpose::Csrf, &[session.uuid().as_bytes()]);
        Self(BASE64_URL_SAFE_NO_PAD.encode(hash.digest))
    }

    /// Whether `presented` is the session's token, under any master key.
    pub fn accepts(session: SessionId, presented: &str, keyring: &Keyring) -> bool {
        keyring.candidates(Purpose::Csrf, &[session.uuid().as_bytes()]).iter().any(|hash| {
            BASE64_URL_SAFE_NO_PAD.encode(hash.digest).as_bytes().ct_eq(presented.as_bytes()).into()
        })
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for CsrfToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CsrfToken(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(n: u128) -> SessionId {
        SessionId::from_uuid(uuid::Uuid::from_u128(n))
    }

    #[test]
    fn a_token_is_of_one_session_alone() {
        let old = "o".repeat(32).parse().unwrap();
        let keyring = Keyring::new(&old, &[]).unwrap();
        let token = CsrfToken::of(session(1), &keyring);
        assert!(CsrfToken::accepts(session(1), token.as_str(), &keyring));
        assert!(!CsrfToken::accepts(session(2), token.as_str(), &keyring));
        assert!(!CsrfToken::accepts(session(1), "", &keyring));
        let rotated = Keyring::new(&"n".repeat(32).parse().unwrap(), &[old]).unwrap();
        assert!(CsrfToken::accepts(session(1), token.as_str(), &rotated));
    }
}
