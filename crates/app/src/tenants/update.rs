use curfew_domain::audit::{AuditAction, NewEntry};
use curfew_domain::{
    Change, DisplayName, Locale, Region, Scope, SsoStartUrl, Tenant, TenantId, User, UserId,
};
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
    /// Another access portal, or none.
    pub sso_start_url: Change<Option<SsoStartUrl>>,
    /// Another region of it, or none.
    pub sso_region: Change<Option<Region>>,
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
    if change.owner.is_some() {
        // First, as whoever suspends or changes a user does: of the two, the second sees what the first did.
        unit.bump_version().await?;
    }
    let before = own_tenant(&unit, id).await?;
    let mut after = Tenant {
        name: change.name.unwrap_or_else(|| before.name.clone()),
        locale: change.locale.unwrap_or_else(|| before.locale.clone()),
        updated_at: now,
        ..before.clone()
    };
    change.sso_start_url.apply_to(&mut after.sso_start_url);
    change.sso_region.apply_to(&mut after.sso_region);
    if let Some(owner) = change.owner.filter(|owner| Some(*owner) != before.owner) {
        let owner = transfer(&unit, caller, &before, owner, &after).await?;
        after.owner = Some(owner.id);
        after.owner_email = Some(owner.email);
    }
    unit.update_this_tenant(&before, &after).await?;
    unit.record(updated(caller, &before, &after), now, app.entropy.as_ref()).await?;
    let view = TenantView::own(&unit, after, now).await?;
    unit.commit().await?;
    Ok(view)
}

/// The caller's tenant, held against other changes.
async fn own_tenant(unit: &WriteUnit, id: TenantId) -> Result<Tenant, AppError> {
    let found = unit.tenant_by_id(id).await?.ok_or(AppError::NotFound("tenant"))?;
    if found.id != unit.tenant() {
        return Err(AppError::forbidden("a child tenant is changed by its own admins"));
    }
    unit.lock_this_tenant().await?.ok_or(AppError::NotFound("tenant"))
}

/// Which fields are others now, and where people are sent to sign in, and whose the tenant is.
fn updated(caller: &Caller, before: &Tenant, after: &Tenant) -> NewEntry {
    let fields = [
        ("name", before.name != after.name),
        ("locale", before.locale != after.locale),
        ("owner_user_id", before.owner != after.owner),
        ("sso_start_url", before.sso_start_url != after.sso_start_url),
        ("sso_region", before.sso_region != after.sso_region),
    ];
    let changed: Vec<&str> =
        fields.into_iter().filter(|(_, changed)| *changed).map(|(name, _)| name).collect();
    NewEntry::new(caller.actor, AuditAction::TenantUpdated, "tenant", before.id)
        .with("changed", changed)
        .with("owner_user_id", after.owner.map(|owner| owner.to_string()))
        .with("sso_start_url", after.sso_start_url.as_ref().map(ToString::to_string))
        .with("sso_region", after.sso_region.as_ref().map(ToString::to_string))
}

/// Only the owner gives the tenant away, and only while they may come in themselves.
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
    if !unit.user(caller.user).await?.is_some_and(|user| user.active) {
        return Err(AppError::forbidden("whoever transfers a tenant must be active"));
    }
    let to = unit.user(to).await?.filter(|user| user.active);
    let to = to.ok_or_else(|| AppError::field("owner_user_id", "is not an active user of this tenant"))?;
    if let Some(owner) = before.owner
        && let Some(former) = unit.user(owner).await?
    {
        let now_without = User { is_owner: false, updated_at: after.updated_at, ..former.clone() };
        unit.update_user(&former, &now_without).await?;
    }
    let owner = User { is_owner: true, updated_at: after.updated_at, ..to.clone() };
    unit.update_user(&to, &owner).await?;
    Ok(owner)
}
