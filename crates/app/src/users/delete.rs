use curfew_domain::{Scope, UserId};

use super::keep_one_admin;
use super::take_back::{Going, take_back};
use crate::roles::Giver;
use crate::{App, AppError, Caller};

/// Deletes a user for good: nothing of theirs is let in any more, their pending requests are cancelled, their live grants
/// revoked, and then all that tells who they were and what they wrote is erased. What was done stays, under an id that
/// nobody else gets: the log still verifies.
pub async fn delete(app: &App, caller: &Caller, id: UserId) -> Result<(), AppError> {
    caller.require(Scope::UsersDelete)?;
    let now = app.now();
    let unit = app.store.tenant(caller.tenant).write().await?;
    // First: of two admins who delete each other, the second waits here, and then is the last.
    Giver::alone(caller, &unit, Scope::UsersDelete).await?;
    // What they ask for at the same time waits, and then finds nobody; or it came first, and is taken back.
    unit.hold_active(id).await?;
    let user = unit.user(id).await?.ok_or(AppError::NotFound("user"))?;
    if user.is_owner {
        return Err(AppError::conflict(
            "this is the tenant's owner: give the tenant to somebody else first (PUT /v1/tenants/{id})",
        ));
    }
    keep_one_admin(&unit, &user).await?;
    take_back(app, caller, &unit, &user, Going::Deleted, now).await?;
    unit.erase_user(id).await?;
    unit.commit().await?;
    app.nudge.about(caller.tenant);
    tracing::info!(tenant_id = %caller.tenant, user_id = %id, "user deleted");
    Ok(())
}
