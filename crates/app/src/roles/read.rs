use curfew_domain::{BuiltInRole, CustomRole, RoleId, RoleSlug, Scope, Timestamp};
use curfew_store::ReadUnit;
use uuid::Uuid;

use crate::{App, AppError, Caller};

/// A role as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleView {
    /// Which.
    pub role: Role,
    /// How many users hold it directly.
    pub users: u64,
    /// How many groups give it.
    pub groups: u64,
}

impl RoleView {
    /// One that the tenant has made.
    pub(super) async fn of(unit: &ReadUnit, role: CustomRole) -> Result<Self, AppError> {
        let (users, groups) = super::delete::holders(unit, &role).await?;
        Ok(Self { role: Role::Custom(role), users, groups })
    }
}

/// A role of either kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// Every tenant has it.
    BuiltIn {
        /// Its id, the same in every tenant.
        id: RoleId,
        /// Which.
        role: BuiltInRole,
        /// When the tenant got it.
        created_at: Timestamp,
    },
    /// The tenant has made it.
    Custom(CustomRole),
}

impl Role {
    /// Its short name.
    pub fn slug(&self) -> RoleSlug {
        match self {
            Role::BuiltIn { role, .. } => role.slug(),
            Role::Custom(role) => role.slug.clone(),
        }
    }

    fn id(&self) -> RoleId {
        match self {
            Role::BuiltIn { id, .. } => *id,
            Role::Custom(role) => role.id,
        }
    }
}

/// The tenant's roles: the built-in ones, weakest first, and then its own, oldest first.
pub async fn list(app: &App, caller: &Caller) -> Result<Vec<RoleView>, AppError> {
    caller.require(Scope::RolesRead)?;
    let unit = app.store.tenant(caller.tenant).read().await?;
    let tenant = unit.this_tenant().await?.ok_or(AppError::NotFound("tenant"))?;
    let (users, groups) = (unit.users_by_role().await?, unit.groups_by_role().await?);
    let built_in =
        BuiltInRole::ALL.map(|role| Role::BuiltIn { id: id_of(role), role, created_at: tenant.created_at });
    let custom = unit.custom_roles().await?.into_iter().map(Role::Custom);
    let view = |role: Role| {
        let count = |by: &std::collections::BTreeMap<String, u64>| {
            by.get(role.slug().as_str()).copied().unwrap_or_default()
        };
        RoleView { users: count(&users), groups: count(&groups), role }
    };
    Ok(built_in.into_iter().chain(custom).map(view).collect())
}

/// One of them.
pub async fn get(app: &App, caller: &Caller, id: RoleId) -> Result<RoleView, AppError> {
    let all = list(app, caller).await?;
    all.into_iter().find(|view| view.role.id() == id).ok_or(AppError::NotFound("role"))
}

/// The built-in role of that id.
pub(super) fn built_in(id: RoleId) -> Option<BuiltInRole> {
    BuiltInRole::ALL.into_iter().find(|role| id_of(*role) == id)
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
