use curfew_domain::connection::SavedConnection;
use curfew_domain::{DisplayName, DomainName, Email, PlatformMode, Slug, Tenant, TenantDomain, User};
use secrecy::SecretString;

use super::found::Founding;
use crate::connection::partition_problems;
use crate::credentials::password::NewPassword;
use crate::{App, AppError};

/// What the first run is told.
#[derive(Debug)]
pub struct CompleteSetup {
    /// What people call the master tenant.
    pub tenant_name: DisplayName,
    /// Its short name.
    pub tenant_slug: Slug,
    /// Its e-mail domains; believed once DNS proves them.
    pub domains: Vec<DomainName>,
    /// The first admin's address; counts as verified.
    pub admin_email: Email,
    /// Their name.
    pub admin_name: DisplayName,
    /// Their password.
    pub admin_password: SecretString,
    /// The tenant's OpenID provider.
    pub oidc: Option<OidcSetup>,
    /// The tenant's AWS connection; saved, not tested.
    pub aws: Option<SavedConnection>,
    /// Whether there will be child tenants.
    pub platform_mode: PlatformMode,
    /// Whether the tenant's people need a second factor.
    pub mfa_required: bool,
}

/// An OpenID provider; kept, and not used yet.
#[derive(Debug)]
pub struct OidcSetup {
    /// Its issuer.
    pub issuer_url: String,
    /// Curfew's name there.
    pub client_id: String,
    /// Curfew's secret there.
    pub client_secret: SecretString,
    /// What is asked for.
    pub scopes: Vec<String>,
}

/// What the first run made.
#[derive(Debug)]
pub struct SetupCompleted {
    /// The master tenant.
    pub tenant: Tenant,
    /// Its domains.
    pub domains: Vec<TenantDomain>,
    /// Its admin and owner.
    pub admin: User,
}

/// Completes the first run. Works once: of a hundred calls at the same time one succeeds, and the others find it done.
///
/// `token` is what `X-Setup-Token` held.
pub async fn complete(
    app: &App,
    ask: CompleteSetup,
    token: Option<&str>,
) -> Result<SetupCompleted, AppError> {
    refuse_strangers(app, token)?;
    // Between nodes the transaction decides; within one, nobody hashes a password for nothing.
    let _turn = app.gate.setup.lock().await;
    refuse_second_time(app).await?;
    refuse_multi_without_walls(app, ask.platform_mode).await?;
    if let Some(saved) = &ask.aws {
        check_connection(saved)?;
    }
    let about = [
        ask.admin_email.as_str(),
        ask.admin_name.as_str(),
        ask.tenant_name.as_str(),
        ask.tenant_slug.as_str(),
    ];
    let password = NewPassword::accept(&ask.admin_password, &about)
        .map_err(|problem| AppError::invalid("admin_password", &problem))?;
    let hash = app.gate.passwords.hash(&password, app.entropy.as_ref()).await?;
    let founding = Founding::new(app, &ask);
    let completed = founding.write(app, &ask, &hash).await?;
    let tenant = &completed.tenant;
    tracing::info!(tenant_id = %tenant.id, platform_mode = ask.platform_mode.as_str(), "first-run setup completed");
    if ask.mfa_required {
        tracing::warn!(tenant_id = %tenant.id, "a second factor is required, but this version can't ask for one yet: logins are let through without");
    }
    Ok(completed)
}

fn refuse_strangers(app: &App, token: Option<&str>) -> Result<(), AppError> {
    let right = match &app.gate.settings.setup_token {
        None => true,
        Some(expected) => expected.accepts(token.unwrap_or_default()),
    };
    if right {
        Ok(())
    } else {
        Err(AppError::Unauthenticated("X-Setup-Token must hold the server's CURFEW_SETUP_TOKEN"))
    }
}

/// Before a password is hashed, and by the names that the fields have here.
fn check_connection(saved: &SavedConnection) -> Result<(), AppError> {
    let mut problems = partition_problems(saved);
    for problem in &mut problems {
        problem.path.insert_str(0, "aws_identity_center.");
    }
    if problems.is_empty() { Ok(()) } else { Err(AppError::Invalid(problems)) }
}

async fn refuse_second_time(app: &App) -> Result<(), AppError> {
    if super::status(app).await?.completed { Err(done_before()) } else { Ok(()) }
}

pub(super) fn done_before() -> AppError {
    AppError::conflict("the first-run setup was completed before")
}

/// With a role that passes every wall, nothing but the program's own care would stand between tenants.
async fn refuse_multi_without_walls(app: &App, mode: PlatformMode) -> Result<(), AppError> {
    if mode == PlatformMode::Multi && app.store.role_bypasses_rls().await? {
        return Err(AppError::conflict(
            "platform mode multi needs a database role without SUPERUSER and BYPASSRLS: row-level security binds no other",
        ));
    }
    Ok(())
}
