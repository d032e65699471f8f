use curfew_domain::{Page, PageRequest, Scope, ScopeSet, SessionKind, Tenant, User, UserId};

use crate::credentials::CsrfToken;
use crate::tenants::TenantView;
use crate::{App, AppError, Caller};

/// The tenant's users, newest first.
pub async fn list(app: &App, caller: &Caller, page: &PageRequest) -> Result<Page<User>, AppError> {
    caller.require(Scope::UsersRead)?;
    let unit = app.store.tenant(caller.tenant).read().await?;
    Ok(unit.users(page).await?)
}

/// One of them. Oneself can always be read.
pub async fn get(app: &App, caller: &Caller, id: UserId) -> Result<User, AppError> {
    if id != caller.user {
        caller.require(Scope::UsersRead)?;
    }
    let unit = app.store.tenant(caller.tenant).read().await?;
    unit.user(id).await?.ok_or(AppError::NotFound("user"))
}

/// Who the caller is.
#[derive(Debug)]
pub struct Me {
    /// The person: a key's maker, for a key.
    pub user: User,
    /// Their tenant.
    pub tenant: TenantView,
    /// What they may do with the credential they showed.
    pub scopes: ScopeSet,
    /// What the console has to send with unsafe requests; only where the caller came with its cookie.
    pub csrf_token: Option<CsrfToken>,
}

/// Who the caller is.
pub async fn me(app: &App, caller: &Caller) -> Result<Me, AppError> {
    let unit = app.store.tenant(caller.tenant).read().await?;
    let user = unit.user(caller.user).await?.ok_or(AppError::NotFound("user"))?;
    let tenant: Tenant = unit.this_tenant().await?.ok_or(AppError::NotFound("tenant"))?;
    let tenant = TenantView::own(&unit, tenant, app.now()).await?;
    let session = match caller.session {
        Some(id) => unit.session(id).await?,
        None => None,
    };
    let csrf_token = session
        .filter(|session| session.kind == SessionKind::Cookie)
        .map(|session| CsrfToken::of(session.id, &app.keyring));
    Ok(Me { user, tenant, scopes: caller.scopes.clone(), csrf_token })
}
