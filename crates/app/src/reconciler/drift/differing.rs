//! What is done about an assignment of Curfew's that AWS holds otherwise than it should.

use curfew_domain::assignment::{Baseline, Difference, desired, difference};
use curfew_domain::audit::{AuditAction, NewEntry};
use curfew_domain::session_end::SessionEndCause;
use curfew_domain::{
    Actor, DoneBy, DriftId, DriftKind, DriftOutcome, DriftPlace, GrantId, Reason, Timestamp,
};
use curfew_store::{AssignmentWork, NewDrift, WriteUnit};

use super::super::calls::assignment_entry;
use super::super::{Reconciler, Target};
use super::Look;
use crate::AppError;
use crate::grants::{end_sessions, end_stray_sessions, grant_entry, revoked};
use crate::settings::TenantSettings;

/// Why a grant ends whose access somebody removed.
const REMOVED: &str = "somebody removed the access in AWS";

impl Reconciler {
    /// Takes it up anew under the row's lock: what was read before may have moved since.
    pub(super) async fn settle_difference(
        &self,
        target: Target,
        look: &Look<'_>,
        seen: Baseline,
    ) -> Result<(), AppError> {
        let unit = self.app.store.tenant(target.tenant).write().await?;
        let Some(mut work) = unit.lock_assignment_work(target.assignment).await? else { return Ok(()) };
        let now = self.app.clock.now();
        let times: Vec<_> = work.times().collect();
        let Some(difference) = difference(desired(&times, now), &work.observed, seen) else { return Ok(()) };
        let found = match difference {
            Difference::Missing => {
                work.observed.missed(seen.at);
                None
            }
            Difference::Found => {
                work.observed.found();
                None
            }
            Difference::Reappeared => {
                work.observed.looked(seen.at, true);
                unit.save_observed(target.assignment, &work.observed, look.held.fence, now).await?;
                unit.touch_due(target.assignment, now).await?;
                self.reappeared(&unit, target, &work, now).await?;
                None
            }
            Difference::Removed => Some(self.removed(&unit, target, &mut work, (seen.at, now)).await?),
            Difference::TakenBack => {
                work.observed.removed(seen.at);
                unit.touch_due(target.assignment, now).await?;
                None
            }
        };
        unit.save_observed(target.assignment, &work.observed, look.held.fence, now).await?;
        if let Some(found) = found {
            self.keep_finding(&unit, target, &work, found, now).await?;
        }
        unit.commit().await?;
        if !matches!(difference, Difference::Missing | Difference::Found) {
            self.app.nudge.about(target.tenant);
        }
        Ok(())
    }

    /// Access that was gone is there again, as a list has shown: it is to be deleted.
    pub(in super::super) async fn reappeared(
        &self,
        unit: &WriteUnit,
        target: Target,
        work: &AssignmentWork,
        now: Timestamp,
    ) -> Result<(), AppError> {
        self.record(unit, assignment_entry(AuditAction::AssignmentReappeared, target, work), now).await?;
        metrics::counter!("curfew_assignments_reappeared_total").increment(1);
        let found = (DriftKind::Reappeared, DriftOutcome::DeletedAgain);
        end_stray_sessions(&self.app, unit, target.assignment, SessionEndCause::Reappeared, now).await?;
        self.keep_finding(unit, target, work, found, now).await
    }

    async fn keep_finding(
        &self,
        unit: &WriteUnit,
        target: Target,
        work: &AssignmentWork,
        found: (DriftKind, DriftOutcome),
        now: Timestamp,
    ) -> Result<(), AppError> {
        let finding = finding(self.app.entropy.as_ref(), work, found, now);
        unit.insert_drift(&finding).await?;
        self.record(unit, entry(&finding), now).await?;
        tell(target, &finding);
        Ok(())
    }

    async fn removed(
        &self,
        unit: &WriteUnit,
        target: Target,
        work: &mut AssignmentWork,
        (seen_at, now): (Timestamp, Timestamp),
    ) -> Result<(DriftKind, DriftOutcome), AppError> {
        if TenantSettings::load(unit).await?.put_back_removed {
            work.observed.removed(seen_at);
            unit.touch_due(target.assignment, now).await?;
            return Ok((DriftKind::Removed, DriftOutcome::PutBack));
        }
        self.end_live_grants(unit, work, (REMOVED, "drift"), now).await?;
        Ok((DriftKind::Removed, DriftOutcome::GrantsEnded))
    }

    /// Ends every live grant of an assignment, for a reason that people read and a cause in the log.
    pub(in super::super) async fn end_live_grants(
        &self,
        unit: &WriteUnit,
        work: &AssignmentWork,
        (reason, cause): (&str, &'static str),
        now: Timestamp,
    ) -> Result<Vec<GrantId>, AppError> {
        let reason: Reason = reason.parse().map_err(AppError::internal)?;
        let mut ended = Vec::new();
        for linked in work.grants.iter().filter(|grant| grant.times.is_live(now)) {
            let Some(grant) = unit.lock_grant(linked.id).await? else { continue };
            let Ok(grant) = revoked(grant, DoneBy::System, Some(reason.clone()), now) else { continue };
            unit.save_revocation(&grant).await?;
            ended.push(grant.id);
            let entry = grant_entry(AuditAction::GrantRevoked, grant.id, grant.grantee).with("cause", cause);
            self.record(unit, entry, now).await?;
        }
        unit.touch_due_of_grants(&ended, now).await?;
        end_sessions(&self.app, unit, &ended, SessionEndCause::Removed, now).await?;
        Ok(ended)
    }
}

fn finding(
    entropy: &dyn curfew_domain::Entropy,
    work: &AssignmentWork,
    (kind, outcome): (DriftKind, DriftOutcome),
    now: Timestamp,
) -> NewDrift {
    NewDrift {
        id: DriftId::new(now, entropy),
        kind,
        place: DriftPlace {
            instance: work.key.instance.clone(),
            account: work.key.account.clone(),
            permission_set: work.key.permission_set.clone(),
            principal: work.key.principal.clone(),
        },
        assignment: Some(work.id),
        outcome,
        found_at: now,
    }
}

/// What the log says of a finding, and whoever is to be told.
pub(super) fn entry(finding: &NewDrift) -> NewEntry {
    NewEntry::new(Actor::System, AuditAction::DriftDetected, "drift", finding.id)
        .with("kind", finding.kind.as_str())
        .with("outcome", finding.outcome.as_str())
        .with("account_id", finding.place.account.as_str())
        .with("permission_set_arn", finding.place.permission_set.as_str())
        .with("principal_id", finding.place.principal.as_str())
        .with("assignment_id", finding.assignment.map(|id| id.to_string()))
}

fn tell(target: Target, finding: &NewDrift) {
    metrics::counter!("curfew_drift_total", "kind" => finding.kind.as_str()).increment(1);
    tracing::error!(
        tenant_id = %target.tenant, assignment_id = %target.assignment, drift_id = %finding.id,
        kind = finding.kind.as_str(), outcome = finding.outcome.as_str(),
        "AWS holds something else than it should"
    );
}
