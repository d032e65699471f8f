//! Roles and the scopes that they are made of.

use curfew_domain::{BuiltInRole, RoleId, Scope, Timestamp};
use uuid::Uuid;

use crate::{App, AppError, Caller};

/// A role as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleView {
    /// Its id, the same in every tenant.
    pub id: RoleId,
    /// Which.
    pub role: BuiltInRole,
    /// When the tenant got it.
    pub created_at: Timestamp,
    /// How many users hold it directly.
    pub users: u64,
    /// How many groups give it.
    pub groups: u64,
}

/// The tenant's roles, weakest first.
pub async fn list(app: &App, caller: &Caller) -> Result<Vec<RoleView>, AppError> {
    caller.require(Scope::RolesRead)?;
    let unit = app.store.tenant(caller.tenant).read().await?;
    let tenant = unit.this_tenant().await?.ok_or(AppError::NotFound("tenant"))?;
    let users = unit.users_by_role().await?;
    let groups = unit.groups_by_role().await?;
    let view = |role: BuiltInRole| RoleView {
        id: id_of(role),
        role,
        created_at: tenant.created_at,
        users: users.get(role.as_str()).copied().unwrap_or_default(),
        groups: groups.get(role.as_str()).copied().unwrap_or_default(),
    };
    Ok(BuiltInRole::ALL.map(view).into())
}

/// All scopes, in the order of their names.
pub fn permissions(caller: &Caller) -> Result<&'static [Scope], AppError> {
    caller.require(Scope::RolesRead)?;
    Ok(Scope::ALL)
}

/// Fixed ids in the form of UUID v7 at the epoch: no role that is made later can have one of them.
const fn id_of(role: BuiltInRole) -> RoleId {
    let number = match role {
        BuiltInRole::User => 1,
        BuiltInRole::Approver => 2,
        BuiltInRole::Admin => 3,
    };
    RoleId::from_uuid(Uuid::from_u128(0x0000_0000_0000_7000_8000_0000_0000_0000 | number))
}
