use curfew_domain::audit::{AuditAction, NewEntry};
use curfew_domain::{DisplayName, Locale, Region, Scope, SsoStartUrl, Tenant, TenantId, User, UserId};
use curfew_store::WriteUnit;

use super::TenantView;
use crate::{App, AppError, Caller};

/// What is to change of a tenant; what is none stays as it is.
#[derive(Debug, Default)]
pub struct TenantChange {
    /// Another name.
    pub name: Option<DisplayName>,
    /// Another owner, one of the tenant's active users.
    pub owner: Option<UserId>,
    /// Another language.
    pub locale: Option<Locale>,
    /// Another access portal; `Some(None)` for none.
    pub sso_start_url: Option<Option<SsoStartUrl>>,
    /// Another region of it; `Some(None)` for none.
    pub sso_region: Option<Option<Region>>,
}

/// Changes the caller's own tenant. A child is changed by its own people.
pub async fn update(
    app: &App,
    caller: &Caller,
    id: TenantId,
    change: TenantChange,
) -> Result<TenantView, AppError> {
    caller.require(Scope::TenantsWrite)?;
    let now = app.now();
    let unit = app.store.tenant(caller.tenant).write().await?;
    let before = unit.tenant_by_id(id).await?.ok_or(AppError::NotFound("tenant"))?;
    if before.id != unit.tenant() {
        return Err(AppError::forbidden("a child tenant is changed by its own admins"));
    }
    let mut after = Tenant {
        name: change.name.unwrap_or_else(|| before.name.clone()),
        locale: change.locale.unwrap_or_else(|| before.locale.clone()),
        sso_start_url: change.sso_start_url.unwrap_or_else(|| before.sso_start_url.clone()),
        sso_region: change.sso_region.unwrap_or_else(|| before.sso_region.clone()),
        updated_at: now,
        ..before.clone()
    };
    if let Some(owner) = change.owner.filter(|owner| Some(*owner) != before.owner) {
        let owner = transfer(&unit, caller, &before, owner, &after).await?;
        after.owner = Some(owner.id);
        after.owner_email = Some(owner.email);
    }
    unit.update_this_tenant(&after).await?;
    let entry = NewEntry::new(caller.actor, AuditAction::TenantUpdated, "tenant", id)
        .with("owner_changed", after.owner != before.owner)
        .with("renamed", after.name != before.name);
    unit.record(entry, now, app.entropy.as_ref()).await?;
    let domains = unit.domains().await?;
    unit.commit().await?;
    Ok(TenantView::new(after, &domains))
}

/// Only the owner gives the tenant away.
async fn transfer(
    unit: &WriteUnit,
    caller: &Caller,
    before: &Tenant,
    to: UserId,
    after: &Tenant,
) -> Result<User, AppError> {
    if before.owner.is_some_and(|owner| owner != caller.user) {
        return Err(AppError::forbidden("only its owner transfers a tenant"));
    }
    let to = unit.user(to).await?.filter(|user| user.active);
    let to = to.ok_or_else(|| AppError::field("owner_user_id", "is not an active user of this tenant"))?;
    if let Some(owner) = before.owner
        && let Some(former) = unit.user(owner).await?
    {
        unit.update_user(&User { is_owner: false, updated_at: after.updated_at, ..former }).await?;
    }
    let to = User { is_owner: true, updated_at: after.updated_at, ..to };
    unit.update_user(&to).await?;
    Ok(to)
}
