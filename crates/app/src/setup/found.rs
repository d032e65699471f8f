use curfew_domain::audit::{AuditAction, NewEntry};
use curfew_domain::{
    Actor, AuthProvider, BuiltInRole, DomainId, DomainName, Entropy, Locale, Memberships, ScopeSet, Tenant,
    TenantDomain, TenantId, TenantState, Timestamp, User, UserId,
};
use curfew_store::keyring::SealedColumn;
use curfew_store::{OidcConfig, WriteUnit};

use super::complete::{CompleteSetup, OidcSetup, SetupCompleted, done_before};
use crate::credentials::password::PasswordHash;
use crate::login::LoginName;
use crate::{App, AppError, connection};

/// Where an OpenID provider's client secret is sealed for.
pub(crate) const OIDC_SECRET: &str = "oidc_config.client_secret";

/// The rows of the first run, made before the transaction that writes them.
pub(super) struct Founding {
    now: Timestamp,
    tenant: Tenant,
    admin: User,
    domains: Vec<TenantDomain>,
}

impl Founding {
    pub(super) fn new(app: &App, ask: &CompleteSetup) -> Self {
        let (now, entropy) = (app.now(), app.entropy.as_ref());
        let admin = User {
            id: UserId::new(now, entropy),
            email: ask.admin_email.clone(),
            name: ask.admin_name.clone(),
            roles: [BuiltInRole::Admin.slug()].into(),
            memberships: Memberships::default(),
            custom_scopes: ScopeSet::default(),
            auth_provider: AuthProvider::Local,
            active: true,
            email_verified: true,
            is_owner: true,
            account_set: None,
            created_at: now,
            updated_at: now,
        };
        let tenant = Tenant {
            id: TenantId::new(now, entropy),
            parent: None,
            name: ask.tenant_name.clone(),
            slug: ask.tenant_slug.clone(),
            locale: Locale::english(),
            owner_email: Some(ask.admin_email.clone()),
            owner: Some(admin.id),
            sso_start_url: None,
            sso_region: None,
            is_master: true,
            state: TenantState::Active,
            mfa_required: ask.mfa_required,
            created_at: now,
            updated_at: now,
        };
        let domains = ask.domains.iter().map(|name| claim(name, now, entropy)).collect();
        Self { now, tenant, admin, domains }
    }

    /// One transaction: all of it, or nothing because another call was first.
    pub(super) async fn write(
        self,
        app: &App,
        ask: &CompleteSetup,
        password: &PasswordHash,
    ) -> Result<SetupCompleted, AppError> {
        let unit = app.store.tenant(self.tenant.id).write().await?;
        if !unit.complete_setup(ask.platform_mode, self.now).await? {
            return Err(done_before());
        }
        unit.insert_this_tenant(&self.tenant).await?;
        unit.insert_login_name(&LoginName::Slug(&self.tenant.slug).hash(&app.keyring)).await?;
        unit.insert_user(&self.admin, Some(&password.to_string())).await?;
        for domain in &self.domains {
            unit.insert_domain(domain).await?;
        }
        if let Some(oidc) = &ask.oidc {
            unit.save_oidc_config(&sealed(app, self.tenant.id, oidc, self.now)).await?;
        }
        self.record(app, &unit, ask).await?;
        connection::begin(app, &unit, Actor::System, ask.aws.as_ref(), self.now).await?;
        unit.bump_version().await?;
        unit.commit().await?;
        Ok(SetupCompleted { tenant: self.tenant, domains: self.domains, admin: self.admin })
    }

    async fn record(&self, app: &App, unit: &WriteUnit, ask: &CompleteSetup) -> Result<(), AppError> {
        let entropy = app.entropy.as_ref();
        let tenant = NewEntry::new(Actor::System, AuditAction::TenantCreated, "tenant", self.tenant.id)
            .with("slug", self.tenant.slug.as_str())
            .with("is_master", true)
            .with("oidc_configured", ask.oidc.is_some());
        let mode = NewEntry::new(Actor::System, AuditAction::PlatformModeSet, "installation", self.tenant.id)
            .with("platform_mode", ask.platform_mode.as_str());
        let admin = NewEntry::new(Actor::System, AuditAction::UserCreated, "user", self.admin.id)
            .with("roles", vec![BuiltInRole::Admin.as_str()])
            .with_personal("email", self.admin.email.as_str());
        for entry in [tenant, mode, admin] {
            unit.record(entry, self.now, entropy).await?;
        }
        if ask.mfa_required {
            let entry = NewEntry::new(Actor::System, AuditAction::MfaNotEnforced, "tenant", self.tenant.id);
            unit.record(entry, self.now, entropy).await?;
        }
        Ok(())
    }
}

/// A domain that is claimed, and not proved yet.
fn claim(name: &DomainName, now: Timestamp, entropy: &dyn Entropy) -> TenantDomain {
    let mut token = [0_u8; 16];
    entropy.fill(&mut token);
    TenantDomain {
        id: DomainId::new(now, entropy),
        name: name.clone(),
        verified_at: None,
        verification_token: blake3::hash(&token).to_hex()[..32].to_owned(),
        created_at: now,
    }
}

fn sealed(app: &App, tenant: TenantId, oidc: &OidcSetup, now: Timestamp) -> OidcConfig {
    let place = SealedColumn { tenant, column: OIDC_SECRET };
    OidcConfig {
        issuer_url: oidc.issuer_url.clone(),
        client_id: oidc.client_id.clone(),
        client_secret: app.keyring.seal(place, &oidc.client_secret, app.entropy.as_ref()),
        scopes: oidc.scopes.clone(),
        created_at: now,
        updated_at: now,
    }
}
