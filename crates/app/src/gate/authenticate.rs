use std::sync::Arc;

use curfew_domain::{Actor, AuthProvider, SessionId, TenantState, Timestamp, User};
use curfew_policy::operations::Authorizer;
use curfew_store::{CredentialSubject, ReadUnit, Standing, StoreError};

use super::known::Known;
use super::presented::{Presented, Shown, UNAUTHENTICATED, tenant_named};
use crate::credentials::CsrfToken;
use crate::patience::in_time;
use crate::{App, AppError, Caller, with_causes};

/// Finds out who is asking, in the contract's order: a bad credential, a missing or malformed tenant, another's
/// tenant, then a suspended user or revoked key; last, for the console's cookie, a forged request.
pub async fn authenticate(app: &App, presented: Presented<'_>) -> Result<Caller, AppError> {
    let now = app.now();
    let shown = Shown::read(&presented, &app.gate, now)?;
    let standing = standing_of(app, &shown, now).await?;
    let own = shown.is_cookie().then_some(standing.credential.tenant);
    if tenant_named(&presented, own)? != standing.credential.tenant {
        return Err(AppError::TenantMismatch);
    }
    // A revoked login was refused already: what is left is a revoked key.
    if standing.credential.revoked_at.is_some() {
        return Err(AppError::Unauthenticated("the API key was revoked"));
    }
    let known = match app.gate.known.get(&standing) {
        Some(known) => known,
        None => app.gate.known.remember(load(app, standing).await?),
    };
    if !known.active {
        return Err(AppError::Unauthenticated("the user is suspended"));
    }
    if let (true, Some(session)) = (shown.is_cookie(), known.session) {
        refuse_forgery(app, &presented, session)?;
    }
    keep_up(app, &shown, &known, now);
    Ok(Caller {
        tenant: standing.credential.tenant,
        actor: known.actor,
        user: known.user,
        scopes: known.scopes.clone(),
        credential: standing.credential.id,
        session: known.session,
        source: presented.source,
    })
}

/// The credential's row, if it is there, is what it was taken for, and has not ended. A key that was revoked passes:
/// it is refused later, in its own place.
async fn standing_of(app: &App, shown: &Shown, now: Timestamp) -> Result<Standing, AppError> {
    let found = app.gate.fresh.standing(&app.store, shown.candidates(&app.keyring)).await?;
    let standing = found.ok_or(UNAUTHENTICATED)?;
    let credential = &standing.credential;
    let sound = match (shown, credential.subject) {
        (Shown::ApiKey(_), CredentialSubject::ApiKey(_)) => true,
        (Shown::Cookie(_), CredentialSubject::Session(_)) => credential.revoked_at.is_none(),
        (Shown::Jwt(claims), CredentialSubject::Session(session)) => {
            credential.revoked_at.is_none() && claims.session == session && claims.tenant == credential.tenant
        }
        _ => false,
    };
    let over = credential.expires_at.is_some_and(|end| end <= now);
    if sound && !over { Ok(standing) } else { Err(UNAUTHENTICATED) }
}

/// Loads whom a credential speaks for. Its standing was read before, so what is loaded is no older than it says.
///
/// What they may do is what Cedar's policies over operations permit them; use cases ask [`Caller::require`].
async fn load(app: &App, standing: Standing) -> Result<Known, AppError> {
    let unit = app.store.tenant(standing.credential.tenant).read().await?;
    // Its deletion has moved the tenant's version. Whoever signed in at that moment is found here.
    if unit.this_tenant().await?.is_none_or(|tenant| tenant.state == TenantState::Deleting) {
        return Err(UNAUTHENTICATED);
    }
    match standing.credential.subject {
        CredentialSubject::Session(id) => {
            let session = unit.session(id).await?.ok_or(UNAUTHENTICATED)?;
            let user = unit.user(session.user).await?.ok_or(UNAUTHENTICATED)?;
            let actor = match user.auth_provider {
                AuthProvider::Local => Actor::Local(user.id),
                AuthProvider::Oidc | AuthProvider::Saml => Actor::Oidc(user.id),
            };
            let scopes = Authorizer::shared().permitted(&user.scopes());
            Ok(Known::new(standing, (actor, user.id, user.active), scopes, Some(id), None))
        }
        CredentialSubject::ApiKey(id) => {
            let key = unit.api_key(id).await?.ok_or(UNAUTHENTICATED)?;
            let maker: User = maker_of(&unit, key.maker).await?;
            let actor = Actor::ApiKey { key: id, maker: maker.id };
            let scopes = Authorizer::shared().permitted(&key.scopes_now(&maker));
            Ok(Known::new(standing, (actor, maker.id, maker.active), scopes, None, key.last_used_at))
        }
        CredentialSubject::SetupLink(_) => Err(UNAUTHENTICATED),
    }
}

async fn maker_of(unit: &ReadUnit, maker: curfew_domain::UserId) -> Result<User, AppError> {
    unit.user(maker).await?.ok_or(UNAUTHENTICATED)
}

/// Browsers send the cookie along with requests that other pages make: those have another origin, and can't know
/// the session's token.
fn refuse_forgery(app: &App, presented: &Presented<'_>, session: SessionId) -> Result<(), AppError> {
    if presented.method_is_safe {
        return Ok(());
    }
    refuse_foreign_origin(app, presented.origin)?;
    let token = presented.csrf_token.unwrap_or_default();
    if CsrfToken::accepts(session, token, &app.keyring) {
        Ok(())
    } else {
        Err(AppError::forbidden(
            "X-CSRF-Token is missing or is not this session's; GET /v1/users/me gives it",
        ))
    }
}

/// Refuses what a page of another origin had the browser send.
pub fn refuse_foreign_origin(app: &App, origin: Option<&str>) -> Result<(), AppError> {
    if origin.is_some_and(|origin| app.gate.console.allows(origin)) {
        Ok(())
    } else {
        Err(AppError::forbidden(
            "Origin is not that of this console: with a cookie, only its own pages may do this",
        ))
    }
}

/// Refuses a first run that a page of another site had the browser send. Without a setup token only this machine
/// reaches the server, and its browsers do too: `host` must then name this machine or the public URL's, since any
/// site can have a name of its own lead here (DNS rebinding), and then has the origin that fits.
pub fn refuse_foreign_page(app: &App, origin: Option<&str>, host: Option<&str>) -> Result<(), AppError> {
    if origin.is_some() {
        refuse_foreign_origin(app, origin)?;
    }
    let open = app.gate.settings.setup_token.is_none();
    if open && host.is_some_and(|host| !app.gate.console.is_served_at(host)) {
        return Err(AppError::forbidden(
            "Host must be that of PUBLIC_URL or of this machine: without CURFEW_SETUP_TOKEN, nobody else completes the setup",
        ));
    }
    Ok(())
}

/// What a use leaves behind, off the path: the key's last use, and a hash under the current master key.
fn keep_up(app: &App, shown: &Shown, known: &Arc<Known>, now: Timestamp) {
    let credential = known.standing.credential;
    let used = match credential.subject {
        CredentialSubject::ApiKey(id) if known.use_is_news(now) => Some(id),
        _ => None,
    };
    let stale = app.keyring.is_stale(credential.hash.key).then(|| shown.hash(&app.keyring));
    if used.is_none() && stale.is_none() {
        return;
    }
    let store = app.store.tenant(credential.tenant);
    app.gate.behind.spawn(async move {
        let kept = async {
            let unit = store.write().await?;
            if let Some(key) = used {
                unit.touch_api_key(key, now).await?;
            }
            if let Some(hash) = stale {
                unit.rehash_credential(credential.id, &hash).await?;
            }
            unit.commit().await
        };
        if let Err(error) = in_time::<(), StoreError>(kept).await {
            tracing::warn!(credential_id = %credential.id, error = with_causes(&error), "a credential's use was not written down");
        }
    });
}
