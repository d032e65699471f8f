use curfew_domain::audit::{AuditAction, NewEntry};
use curfew_domain::{Actor, DeletionWaitsFor, TenantId, Timestamp};
use curfew_store::ReadUnit;

use crate::round::Round;
use crate::{App, AppError, connection};

/// After so many failed tries in a row AWS does not only take its time.
const FAILS_FROM: u32 = 3;

/// One round over all tenants that are being deleted: says how far each has come, and erases those of which AWS holds
/// nothing any more. Safe to repeat, and to run on several nodes. Answers how many were erased.
///
/// A tenant whose AWS can't be reached stays as it is, for as long as that takes.
pub async fn delete_further(app: &App) -> Result<usize, AppError> {
    let being_deleted = app.store.unwalled().read().await?.tenants_being_deleted().await?;
    let (mut erased, mut round) = (0, Round::new());
    for deletion in being_deleted {
        let is_erased = round.of(deletion.tenant, one_further(app, deletion.tenant).await)?;
        erased += usize::from(is_erased.unwrap_or_default());
    }
    round.end(erased)
}

async fn one_further(app: &App, tenant: TenantId) -> Result<bool, AppError> {
    let now = app.now();
    let unit = app.store.tenant(tenant).read().await?;
    let (left, waits_for) = still_to_do(&unit, now).await?;
    drop(unit);
    if left == 0 {
        return erase(app, tenant, now).await;
    }
    let unit = app.store.tenant(tenant).write().await?;
    unit.note_deletion(left, waits_for, now).await?;
    unit.commit().await?;
    tracing::info!(tenant_id = %tenant, left, waits_for = ?waits_for, "tenant waits to be erased");
    Ok(false)
}

/// How many assignments AWS may still hold, and what is waited for.
async fn still_to_do(unit: &ReadUnit, now: Timestamp) -> Result<(u64, Option<DeletionWaitsFor>), AppError> {
    let (left, failed_tries) = unit.assignments_to_take_back().await?;
    // Erased with the tenant, a deny without a time would shut somebody out for ever.
    let left = if left == 0 { unit.session_ends_without_cut_off(now).await? } else { left };
    let waits_for = if left == 0 {
        None
    } else if connection::usable(unit.connection().await?.as_ref()).is_err() {
        Some(DeletionWaitsFor::Connection)
    } else if failed_tries >= FAILS_FROM {
        Some(DeletionWaitsFor::RefusedByAws)
    } else {
        Some(DeletionWaitsFor::Aws)
    };
    Ok((left, waits_for))
}

/// Erases a tenant of which nothing is left in AWS. The master's log tells of it, with the end of the tenant's own log:
/// heads that left the database before are held against that.
async fn erase(app: &App, tenant: TenantId, now: Timestamp) -> Result<bool, AppError> {
    app.store.seal(tenant).await?;
    let unit = app.store.tenant(tenant).write().await?;
    // Whoever seals waits, and then finds nothing.
    unit.lock_this_tenant().await?;
    let (left, _) = still_to_do(&unit, now).await?;
    if left > 0 || unit.has_unsealed().await? {
        return Ok(false);
    }
    let end = unit.chain_head(now).await?;
    let Some(unit) = unit.erase_this_tenant(now).await? else { return Ok(false) };
    let entry = NewEntry::new(Actor::System, AuditAction::TenantDeleted, "tenant", tenant)
        .with("last_sequence", end.map_or(0, |end| end.sequence))
        .with("last_hash", end.map(|end| end.hash.to_string()));
    unit.record(entry, now, app.entropy.as_ref()).await?;
    unit.commit().await?;
    app.aws.forget(tenant);
    tracing::warn!(tenant_id = %tenant, "tenant erased");
    Ok(true)
}
