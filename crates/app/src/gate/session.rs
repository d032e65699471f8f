use std::net::IpAddr;

use curfew_domain::{CredentialId, Seconds, Session, SessionId, SessionKind, TenantId, Timestamp, UserId};
use curfew_store::{Credential, CredentialSubject, WriteUnit};
use secrecy::SecretString;

use super::presented::jwt_hash;
use crate::credentials::{Claims, SecretToken, TokenKind};
use crate::{App, AppError};

/// What someone who signed in is given.
#[derive(Debug)]
pub struct SignedIn {
    /// The JWT, or the cookie's value. Shown once.
    pub token: SecretString,
    /// Which of the two.
    pub kind: SessionKind,
    /// Until when it lives.
    pub expires_at: Timestamp,
    /// The login.
    pub session: SessionId,
    /// The tenant that it opens.
    pub tenant: TenantId,
}

/// A login to be opened.
pub(crate) struct OpenSession {
    /// Who signs in.
    pub(crate) user: UserId,
    /// How it is to be carried.
    pub(crate) kind: SessionKind,
    /// Where from.
    pub(crate) source: Option<IpAddr>,
    /// How long it may be refreshed.
    pub(crate) chain_lives: Seconds,
}

impl OpenSession {
    /// Opens it, with its first credential; not for someone who was suspended meanwhile: a suspension waits for the
    /// unit, or came first.
    pub(crate) async fn open(
        self,
        app: &App,
        unit: &WriteUnit,
        now: Timestamp,
    ) -> Result<Option<SignedIn>, AppError> {
        if !unit.hold_active(self.user).await? {
            return Ok(None);
        }
        let chain_ends_at = now + self.chain_lives;
        let mut session = Session {
            id: SessionId::new(now, app.entropy.as_ref()),
            user: self.user,
            kind: self.kind,
            created_at: now,
            expires_at: chain_ends_at,
            chain_ends_at,
            ended_at: None,
            source: self.source,
        };
        session.expires_at = whole_second(session.next_expiry(now, app.gate.settings.token_lives));
        unit.insert_session(&session).await?;
        give_credential(app, unit, &session, now).await.map(Some)
    }
}

/// Gives a login that has not ended another credential, up to the end of its chain. The earlier one lives on to its
/// own end, for requests that are under way.
pub(crate) async fn renew_session(
    app: &App,
    unit: &WriteUnit,
    session: &Session,
    now: Timestamp,
) -> Result<Option<SignedIn>, AppError> {
    let expires_at = whole_second(session.next_expiry(now, app.gate.settings.token_lives));
    if expires_at <= now || !unit.extend_session(session.id, expires_at).await? {
        return Ok(None);
    }
    let session = Session { expires_at, ..session.clone() };
    give_credential(app, unit, &session, now).await.map(Some)
}

async fn give_credential(
    app: &App,
    unit: &WriteUnit,
    session: &Session,
    now: Timestamp,
) -> Result<SignedIn, AppError> {
    let id = CredentialId::new(now, app.entropy.as_ref());
    let (token, hash) = match session.kind {
        SessionKind::Bearer => {
            let claims = Claims {
                user: session.user,
                tenant: unit.tenant(),
                session: session.id,
                credential: id,
                issued_at: now,
                expires_at: session.expires_at,
            };
            (app.gate.jwt.sign(&claims).map_err(AppError::internal)?, jwt_hash(id, &app.keyring))
        }
        SessionKind::Cookie => {
            let token = SecretToken::generate(TokenKind::WebSession, app.entropy.as_ref());
            (token.reveal(), token.hash(&app.keyring))
        }
    };
    unit.insert_credential(&Credential {
        id,
        hash,
        tenant: unit.tenant(),
        subject: CredentialSubject::Session(session.id),
        expires_at: Some(session.expires_at),
        revoked_at: None,
        version: 1,
    })
    .await?;
    Ok(SignedIn {
        token,
        kind: session.kind,
        expires_at: session.expires_at,
        session: session.id,
        tenant: unit.tenant(),
    })
}

/// JWTs know whole seconds only.
fn whole_second(moment: Timestamp) -> Timestamp {
    Timestamp::from_micros(moment.unix_seconds() * 1_000_000)
}
