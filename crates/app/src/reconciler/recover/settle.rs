//! One place: what of it is known, what is not, and what is not there.

use std::collections::HashSet;

use curfew_domain::assignment::{Desired, desired};
use curfew_domain::{DriftKind, DriftOutcome, GrantId, StorePrincipalId};

use super::super::access::Access;
use super::super::drift::Look;
use super::super::lease::Held;
use super::super::{Reconciler, Target};
use super::{Recovered, TAKEN_OVER, Unknown};
use crate::AppError;
use tokio::time::Instant;

/// Why a grant ends.
const RESTORED: &str =
    "the database was restored from a backup, and AWS does not prove this access to be the grant's";

impl Reconciler {
    pub(super) async fn settle_place(
        &self,
        look: &Look<'_>,
        recovered: &mut Recovered,
    ) -> Result<(), AppError> {
        let unit = self.app.store.tenant(look.tenant).read().await?;
        let known = unit.all_observed_at(look.instance, look.place).await?;
        let lasting = unit.lasting_drift_at(look.instance, look.place).await?;
        let was_listed = unit.was_listed(look.instance, look.place).await?;
        drop(unit);
        let mut managed: HashSet<StorePrincipalId> = HashSet::new();
        for (assignment, principal, observed) in &known {
            if observed.is_curfews() {
                managed.insert(principal.clone());
            }
            let proved = look.shows(principal) && observed.baseline.is_some();
            if !proved {
                let target = Target { tenant: look.tenant, assignment: *assignment };
                recovered.ended.extend(self.end_unproved(target, look.held).await?);
            }
        }
        self.note_unmanaged(look, &managed, &lasting, was_listed).await?;
        self.read_unknown(look, recovered).await
    }

    /// Ends what lives of an assignment's grants: AWS does not show the access, or may have it from before they began.
    async fn end_unproved(&self, target: Target, held: Held) -> Result<Vec<GrantId>, AppError> {
        let unit = self.app.store.tenant(target.tenant).write().await?;
        let Some(work) = unit.lock_assignment_work(target.assignment).await? else { return Ok(Vec::new()) };
        let now = self.app.clock.now();
        let times: Vec<_> = work.times().collect();
        if desired(&times, now) == Desired::Absent {
            return Ok(Vec::new());
        }
        // A server that works with it after all is told apart by the lease's number.
        unit.save_observed(target.assignment, &work.observed, held.fence, now).await?;
        let ended = self.end_live_grants(&unit, &work, (RESTORED, "restored"), now).await?;
        unit.commit().await?;
        Ok(ended)
    }

    /// Ends the grants that waited for their access when the backup was made, wherever: they may have got it since, and may
    /// have been revoked. Whoever needs one still asks for it again.
    pub(super) async fn end_what_waits(
        &self,
        access: &Access,
        recovered: &mut Recovered,
    ) -> Result<(), AppError> {
        let tenant = access.role.tenant;
        let unit = self.app.store.tenant(tenant).read().await?;
        let waiting = unit.assignments_never_looked_for().await?;
        drop(unit);
        for assignment in waiting {
            self.hold_on(tenant).await;
            let Some(held) = self.leases.held(tenant, Instant::now()) else {
                let what = "grants that waited for their access".to_owned();
                recovered.not_compared.push((what, TAKEN_OVER.to_owned()));
                return Ok(());
            };
            recovered.ended.extend(self.end_unproved(Target { tenant, assignment }, held).await?);
        }
        Ok(())
    }

    /// What nobody has accepted of what lasts here, and people have.
    async fn read_unknown(&self, look: &Look<'_>, recovered: &mut Recovered) -> Result<(), AppError> {
        let unit = self.app.store.tenant(look.tenant).read().await?;
        for finding in unit.lasting_drift_at(look.instance, look.place).await? {
            let is_settled = finding.resolved.is_some() && finding.outcome != DriftOutcome::Removed;
            if finding.kind != DriftKind::UnmanagedUser || is_settled {
                continue;
            }
            let person = unit.identity_user(look.identity_store, &finding.place.principal).await?;
            recovered.unknown.push(Unknown { finding, email: person.and_then(|person| person.email) });
        }
        Ok(())
    }
}
