use std::fmt;
use std::str::FromStr;

use curfew_domain::{CredentialId, Invalid, Seconds, SessionId, TenantId, Timestamp, UserId};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

/// Who the tokens are for; no other service's token passes.
const AUDIENCE: &str = "curfew";

/// How far this machine's clock may be behind the one that signed.
const CLOCKS_MAY_DIFFER: Seconds = Seconds::of(60);

/// A `JWT_SECRET`: at least 32 bytes (RFC 7518, section 3.2: as long as the hash).
#[derive(Clone)]
pub struct JwtSecret(SecretString);

impl FromStr for JwtSecret {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        if text.len() < 32 {
            return Err(Invalid::new(
                "a JWT secret has at least 32 bytes; `openssl rand -base64 32` makes one",
            ));
        }
        Ok(Self(SecretString::from(text)))
    }
}

impl fmt::Debug for JwtSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JwtSecret(…)")
    }
}

/// Signs and checks the tokens of people who signed in.
pub struct JwtIssuer {
    issuer: String,
    signing: EncodingKey,
    /// The first is the one that signs.
    checking: Vec<(String, DecodingKey)>,
}

/// What a token says. That its session still lives is for the store to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claims {
    /// Who.
    pub user: UserId,
    /// Of which tenant.
    pub tenant: TenantId,
    /// Their login; a refresh gives the same login another token.
    pub session: SessionId,
    /// This token, and no other: its `jti`, by which it is found when it is shown.
    pub credential: CredentialId,
    /// From when, in whole seconds.
    pub issued_at: Timestamp,
    /// Until when, in whole seconds.
    pub expires_at: Timestamp,
}

/// The token could not be signed.
#[derive(Debug, thiserror::Error)]
#[error("a JWT could not be signed")]
pub struct SignError(#[from] jsonwebtoken::errors::Error);

/// Not a token of this installation, or not valid now. Which of the two is nobody's business.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a valid token")]
pub struct BadJwt;

#[derive(Serialize, Deserialize)]
struct Payload {
    iss: String,
    aud: String,
    sub: UserId,
    tenant_id: TenantId,
    sid: SessionId,
    jti: CredentialId,
    iat: i64,
    nbf: i64,
    exp: i64,
}

impl JwtIssuer {
    /// Signs with `signing`; tokens signed with `older` are still taken. `issuer` names the installation.
    pub fn new(issuer: impl Into<String>, signing: &JwtSecret, older: &[JwtSecret]) -> Self {
        let checking = std::iter::once(signing)
            .chain(older)
            .map(|secret| (key_id(secret), DecodingKey::from_secret(secret.0.expose_secret().as_bytes())))
            .collect();
        let signing = EncodingKey::from_secret(signing.0.expose_secret().as_bytes());
        Self { issuer: issuer.into(), signing, checking }
    }

    /// The token that says `claims`.
    pub fn sign(&self, claims: &Claims) -> Result<SecretString, SignError> {
        let mut header = Header::new(Algorithm::HS256);
        header.kid = self.checking.first().map(|(id, _)| id.clone());
        let payload = Payload {
            iss: self.issuer.clone(),
            aud: AUDIENCE.to_owned(),
            sub: claims.user,
            tenant_id: claims.tenant,
            sid: claims.session,
            jti: claims.credential,
            iat: claims.issued_at.unix_seconds(),
            nbf: claims.issued_at.unix_seconds(),
            exp: claims.expires_at.unix_seconds(),
        };
        Ok(SecretString::from(jsonwebtoken::encode(&header, &payload, &self.signing)?))
    }

    /// What a token says, if it is signed by a known secret with HS256, for here, and valid at `now`.
    pub fn check(&self, token: &str, now: Timestamp) -> Result<Claims, BadJwt> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| BadJwt)?;
        // An extension marked critical must be understood (RFC 7515, section 4.1.11); none is.
        if header.alg != Algorithm::HS256 || header.crit.is_some() {
            return Err(BadJwt);
        }
        let key_id = header.kid.ok_or(BadJwt)?;
        let (_, key) = self.checking.iter().find(|(id, _)| *id == key_id).ok_or(BadJwt)?;
        let payload = jsonwebtoken::decode::<Payload>(token, key, &self.rules()).map_err(|_| BadJwt)?.claims;
        let seconds = now.unix_seconds();
        if payload.exp <= seconds || payload.nbf > seconds.saturating_add(CLOCKS_MAY_DIFFER.get()) {
            return Err(BadJwt);
        }
        Ok(Claims {
            user: payload.sub,
            tenant: payload.tenant_id,
            session: payload.sid,
            credential: payload.jti,
            issued_at: at_second(payload.iat),
            expires_at: at_second(payload.exp),
        })
    }

    /// Times are compared with the clock that was passed in, not with the library's own.
    fn rules(&self) -> Validation {
        let mut rules = Validation::new(Algorithm::HS256);
        rules.set_audience(&[AUDIENCE]);
        rules.set_issuer(&[&self.issuer]);
        rules.set_required_spec_claims(&["exp", "nbf", "aud", "iss", "sub"]);
        rules.validate_exp = false;
        rules.validate_nbf = false;
        rules
    }
}

impl fmt::Debug for JwtIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwtIssuer").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

fn at_second(second: i64) -> Timestamp {
    Timestamp::from_micros(second.saturating_mul(1_000_000))
}

/// Names a secret in a token's header without telling anything of it.
fn key_id(secret: &JwtSecret) -> String {
    let key = blake3::derive_key("curfew 2026 jwt key id", secret.0.expose_secret().as_bytes());
    blake3::Hash::from_bytes(key).to_hex()[..8].to_owned()
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_772_366_400_000_000);

    fn secret(letter: char) -> JwtSecret {
        letter.to_string().repeat(32).parse().unwrap()
    }

    fn issuer() -> JwtIssuer {
        JwtIssuer::new("https://curfew.test", &secret('a'), &[])
    }

    fn claims() -> Claims {
        Claims {
            user: UserId::from_uuid(Uuid::from_u128(1)),
            tenant: TenantId::from_uuid(Uuid::from_u128(2)),
            session: SessionId::from_uuid(Uuid::from_u128(3)),
            credential: CredentialId::from_uuid(Uuid::from_u128(4)),
            issued_at: NOW,
            expires_at: NOW + Seconds::of(3_600),
        }
    }

    fn payload() -> serde_json::Value {
        json!({
            "iss": "https://curfew.test", "aud": AUDIENCE, "sub": Uuid::from_u128(1), "tenant_id": Uuid::from_u128(2),
            "sid": Uuid::from_u128(3), "jti": Uuid::from_u128(4), "iat": 1_772_366_400, "nbf": 1_772_366_400,
            "exp": 1_772_370_000
        })
    }

    fn signed(issuer: &JwtIssuer) -> String {
        issuer.sign(&claims()).unwrap().expose_secret().to_owned()
    }

    #[test]
    fn a_token_says_what_was_signed_until_it_expires() {
        let token = signed(&issuer());
        assert_eq!(issuer().check(&token, NOW), Ok(claims()));
        assert_eq!(issuer().check(&token, NOW + Seconds::of(3_599)), Ok(claims()));
        assert_eq!(issuer().check(&token, NOW + Seconds::of(3_600)), Err(BadJwt));
    }

    #[test]
    fn a_token_from_the_future_is_refused_but_for_clocks_that_differ() {
        let token = signed(&issuer());
        assert_eq!(issuer().check(&token, NOW - Seconds::of(60)), Ok(claims()));
        assert_eq!(issuer().check(&token, NOW - Seconds::of(61)), Err(BadJwt));
    }

    #[test]
    fn a_secret_rotates_without_ending_sessions() {
        let token = signed(&issuer());
        let rotating = JwtIssuer::new("https://curfew.test", &secret('b'), &[secret('a')]);
        assert_eq!(rotating.check(&token, NOW), Ok(claims()));
        assert_eq!(issuer().check(&signed(&rotating), NOW), Err(BadJwt));
        let rotated = JwtIssuer::new("https://curfew.test", &secret('b'), &[]);
        assert_eq!(rotated.check(&token, NOW), Err(BadJwt));
    }

    #[test]
    fn another_installations_token_is_refused() {
        let other = JwtIssuer::new("https://other.test", &secret('a'), &[]);
        assert_eq!(issuer().check(&signed(&other), NOW), Err(BadJwt));
    }

    #[test]
    fn only_hs256_is_taken() {
        let payload = payload();
        let kid = issuer().checking[0].0.clone();
        let key = EncodingKey::from_secret(secret('a').0.expose_secret().as_bytes());
        let mut header = Header::new(Algorithm::HS512);
        header.kid = Some(kid.clone());
        let hs512 = jsonwebtoken::encode(&header, &payload, &key).unwrap();
        let part = |value: &serde_json::Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let none = format!("{}.{}.", part(&json!({"alg": "none", "kid": kid})), part(&payload));
        for token in [hs512, none] {
            assert_eq!(issuer().check(&token, NOW), Err(BadJwt), "{token}");
        }
    }

    #[test]
    fn a_token_without_one_of_its_claims_is_refused() {
        let whole = payload();
        let key = EncodingKey::from_secret(secret('a').0.expose_secret().as_bytes());
        let mut header = Header::new(Algorithm::HS256);
        header.kid = Some(issuer().checking[0].0.clone());
        let encode = |payload: &serde_json::Value| jsonwebtoken::encode(&header, payload, &key).unwrap();
        assert_eq!(issuer().check(&encode(&whole), NOW), Ok(claims()));
        for name in ["iss", "aud", "sub", "tenant_id", "sid", "jti", "iat", "nbf", "exp"] {
            let mut payload = whole.clone();
            payload.as_object_mut().unwrap().remove(name);
            assert_eq!(issuer().check(&encode(&payload), NOW), Err(BadJwt), "{name}");
        }
    }

    #[test]
    fn what_is_not_a_token_or_was_changed_is_refused() {
        let token = signed(&issuer());
        let (head, signature) = token.rsplit_once('.').unwrap();
        let turned: String = signature.chars().rev().collect();
        for bad in ["", ".", "..", "a.b.c", head, &format!("{head}.{turned}"), &format!("{token}.")] {
            assert_eq!(issuer().check(bad, NOW), Err(BadJwt), "{bad}");
        }
    }

    #[test]
    fn a_short_secret_is_refused() {
        assert!("x".repeat(31).parse::<JwtSecret>().is_err());
    }
}
