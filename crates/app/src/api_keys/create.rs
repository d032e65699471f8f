use curfew_domain::audit::{AuditAction, NewEntry};
use curfew_domain::{ApiKey, ApiKeyId, CredentialId, DisplayName, Scope, ScopeSet, Timestamp};
use curfew_store::{Credential, CredentialSubject};
use secrecy::SecretString;
use serde_json::{Map, Value};

use crate::credentials::{SecretToken, TokenKind};
use crate::roles::Giver;
use crate::{App, AppError, Caller, Made, Once};

/// A key that is to be made.
#[derive(Debug)]
pub struct NewApiKey {
    /// What its maker calls it.
    pub name: DisplayName,
    /// What it may do at most.
    pub scopes: ScopeSet,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
}

/// A key that was made.
#[derive(Debug)]
pub struct ApiKeyCreated {
    /// The key.
    pub key: ApiKey,
    /// What a program shows. Told once.
    pub raw: Option<SecretString>,
}

/// Makes a key that acts as the caller. It can't get a scope that the caller lacks.
pub async fn create(
    app: &App,
    caller: &Caller,
    ask: NewApiKey,
    once: &Once,
) -> Result<Made<ApiKeyCreated>, AppError> {
    caller.require(Scope::ApiKeysCreate)?;
    let now = app.now();
    let unit = app.store.tenant(caller.tenant).write().await?;
    if let Some(id) = once.earlier::<ApiKeyId>(&unit, now).await? {
        let key = unit.api_key(id).await?.ok_or(AppError::NotFound("API key"))?;
        return Ok(Made::Before(ApiKeyCreated { key, raw: None }));
    }
    if ask.expires_at.is_some_and(|end| end <= now) {
        return Err(AppError::field("expires_at", "must be in the future"));
    }
    // A suspension of the maker waits for this unit, and revokes the key; or it came first.
    let maker = Giver::held(caller, &unit, Scope::ApiKeysCreate).await?;
    refuse_beyond(&ask.scopes, maker.scopes())?;
    let entropy = app.entropy.as_ref();
    let token = SecretToken::generate(TokenKind::ApiKey, entropy);
    let key = ApiKey {
        id: ApiKeyId::new(now, entropy),
        name: ask.name,
        scopes: ask.scopes,
        maker: caller.user,
        last_used_at: None,
        expires_at: ask.expires_at,
        revoked: None,
        created_at: now,
    };
    unit.insert_api_key(&key).await?;
    unit.insert_credential(&Credential {
        id: CredentialId::new(now, entropy),
        hash: token.hash(&app.keyring),
        tenant: caller.tenant,
        subject: CredentialSubject::ApiKey(key.id),
        expires_at: key.expires_at,
        revoked_at: None,
        version: 1,
    })
    .await?;
    let entry = NewEntry::new(caller.actor, AuditAction::ApiKeyCreated, "api_key", key.id)
        .with("scopes", key.scopes.iter().map(Scope::as_str).collect::<Vec<_>>())
        .with("expires_at", key.expires_at.map(|end| end.to_string()))
        .with_personal("name", key.name.as_str());
    unit.record(entry, now, entropy).await?;
    once.remember(&unit, key.id, now).await?;
    unit.commit().await?;
    Ok(Made::Now(ApiKeyCreated { key, raw: Some(token.reveal()) }))
}

fn refuse_beyond(asked: &ScopeSet, held: &ScopeSet) -> Result<(), AppError> {
    let beyond: Vec<Value> =
        asked.missing_from(held).into_iter().map(|scope| scope.as_str().into()).collect();
    if beyond.is_empty() {
        return Ok(());
    }
    Err(AppError::Forbidden {
        message: "a key can't have scopes that its maker lacks".to_owned(),
        details: Map::from_iter([("missing_scopes".to_owned(), Value::from(beyond))]),
        notices: Vec::new(),
    })
}
