use std::net::IpAddr;

use curfew_domain::{CredentialId, TenantId, Timestamp};
use curfew_store::keyring::{KeyedHash, Keyring, Purpose};

use super::Gate;
use crate::AppError;
use crate::credentials::{Claims, SecretToken, TokenKind};

/// What a request shows of who sends it: headers as they came. One that came twice or is not text counts as one
/// that no credential looks like: hand over an empty text.
#[derive(Debug, Clone, Copy, Default)]
pub struct Presented<'r> {
    /// `X-API-Key`.
    pub api_key: Option<&'r str>,
    /// `Authorization`.
    pub authorization: Option<&'r str>,
    /// `Cookie`.
    pub cookies: Option<&'r str>,
    /// `X-Tenant-ID`.
    pub tenant: Option<&'r str>,
    /// Whether the method only reads (RFC 9110, section 9.2.1).
    pub method_is_safe: bool,
    /// `Origin`.
    pub origin: Option<&'r str>,
    /// `X-CSRF-Token`.
    pub csrf_token: Option<&'r str>,
    /// Where the request comes from.
    pub source: Option<IpAddr>,
}

pub(super) const UNAUTHENTICATED: AppError =
    AppError::Unauthenticated("this needs a valid credential: X-API-Key, or Authorization: Bearer");

/// A credential that has the right form; whether it is known, the store tells.
pub(super) enum Shown {
    ApiKey(SecretToken),
    Jwt(Claims),
    Cookie(SecretToken),
}

impl Shown {
    /// Both kinds of header at once are a mistake of the caller's; a header beside a cookie wins.
    pub(super) fn read(presented: &Presented<'_>, gate: &Gate, now: Timestamp) -> Result<Self, AppError> {
        match (presented.api_key, presented.authorization) {
            (Some(_), Some(_)) => {
                Err(AppError::field("X-API-Key", "send either X-API-Key or Authorization, not both"))
            }
            (Some(key), None) => of_kind(key, TokenKind::ApiKey).map(Shown::ApiKey),
            (None, Some(authorization)) => bearer(authorization)
                .and_then(|token| gate.jwt.check(token, now).ok())
                .map(Shown::Jwt)
                .ok_or(UNAUTHENTICATED),
            (None, None) => {
                let token = presented.cookies.and_then(|header| gate.console.read(header));
                of_kind(token.unwrap_or_default(), TokenKind::WebSession).map(Shown::Cookie)
            }
        }
    }

    /// What it may be kept as.
    pub(super) fn candidates(&self, keyring: &Keyring) -> Vec<KeyedHash> {
        match self {
            Shown::ApiKey(token) | Shown::Cookie(token) => token.candidates(keyring),
            Shown::Jwt(claims) => {
                keyring.candidates(Purpose::Credential, &[JWT, claims.credential.uuid().as_bytes()])
            }
        }
    }

    /// What it should be kept as.
    pub(super) fn hash(&self, keyring: &Keyring) -> KeyedHash {
        match self {
            Shown::ApiKey(token) | Shown::Cookie(token) => token.hash(keyring),
            Shown::Jwt(claims) => jwt_hash(claims.credential, keyring),
        }
    }

    pub(super) fn is_cookie(&self) -> bool {
        matches!(self, Shown::Cookie(_))
    }
}

/// The hash that a JWT is kept as. The token is signed, so its id alone says which it is.
pub(super) fn jwt_hash(credential: CredentialId, keyring: &Keyring) -> KeyedHash {
    keyring.hash(Purpose::Credential, &[JWT, credential.uuid().as_bytes()])
}

/// Tells the ids of JWTs from the bits of tokens.
const JWT: &[u8] = b"jwt";

fn of_kind(text: &str, kind: TokenKind) -> Result<SecretToken, AppError> {
    SecretToken::parse(text).filter(|token| token.kind() == kind).ok_or(UNAUTHENTICATED)
}

/// The token of `Bearer <token>` (RFC 6750, section 2.1; the scheme's case does not matter: RFC 9110, section 11.1).
fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim_start_matches(' '))
}

/// The tenant that the request names. The console's session knows its own.
pub(super) fn tenant_named(presented: &Presented<'_>, own: Option<TenantId>) -> Result<TenantId, AppError> {
    match (presented.tenant, own) {
        (None, Some(own)) => Ok(own),
        (None, None) => Err(AppError::InvalidTenantId),
        (Some(text), _) => text.parse().map_err(|_| AppError::InvalidTenantId),
    }
}
