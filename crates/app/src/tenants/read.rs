use curfew_domain::{Page, PageRequest, Scope, Tenant, TenantId};
use curfew_store::ReadUnit;

use super::TenantView;
use crate::{App, AppError, Caller};

/// The master tenant and its children, newest first.
pub async fn list(app: &App, caller: &Caller, page: &PageRequest) -> Result<Page<TenantView>, AppError> {
    caller.require(Scope::TenantsRead)?;
    let unit = app.store.tenant(caller.tenant).read().await?;
    require_master(&unit).await?;
    let domains = unit.domains().await?;
    let deletions = unit.deletions_of_children().await?;
    let own = unit.tenant();
    let view = |tenant: Tenant| {
        if tenant.id == own {
            TenantView::new(tenant, &domains)
        } else {
            TenantView::of_child_among(tenant, &deletions)
        }
    };
    let Page { items, next } = unit.tenants(page).await?.map(view);
    Ok(Page { items: TenantView::with_overdue(&unit, items, app.now()).await?, next })
}

/// The caller's own tenant, or one of its children.
pub async fn get(app: &App, caller: &Caller, id: TenantId) -> Result<TenantView, AppError> {
    caller.require(Scope::TenantsRead)?;
    let unit = app.store.tenant(caller.tenant).read().await?;
    let tenant = unit.tenant_by_id(id).await?.ok_or(AppError::NotFound("tenant"))?;
    if tenant.id == unit.tenant() {
        return TenantView::own(&unit, tenant, app.now()).await;
    }
    let child = TenantView::of_child_among(tenant, &unit.deletions_of_children().await?);
    let told = TenantView::with_overdue(&unit, vec![child], app.now()).await?;
    told.into_iter().next().ok_or(AppError::NotFound("tenant"))
}

/// Refuses unless the unit's tenant is the master.
pub(super) async fn require_master(unit: &ReadUnit) -> Result<Tenant, AppError> {
    let tenant = unit.this_tenant().await?.ok_or(AppError::NotFound("tenant"))?;
    if tenant.is_master {
        Ok(tenant)
    } else {
        Err(AppError::forbidden("only the master tenant sees and makes tenants"))
    }
}
