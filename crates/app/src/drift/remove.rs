//! Having access removed that Curfew never gave.

use curfew_domain::assignment::AssignmentKey;
use curfew_domain::{AssignmentId, Drift, DriftId, DriftOutcome, Reason, Scope};

use super::{Remedy, connection_to, get, of_a_person, settle};
use crate::{App, AppError, Caller};

/// Writes down that it is to go, and wakes whoever owns the connection: the removal is an ordinary one from there on,
/// tried without limit, proved, and looked for again.
///
/// Not where a live grant needs the access: end that first.
pub(super) async fn remove(
    app: &App,
    caller: &Caller,
    id: DriftId,
    reason: Reason,
) -> Result<Drift, AppError> {
    caller.require(Scope::GrantsDelete)?;
    let unit = app.store.tenant(caller.tenant).write().await?;
    caller.stays(&unit).await?;
    let found = of_a_person(unit.drift_by_id(id).await?)?;
    let verified = connection_to(&unit, &found).await?;
    let key = AssignmentKey {
        instance: found.place.instance,
        region: verified.saved.region,
        identity_store: verified.identity_store,
        account: found.place.account,
        permission_set: found.place.permission_set,
        principal: found.place.principal,
    };
    let now = app.now();
    let new = AssignmentId::new(now, app.entropy.as_ref());
    let assignment = unit.hold_assignment_to_change(new, &key, now).await?.id;
    let work = unit.lock_assignment_work(assignment).await?.ok_or(AppError::NotFound("assignment"))?;
    // After the assignment, as everybody takes them; it may have been settled since it was read.
    let found = of_a_person(unit.lock_drift(id).await?)?;
    if work.grants.iter().any(|grant| grant.times.is_live(now)) {
        return Err(AppError::conflict("a grant needs this access: end the grant first"));
    }
    if work.observed.is_curfews() {
        return Err(AppError::conflict("the access is Curfew's by now, and ends with its grants"));
    }
    unit.want_removal(assignment, now).await?;
    unit.decide_drift(id, DriftOutcome::Removed, Some(assignment)).await?;
    let remedy = Remedy::Remove { reason: reason.clone() };
    let entry = settle(&unit, caller, &found, &remedy, Some(reason), now).await?;
    let entry = entry.with("assignment_id", assignment.to_string());
    unit.record(entry, now, app.entropy.as_ref()).await?;
    unit.commit().await?;
    app.nudge.about(caller.tenant);
    get(app, caller, id).await
}
