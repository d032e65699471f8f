//! People: made, read, changed, suspended.

mod create;
mod read;
mod suspend;
mod update;

pub use create::{NewUser, create};
pub use read::{Me, get, list, me};
pub use suspend::{activate, suspend};
pub use update::{UserChange, update};

use std::collections::BTreeSet;

use curfew_domain::{BuiltInRole, RoleSlug, User, scopes_of};
use curfew_store::ReadUnit;

use crate::{AppError, Caller};

/// Roles that exist, and that carry nothing that the giver lacks.
fn check_roles(roles: &BTreeSet<RoleSlug>, giver: &Caller) -> Result<(), AppError> {
    check_known("roles", roles)?;
    let beyond = scopes_of(roles).missing_from(&giver.scopes);
    match beyond.first() {
        None => Ok(()),
        Some(scope) => Err(AppError::forbidden(format!(
            "nobody gives what they lack: these roles carry {scope}, and others, which the caller does not have"
        ))),
    }
}

/// Roles that exist; `field` is what names them.
pub(crate) fn check_known(field: &str, roles: &BTreeSet<RoleSlug>) -> Result<(), AppError> {
    match roles.iter().find(|role| BuiltInRole::named(role).is_none()) {
        None => Ok(()),
        Some(unknown) => {
            Err(AppError::field(field, format!("there is no role {unknown}; GET /v1/roles lists them")))
        }
    }
}

/// Refuses to take away the last admin who can sign in. The unit has moved the tenant's version: whoever else would take one waits.
async fn keep_one_admin(unit: &ReadUnit, user: &User) -> Result<(), AppError> {
    if user.is_active_admin() && unit.other_admins_who_can_sign_in(user.id).await? == 0 {
        return Err(AppError::conflict(
            "this is the tenant's last admin who can sign in; make another one first",
        ));
    }
    Ok(())
}
