use curfew_domain::audit::{AuditAction, NewEntry};
use curfew_domain::{
    Actor, DoneBy, Lockdown, LockdownId, LockdownOf, Reason, Scope, TenantId, TenantState, Timestamp,
};
use curfew_store::WriteUnit;

use super::TenantView;
use super::read::require_master;
use crate::grants::{end_all_sessions, revoked_entry};
use crate::roles::Giver;
use crate::{App, AppError, Caller};

/// Begins to delete a child: from now on nobody of it is let in and nothing is given, and its live grants end. What AWS
/// holds for them is taken back, and then the child is erased ([`super::delete_further`]). Asked again, it changes nothing.
pub async fn delete(app: &App, caller: &Caller, id: TenantId) -> Result<TenantView, AppError> {
    caller.require(Scope::TenantsWrite)?;
    let now = app.now();
    let unit = app.store.tenant(caller.tenant).read().await?;
    let found = unit.tenant_by_id(id).await?.ok_or(AppError::NotFound("tenant"))?;
    if found.id == unit.tenant() {
        return Err(AppError::conflict(if found.is_master {
            "the master tenant is not deleted: it goes with the installation"
        } else {
            "a tenant does not delete itself: an admin of the master tenant does"
        }));
    }
    require_master(&unit).await?;
    drop(unit);
    if found.state == TenantState::Active {
        begin(app, caller, id, now).await?;
        app.nudge.about(id);
        tracing::warn!(tenant_id = %id, by = %caller.user, "tenant is being deleted");
    }
    super::get(app, caller, id).await
}

async fn begin(app: &App, caller: &Caller, id: TenantId, now: Timestamp) -> Result<(), AppError> {
    let entropy = app.entropy.as_ref();
    let dismissal = app.store.dismiss_child(caller.tenant, id).await?.ok_or(AppError::NotFound("tenant"))?;
    Giver::alone(caller, &dismissal, Scope::TenantsWrite).await?;
    if dismissal.tenant_by_id(id).await?.is_none_or(|child| child.state == TenantState::Deleting) {
        // Somebody else was first.
        return Ok(());
    }
    dismissal.record(started(caller.actor, id), now, entropy).await?;
    let unit = dismissal.cross(now).await?;
    // Whoever's credential is remembered is looked at anew.
    unit.bump_version().await?;
    // Nobody lifts it: nobody is let in. So no grant that is being made slips by.
    unit.lock_connection().await?;
    lock_down(app, &unit, caller, now).await?;
    let why: Reason = "the tenant is being deleted".parse().map_err(AppError::internal)?;
    let revoked = unit.revoke_all(&LockdownOf::Tenant, DoneBy::System, &why, now).await?;
    end_all_sessions(app, &unit, &LockdownOf::Tenant, &revoked, now).await?;
    // Who asked for it is told in the master's log.
    let mut log = vec![started(Actor::System, id).with("grants_revoked", revoked.len())];
    log.extend(revoked.iter().map(|grant| revoked_entry(Actor::System, grant, "tenant_deleted")));
    unit.record_all(log, now, entropy).await?;
    Ok(unit.commit().await?)
}

async fn lock_down(app: &App, unit: &WriteUnit, caller: &Caller, now: Timestamp) -> Result<(), AppError> {
    if unit.lockdowns_in_force().await?.iter().any(|lockdown| lockdown.of == LockdownOf::Tenant) {
        return Ok(());
    }
    let lockdown = Lockdown {
        id: LockdownId::new(now, app.entropy.as_ref()),
        of: LockdownOf::Tenant,
        reason: None,
        created_by: caller.user,
        created_at: now,
        grants_revoked: 0,
        lifted: None,
    };
    Ok(unit.insert_lockdown(&lockdown).await?)
}

fn started(actor: Actor, tenant: TenantId) -> NewEntry {
    NewEntry::new(actor, AuditAction::TenantDeletionStarted, "tenant", tenant)
}
