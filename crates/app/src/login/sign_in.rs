use std::net::IpAddr;

use curfew_domain::audit::{AuditAction, NewEntry};
use curfew_domain::{Actor, AuthProvider, Email, SessionKind, Slug, TenantId, Timestamp, User};
use curfew_store::WriteUnit;

use super::tenant::tenant_of;
use super::tries::TryKeys;
use crate::credentials::password::{PasswordHash, PresentedPassword};
use crate::gate::{OpenSession, SignedIn};
use crate::settings::TenantSettings;
use crate::{App, AppError};

/// What someone types to sign in.
#[derive(Debug)]
pub struct SignIn {
    /// Their address.
    pub email: Email,
    /// Their password.
    pub password: PresentedPassword,
    /// Their tenant, where they say which.
    pub tenant: Option<Slug>,
    /// How the login is to be carried.
    pub kind: SessionKind,
    /// Where they are.
    pub source: Option<IpAddr>,
}

/// Signs someone in with a password.
///
/// An unknown tenant, an unknown e-mail, a wrong password, a suspended user and one who has no password get the same
/// answer after the same work. Too many tries are turned away before the password is looked at.
pub async fn sign_in(app: &App, ask: SignIn) -> Result<SignedIn, AppError> {
    let unwalled = app.store.unwalled().read().await?;
    let tenant = tenant_of(&unwalled, &app.keyring, &ask.email, ask.tenant.as_ref()).await?;
    drop(unwalled);
    let keys = TryKeys::new(&app.keyring, tenant, &ask.email, ask.source);
    keys.admit(app, app.now()).await?;

    let account = account(app, tenant, &ask.email).await?;
    let hash = account.as_ref().map(|account| &account.hash);
    let right = app.gate.passwords.check(&ask.password, hash).await?;
    match (account, tenant) {
        (Some(account), Some(tenant)) if right => let_in(app, tenant, account.user, &ask, &keys).await,
        (account, tenant) => {
            metrics::counter!("curfew_login_failures_total").increment(1);
            write_down_failure(app, tenant, account.map(|account| account.user), &ask).await?;
            Err(AppError::Unauthenticated("the e-mail address or the password is wrong"))
        }
    }
}

/// Someone who can sign in with a password.
struct Account {
    user: User,
    hash: PasswordHash,
}

async fn account(app: &App, tenant: Option<TenantId>, email: &Email) -> Result<Option<Account>, AppError> {
    let Some(tenant) = tenant else { return Ok(None) };
    let unit = app.store.tenant(tenant).read().await?;
    let Some(user) = unit.user_by_email(email).await? else { return Ok(None) };
    let hash = unit.password_hash(user.id).await?;
    let Some(hash) = hash.filter(|_| user.active && user.auth_provider == AuthProvider::Local) else {
        return Ok(None);
    };
    let hash = hash.parse().map_err(AppError::internal)?;
    Ok(Some(Account { user, hash }))
}

async fn let_in(
    app: &App,
    tenant: TenantId,
    user: User,
    ask: &SignIn,
    keys: &TryKeys,
) -> Result<SignedIn, AppError> {
    let now = app.now();
    let unit = app.store.tenant(tenant).write().await?;
    let settings = TenantSettings::load(&unit).await?;
    let open = OpenSession {
        user: user.id,
        kind: ask.kind,
        source: ask.source,
        chain_lives: settings.session_chain,
    };
    let signed_in = open.open(app, &unit, now).await?;
    let actor = Actor::Local(user.id);
    let entry = NewEntry::new(actor, AuditAction::LoginSucceeded, "session", signed_in.session)
        .with("kind", ask.kind.as_str());
    unit.record(with_source(entry, ask.source), now, app.entropy.as_ref()).await?;
    warn_of_missing_mfa(app, &unit, actor, &user, now).await?;
    keys.succeeded(&unit, now).await?;
    unit.commit().await?;
    tracing::info!(tenant_id = %tenant, user_id = %user.id, session_id = %signed_in.session, "signed in");
    Ok(signed_in)
}

/// The tenant asks for a second factor, and this program has none to ask for yet.
async fn warn_of_missing_mfa(
    app: &App,
    unit: &WriteUnit,
    actor: Actor,
    user: &User,
    now: Timestamp,
) -> Result<(), AppError> {
    let required = unit.this_tenant().await?.is_some_and(|tenant| tenant.mfa_required);
    if required {
        tracing::warn!(tenant_id = %unit.tenant(), user_id = %user.id, "signed in without the second factor that the tenant requires");
        let entry = NewEntry::new(actor, AuditAction::MfaNotEnforced, "user", user.id);
        unit.record(entry, now, app.entropy.as_ref()).await?;
    }
    Ok(())
}

/// Into the tenant's log; one who is not known there is written down all the same, so that both take the same time.
async fn write_down_failure(
    app: &App,
    tenant: Option<TenantId>,
    user: Option<User>,
    ask: &SignIn,
) -> Result<(), AppError> {
    let Some(tenant) = tenant else { return Ok(()) };
    let now = app.now();
    let unit = app.store.tenant(tenant).write().await?;
    let whom = user.map_or_else(|| "unknown".to_owned(), |user| user.id.to_string());
    let entry = NewEntry::new(Actor::System, AuditAction::LoginFailed, "user", whom)
        .with_personal("email", ask.email.as_str());
    unit.record(with_source(entry, ask.source), now, app.entropy.as_ref()).await?;
    Ok(unit.commit().await?)
}

fn with_source(entry: NewEntry, source: Option<IpAddr>) -> NewEntry {
    match source {
        Some(source) => entry.with_personal("source", source.to_string()),
        None => entry,
    }
}
