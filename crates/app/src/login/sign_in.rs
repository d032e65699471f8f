use std::net::IpAddr;

use curfew_domain::audit::{AuditAction, NewEntry};
use curfew_domain::{
    Actor, AuthProvider, Email, SessionKind, Slug, TenantId, TenantState, Timestamp, UserId,
};
use curfew_store::WriteUnit;

use super::backoff::Admitted;
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
    let admitted = keys.admit(app, app.now()).await?;
    let verdict = match look_at(app, tenant, &ask, admitted.known).await {
        Ok(verdict) => verdict,
        Err(error) => {
            keys.not_looked_at(app, &admitted).await;
            return Err(error);
        }
    };
    if let (Verdict::Right(user), Some(tenant)) = (verdict, tenant)
        && let Some(signed_in) = let_in(app, tenant, user, &ask, (&keys, &admitted)).await?
    {
        return Ok(signed_in);
    }
    metrics::counter!("curfew_login_failures_total").increment(1);
    write_down_failure(app, tenant, verdict.user(), &ask).await?;
    Err(AppError::Unauthenticated("the e-mail address or the password is wrong"))
}

/// What became of a password.
#[derive(Debug, Clone, Copy)]
enum Verdict {
    /// It is this user's, who may come in.
    Right(UserId),
    /// It is not, or there is nobody whose it could be.
    Wrong(Option<UserId>),
}

impl Verdict {
    const fn user(self) -> Option<UserId> {
        match self {
            Verdict::Right(user) => Some(user),
            Verdict::Wrong(user) => user,
        }
    }
}

async fn look_at(
    app: &App,
    tenant: Option<TenantId>,
    ask: &SignIn,
    known: bool,
) -> Result<Verdict, AppError> {
    let account = account(app, tenant, &ask.email).await?;
    let hash = account.as_ref().map(|account| &account.hash);
    let right = app.gate.passwords.check(&ask.password, hash, known).await?;
    let user = account.map(|account| account.user);
    Ok(user.filter(|_| right).map_or(Verdict::Wrong(user), Verdict::Right))
}

/// Someone who can sign in with a password.
struct Account {
    user: UserId,
    hash: PasswordHash,
}

async fn account(app: &App, tenant: Option<TenantId>, email: &Email) -> Result<Option<Account>, AppError> {
    let Some(tenant) = tenant else { return Ok(None) };
    let unit = app.store.tenant(tenant).read().await?;
    if unit.this_tenant().await?.is_none_or(|tenant| tenant.state == TenantState::Deleting) {
        return Ok(None);
    }
    let Some(login) = unit.password_login(email).await? else { return Ok(None) };
    let usable = login.active && login.auth_provider == AuthProvider::Local;
    let Some(hash) = login.password_hash.filter(|_| usable) else { return Ok(None) };
    let hash = hash.parse().map_err(AppError::internal)?;
    Ok(Some(Account { user: login.user, hash }))
}

/// Not someone who was suspended while their password was looked at.
async fn let_in(
    app: &App,
    tenant: TenantId,
    user: UserId,
    ask: &SignIn,
    (keys, admitted): (&TryKeys, &Admitted),
) -> Result<Option<SignedIn>, AppError> {
    let now = app.now();
    let unit = app.store.tenant(tenant).write().await?;
    let settings = TenantSettings::load(&unit).await?;
    let open = OpenSession { user, kind: ask.kind, source: ask.source, chain_lives: settings.session_chain };
    let Some(signed_in) = open.open(app, &unit, now).await? else { return Ok(None) };
    let actor = Actor::Local(user);
    let entry = NewEntry::new(actor, AuditAction::LoginSucceeded, "session", signed_in.session)
        .with("kind", ask.kind.as_str());
    unit.record(with_source(entry, ask.source), now, app.entropy.as_ref()).await?;
    warn_of_missing_mfa(app, &unit, actor, user, now).await?;
    keys.succeeded(&unit, admitted, now).await?;
    unit.commit().await?;
    tracing::info!(tenant_id = %tenant, user_id = %user, session_id = %signed_in.session, "signed in");
    Ok(Some(signed_in))
}

/// The tenant asks for a second factor, and this program has none to ask for yet.
async fn warn_of_missing_mfa(
    app: &App,
    unit: &WriteUnit,
    actor: Actor,
    user: UserId,
    now: Timestamp,
) -> Result<(), AppError> {
    let required = unit.this_tenant().await?.is_some_and(|tenant| tenant.mfa_required);
    if required {
        tracing::warn!(tenant_id = %unit.tenant(), user_id = %user, "signed in without the second factor that the tenant requires");
        let entry = NewEntry::new(actor, AuditAction::MfaNotEnforced, "user", user);
        unit.record(entry, now, app.entropy.as_ref()).await?;
    }
    Ok(())
}

/// Into the tenant's log; one who is not known there is written down all the same, so that both take the same time.
async fn write_down_failure(
    app: &App,
    tenant: Option<TenantId>,
    user: Option<UserId>,
    ask: &SignIn,
) -> Result<(), AppError> {
    let Some(tenant) = tenant else { return Ok(()) };
    let now = app.now();
    let unit = app.store.tenant(tenant).write().await?;
    let whom = user.map_or_else(|| "unknown".to_owned(), |user| user.to_string());
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
