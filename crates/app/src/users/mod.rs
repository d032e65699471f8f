//! People: made, read, changed, suspended, deleted.

mod create;
mod delete;
mod read;
mod suspend;
mod take_back;
mod update;

pub use create::{NewUser, create};
pub use delete::delete;
pub use read::{Me, get, list, me};
pub use suspend::{activate, suspend};
pub use update::{UserChange, update};

use std::collections::BTreeSet;

use curfew_domain::{RoleSlug, User};
use curfew_store::ReadUnit;

use crate::AppError;
use crate::roles::{Giver, scopes_of_roles};

/// Roles that exist, and that the giver may give.
async fn check_roles(unit: &ReadUnit, roles: &BTreeSet<RoleSlug>, giver: &Giver) -> Result<(), AppError> {
    giver.check_roles(roles, &scopes_of_roles(unit, "roles", roles).await?, "these roles")
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
