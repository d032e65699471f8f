use curfew_domain::audit::{AuditAction, NewEntry};
use curfew_domain::{
    Actor, AuthProvider, BuiltInRole, CredentialId, DisplayName, Email, Locale, Memberships, PlatformMode,
    Region, Scope, ScopeSet, Seconds, Slug, SsoStartUrl, Tenant, TenantId, TenantState, Timestamp, User,
    UserId,
};
use curfew_store::{Constraint, Credential, CredentialSubject, StoreError, WriteUnit};
use secrecy::{ExposeSecret, SecretString};

use super::TenantView;
use super::read::require_master;
use crate::credentials::{SecretToken, TokenKind};
use crate::login::LoginName;
use crate::{App, AppError, Caller, Made, Once, connection};

/// How long an owner has to set a first password.
const LINK_LIVES: Seconds = Seconds::of(7 * 86_400);

/// A tenant that is to be made.
#[derive(Debug)]
pub struct NewTenant {
    /// What people call it.
    pub name: DisplayName,
    /// Its short name, fixed for life.
    pub slug: Slug,
    /// Its owner, who becomes its admin.
    pub owner: Option<NewOwner>,
    /// Its language.
    pub locale: Locale,
    /// Its AWS access portal.
    pub sso_start_url: Option<SsoStartUrl>,
    /// The portal's region.
    pub sso_region: Option<Region>,
}

/// The owner of a tenant that is to be made.
#[derive(Debug)]
pub struct NewOwner {
    /// Their address.
    pub email: Email,
    /// Their name.
    pub name: DisplayName,
}

/// A tenant that was made.
#[derive(Debug)]
pub struct TenantCreated {
    /// The tenant.
    pub tenant: TenantView,
    /// The link with which the owner sets a first password. Told once.
    pub owner_setup_url: Option<SecretString>,
}

/// Makes a child of the caller's tenant, which must be the master, in platform mode `multi`.
pub async fn create(
    app: &App,
    caller: &Caller,
    ask: NewTenant,
    once: &Once,
) -> Result<Made<TenantCreated>, AppError> {
    caller.require(Scope::TenantsCreate)?;
    let now = app.now();
    let unit = app.store.tenant(caller.tenant).read().await?;
    require_master(&unit).await?;
    if let Some(id) = once.earlier::<TenantId>(&unit, now).await? {
        let tenant = unit.tenant_by_id(id).await?.ok_or(AppError::NotFound("tenant"))?;
        return Ok(Made::Before(TenantCreated {
            tenant: TenantView::of_child(tenant),
            owner_setup_url: None,
        }));
    }
    drop(unit);
    require_multi(app).await?;

    let owner = ask.owner.as_ref().map(|owner| new_owner(app, owner, now));
    let tenant = new_tenant(app, caller, ask, owner.as_ref(), now);
    let founding = app.store.found_child(caller.tenant, &tenant).await.map_err(taken)?;
    let entry = created(caller.actor, &tenant);
    founding.record(entry.clone(), now, app.entropy.as_ref()).await?;
    once.remember(&founding, tenant.id, now).await?;
    let unit = founding.cross().await?;
    unit.insert_login_name(&LoginName::Slug(&tenant.slug).hash(&app.keyring)).await.map_err(taken)?;
    // The child's own log begins with its making; who made it is told in the master's.
    unit.record(created(Actor::System, &tenant), now, app.entropy.as_ref()).await?;
    connection::begin(app, &unit, Actor::System, None, now).await?;
    let owner_setup_url = match &owner {
        Some(owner) => Some(invite(app, &unit, owner, now).await?),
        None => None,
    };
    unit.bump_version().await?;
    unit.commit().await?;
    tracing::info!(tenant_id = %tenant.id, "tenant created");
    Ok(Made::Now(TenantCreated { tenant: TenantView::of_child(tenant), owner_setup_url }))
}

async fn require_multi(app: &App) -> Result<(), AppError> {
    let installation = app.store.unwalled().read().await?.installation().await?;
    if installation.platform_mode == PlatformMode::Multi {
        Ok(())
    } else {
        Err(AppError::conflict("this installation serves one tenant: its platform mode is single"))
    }
}

fn new_tenant(app: &App, caller: &Caller, ask: NewTenant, owner: Option<&User>, now: Timestamp) -> Tenant {
    Tenant {
        id: TenantId::new(now, app.entropy.as_ref()),
        parent: Some(caller.tenant),
        name: ask.name,
        slug: ask.slug,
        locale: ask.locale,
        owner_email: owner.map(|owner| owner.email.clone()),
        owner: owner.map(|owner| owner.id),
        sso_start_url: ask.sso_start_url,
        sso_region: ask.sso_region,
        is_master: false,
        state: TenantState::Active,
        mfa_required: true,
        created_at: now,
        updated_at: now,
    }
}

fn new_owner(app: &App, ask: &NewOwner, now: Timestamp) -> User {
    User {
        id: UserId::new(now, app.entropy.as_ref()),
        email: ask.email.clone(),
        name: ask.name.clone(),
        roles: [BuiltInRole::Admin.slug()].into(),
        memberships: Memberships::default(),
        custom_scopes: ScopeSet::default(),
        auth_provider: AuthProvider::Local,
        active: true,
        // By the link: who has it was trusted with it.
        email_verified: false,
        is_owner: true,
        account_set: None,
        created_at: now,
        updated_at: now,
    }
}

fn created(actor: Actor, tenant: &Tenant) -> NewEntry {
    NewEntry::new(actor, AuditAction::TenantCreated, "tenant", tenant.id)
        .with("slug", tenant.slug.as_str())
        .with("is_master", false)
}

/// Makes the owner, without a password, and the link with which they set one.
async fn invite(app: &App, unit: &WriteUnit, owner: &User, now: Timestamp) -> Result<SecretString, AppError> {
    unit.insert_user(owner, None).await?;
    let token = SecretToken::generate(TokenKind::SetupLink, app.entropy.as_ref());
    unit.insert_credential(&Credential {
        id: CredentialId::new(now, app.entropy.as_ref()),
        hash: token.hash(&app.keyring),
        tenant: unit.tenant(),
        subject: CredentialSubject::SetupLink(owner.id),
        expires_at: Some(now + LINK_LIVES),
        revoked_at: None,
        version: 1,
    })
    .await?;
    let entry = NewEntry::new(Actor::System, AuditAction::UserCreated, "user", owner.id)
        .with("roles", vec![BuiltInRole::Admin.as_str()])
        .with_personal("email", owner.email.as_str());
    unit.record(entry, now, app.entropy.as_ref()).await?;
    let url =
        format!("{}/set-password?token={}", app.gate.settings.public_url, token.reveal().expose_secret());
    Ok(SecretString::from(url))
}

fn taken(error: StoreError) -> AppError {
    match error {
        StoreError::Conflict(Constraint::TenantSlug | Constraint::LoginName) => {
            AppError::conflict("a tenant has that slug")
        }
        other => other.into(),
    }
}
