use curfew_domain::emergency::ReviewStatus;
use curfew_domain::{LockdownOf, PageLimit, PageRequest, Scope, Timestamp, User, UserId};
use curfew_store::{RequestFilter, WriteUnit};

use super::keep_one_admin;
use super::take_back::{Going, take_back};
use crate::roles::Giver;
use crate::{App, AppError, Caller};

/// Deletes a user for good: nothing of theirs is let in any more, their pending requests are cancelled, their live grants
/// revoked, and then all that tells who they were and what they wrote is erased. What was done stays, under an id that
/// nobody else gets: the log still verifies.
pub async fn delete(app: &App, caller: &Caller, id: UserId) -> Result<(), AppError> {
    caller.require(Scope::UsersDelete)?;
    if id == caller.user {
        return Err(AppError::forbidden("nobody deletes themselves; another admin can"));
    }
    let now = app.now();
    let unit = app.store.tenant(caller.tenant).write().await?;
    // First: of two admins who delete each other, the second waits here, and then is the last.
    unit.bump_version().await?;
    // What they ask for at the same time waits, and then finds nobody; or it came first, and is taken back. Before the
    // caller is held: whoever decides of the caller's request holds themselves first, too.
    unit.hold_to_erase(id).await?;
    let giver = Giver::held(caller, &unit, Scope::UsersDelete).await?;
    let user = unit.user(id).await?.ok_or(AppError::NotFound("user"))?;
    if user.is_owner {
        return Err(AppError::conflict(
            "this is the tenant's owner: give the tenant to somebody else first (PUT /v1/tenants/{id})",
        ));
    }
    // What is erased can't be brought back: else whoever may delete could be rid of everybody who is above them.
    giver.check_scopes(&user.scopes(), "their roles, also those by groups,")?;
    keep_one_admin(&unit, &user).await?;
    check_nothing_is_open(&unit, &user, now).await?;
    take_back(app, caller, &unit, &user, Going::Deleted, now).await?;
    unit.erase_user(id).await?;
    unit.commit().await?;
    app.nudge.about(caller.tenant);
    tracing::info!(tenant_id = %caller.tenant, user_id = %id, "user deleted");
    Ok(())
}

/// Refuses while somebody has to look at what would be erased, or while a lockdown covers the person: under another id the
/// same person would not be covered by it.
async fn check_nothing_is_open(unit: &WriteUnit, user: &User, now: Timestamp) -> Result<(), AppError> {
    let in_force = unit.lockdowns_in_force().await?;
    if in_force.iter().any(|lockdown| lockdown.of == LockdownOf::User(user.id)) {
        return Err(AppError::conflict("a lockdown of this person is in force: lift it first"));
    }
    let owed = RequestFilter {
        requester: Some(user.id),
        review: Some(ReviewStatus::Owed),
        ..RequestFilter::default()
    };
    let page = PageRequest { limit: PageLimit::default(), after: None };
    if unit.requests(&owed, now, &page).await?.items.is_empty() {
        return Ok(());
    }
    Err(AppError::conflict("an emergency of this person waits for its review: review it first"))
}
