//! Access that Curfew never gave: it is reported, and left alone where others may give it.

use std::collections::{BTreeMap, HashSet};

use curfew_aws::Assignee;
use curfew_domain::{
    Drift, DriftId, DriftKind, DriftOutcome, DriftPlace, StorePrincipalId, TenantId, Timestamp,
};
use curfew_store::NewDrift;

use super::super::Reconciler;
use super::super::exclusive::accepted;
use super::{Look, differing};
use crate::AppError;

/// So many findings of a place are kept at most. One with more than that is not what Curfew is for.
const MOST_AT_A_PLACE: usize = 500;

impl Reconciler {
    /// Keeps what a list shows besides Curfew's own, and ends what it shows no longer. What a place had when it was first
    /// listed is no news; nobody is told of it. Nor is what somebody has accepted and an earlier list did not show.
    pub(in super::super) async fn note_unmanaged(
        &self,
        look: &Look<'_>,
        managed: &HashSet<StorePrincipalId>,
        lasting: &[Drift],
        was_listed: bool,
    ) -> Result<(), AppError> {
        let mut shown = unmanaged(look.assignees, managed);
        let known =
            |principal: &StorePrincipalId| lasting.iter().find(|drift| drift.place.principal == *principal);
        let over: Vec<_> = lasting.iter().filter(|drift| is_over(drift, look, &shown)).collect();
        for (principal, kind) in shown.clone() {
            if kind == DriftKind::UnmanagedUser
                && self.remove_unmanaged(look, &principal, known(&principal)).await?
            {
                shown.remove(&principal);
            }
        }
        let new: Vec<_> = shown.iter().filter(|(principal, _)| known(principal).is_none()).collect();
        if new.is_empty() && over.is_empty() && was_listed {
            return Ok(());
        }
        let unit = self.app.store.tenant(look.tenant).write().await?;
        let now = self.app.clock.now();
        unit.note_listed(look.instance, look.place, now).await?;
        for drift in over {
            unit.end_drift(drift.id, now).await?;
        }
        for (principal, kind) in new {
            let finding = self.finding(look, principal, *kind, now);
            if was_listed && let Some(accepted) = accepted(&unit, &finding.place, now).await? {
                unit.resume_drift(accepted.id).await?;
                continue;
            }
            if unit.insert_drift(&finding).await? && was_listed {
                self.record(&unit, differing::entry(&finding), now).await?;
                tell(look.tenant, &finding);
            }
        }
        Ok(unit.commit().await?)
    }

    pub(super) fn finding(
        &self,
        look: &Look<'_>,
        principal: &StorePrincipalId,
        kind: DriftKind,
        now: Timestamp,
    ) -> NewDrift {
        NewDrift {
            id: DriftId::new(now, self.app.entropy.as_ref()),
            kind,
            place: look.access_of(principal),
            assignment: None,
            outcome: DriftOutcome::LeftAlone,
            found_at: now,
        }
    }
}

impl Look<'_> {
    /// What a person or a group has here.
    pub(super) fn access_of(&self, principal: &StorePrincipalId) -> DriftPlace {
        DriftPlace {
            instance: self.instance.clone(),
            account: self.place.account.clone(),
            permission_set: self.place.permission_set.clone(),
            principal: principal.clone(),
        }
    }
}

fn unmanaged(
    assignees: &[Assignee],
    managed: &HashSet<StorePrincipalId>,
) -> BTreeMap<StorePrincipalId, DriftKind> {
    let kind = |assignee: &Assignee| match assignee {
        Assignee::User(user) => (!managed.contains(user)).then(|| (user.clone(), DriftKind::UnmanagedUser)),
        Assignee::Group(group) => Some((group.clone(), DriftKind::UnmanagedGroup)),
    };
    assignees.iter().filter_map(kind).take(MOST_AT_A_PLACE).collect()
}

/// Whether AWS shows it no longer, or it has become Curfew's. What is being removed is over once it is not there.
fn is_over(drift: &Drift, look: &Look<'_>, shown: &BTreeMap<StorePrincipalId, DriftKind>) -> bool {
    let is_removed = drift.outcome == DriftOutcome::Removed && look.shows(&drift.place.principal);
    !shown.contains_key(&drift.place.principal) && !is_removed
}

pub(super) fn tell(tenant: TenantId, finding: &NewDrift) {
    metrics::counter!("curfew_drift_total", "kind" => finding.kind.as_str()).increment(1);
    tracing::warn!(tenant_id = %tenant, drift_id = %finding.id, account_id = %finding.place.account,
        permission_set = %finding.place.permission_set, "somebody has access that Curfew did not give");
}
