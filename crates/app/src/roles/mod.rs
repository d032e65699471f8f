//! Roles and the scopes that they are made of: those that every tenant has, and those that a tenant has made.

mod change;
mod create;
mod delete;
mod giving;
mod holding;
mod read;

pub use change::{RoleChange, change};
pub use create::{NewRole, create};
pub use delete::delete;
pub use read::{Role, RoleView, get, list};

pub(crate) use giving::{Giver, scopes_of_roles};
pub(crate) use holding::roles_with;

use curfew_domain::{CustomRole, RoleId, Scope};
use curfew_store::WriteUnit;

use crate::{AppError, Caller};

/// The most roles that a tenant makes: all of them are listed at once.
const MOST_ROLES: usize = 100;

/// All scopes, in the order of their names.
pub fn permissions(caller: &Caller) -> Result<&'static [Scope], AppError> {
    caller.require(Scope::RolesRead)?;
    Ok(Scope::ALL)
}

/// A role that is to be changed or deleted, and who does it: nobody else changes roles, or gives one, before the unit
/// ends.
async fn hold(
    unit: &WriteUnit,
    caller: &Caller,
    needs: Scope,
    id: RoleId,
) -> Result<(CustomRole, Giver), AppError> {
    if read::built_in(id).is_some() {
        return Err(AppError::conflict("every tenant has this role as it is: make another one"));
    }
    let giver = Giver::alone(caller, unit, needs).await?;
    let role = unit.custom_role(id).await?.ok_or(AppError::NotFound("role"))?;
    Ok((role, giver))
}
