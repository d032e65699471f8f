use curfew_domain::TenantId;

use super::LoginName;
use crate::{App, AppError};

/// A way to sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginMethod {
    /// An e-mail and a password.
    Local,
}

/// How one signs in to a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginMethods {
    /// The tenant that the name led to.
    pub tenant: TenantId,
    /// Its ways, the preferred one first.
    pub methods: Vec<LoginMethod>,
}

/// How one signs in to the tenant that `name` leads to.
pub async fn methods(app: &App, name: LoginName<'_>) -> Result<LoginMethods, AppError> {
    let unit = app.store.unwalled().read().await?;
    let tenant = name.tenant(&unit, &app.keyring).await?.ok_or(AppError::NotFound("tenant"))?;
    Ok(LoginMethods { tenant, methods: vec![LoginMethod::Local] })
}
