//! Creations and deletions: written down, sent, and what AWS said of them.

use curfew_aws::{AwsError, CallStatus, RoleAccess};
use curfew_domain::assignment::{CallKind, CallOutcome, Phase, Step, desired, next_step};
use curfew_domain::audit::{AuditAction, NewEntry};
use curfew_domain::{Actor, AssignmentCallId, Timestamp};
use curfew_store::{AssignmentCall, AssignmentWork, WriteUnit};
use tokio::time::Instant;

use super::lease::Held;
use super::work::Went;
use super::{Reconciler, Target, backoff};
use crate::AppError;

/// After this many failures of a deletion in a row somebody should look.
const ALERT_AFTER: u32 = 3;

impl Reconciler {
    /// Creates, if the connection may create anything now.
    pub(super) async fn send_creation(
        &self,
        target: Target,
        held: Held,
        work: &AssignmentWork,
    ) -> Result<Went, AppError> {
        match self.access(target.tenant).await? {
            Some(access) if access.may_create => {
                self.send(target, held, work, CallKind::Create, &access.role).await
            }
            _ => Ok(self.wait_for_connection()),
        }
    }

    /// Deletes, with whatever was last verified: a suspended connection does not keep access alive.
    pub(super) async fn send_deletion(
        &self,
        target: Target,
        held: Held,
        work: &AssignmentWork,
    ) -> Result<Went, AppError> {
        if let Some(access) = self.access(target.tenant).await? {
            return self.send(target, held, work, CallKind::Delete, &access.role).await;
        }
        tracing::error!(tenant_id = %target.tenant, assignment_id = %target.assignment, "no verified connection to delete with");
        Ok(self.wait_for_connection())
    }

    async fn send(
        &self,
        target: Target,
        held: Held,
        work: &AssignmentWork,
        kind: CallKind,
        role: &RoleAccess,
    ) -> Result<Went, AppError> {
        if !self.turns.take(target.tenant, &work.key.account, target.assignment) {
            return Ok(self.wait_for_turn());
        }
        let sent = self.send_in_turn(target, held, work, kind, role).await;
        if !matches!(sent, Ok(Sent { aws_works_on_it: true, .. })) {
            self.turns.release(target.tenant, &work.key.account, target.assignment);
        }
        sent.map(|sent| sent.went)
    }

    async fn send_in_turn(
        &self,
        target: Target,
        held: Held,
        work: &AssignmentWork,
        kind: CallKind,
        role: &RoleAccess,
    ) -> Result<Sent, AppError> {
        self.paces.take(target.tenant).await;
        let aws = match self.app.aws.assignments(role).await {
            Ok(aws) => aws,
            Err(error) => return self.could_not_ask(target, held, &error).await.map(Sent::ended),
        };
        if !held.allows_a_call(Instant::now()) {
            return Ok(Sent::ended(Went::NoLease));
        }
        let Some(sent_at) = self.write_down(target, held, kind).await? else {
            return Ok(Sent::ended(Went::On));
        };
        let outcome = match kind {
            CallKind::Create => aws.create(&work.key).await,
            CallKind::Delete => aws.delete(&work.key).await,
        };
        self.answered(target, held, kind, sent_at, &outcome).await?;
        Ok(Sent { went: Went::On, aws_works_on_it: matches!(outcome, CallOutcome::Accepted { .. }) })
    }

    /// Commits the call before it is sent, and the ends of the grants that it starts. None when a grant was changed
    /// meanwhile, so that the call is not wanted any more.
    async fn write_down(
        &self,
        target: Target,
        held: Held,
        kind: CallKind,
    ) -> Result<Option<Timestamp>, AppError> {
        let unit = self.app.store.tenant(target.tenant).write().await?;
        let Some(mut work) = unit.lock_assignment_work(target.assignment).await? else { return Ok(None) };
        let now = self.app.clock.now();
        let times: Vec<_> = work.grants.iter().map(|grant| grant.times).collect();
        let wanted = next_step(desired(&times, now), &work.observed, now);
        if !matches!((wanted, kind), (Step::Create, CallKind::Create) | (Step::Delete, CallKind::Delete)) {
            return Ok(None);
        }
        work.observed.sending(kind, now);
        unit.save_observed(target.assignment, &work.observed, held.fence, now).await?;
        let call = AssignmentCall {
            id: AssignmentCallId::new(now, self.app.entropy.as_ref()),
            assignment: target.assignment,
            kind,
            fence: held.fence,
            sent_at: now,
        };
        unit.insert_call(&call).await?;
        if kind == CallKind::Create {
            self.start_grants(&unit, &work, now).await?;
        }
        let entry =
            assignment_entry(AuditAction::AssignmentCalled, target, &work).with("call", kind.as_str());
        self.record(&unit, entry, now).await?;
        unit.commit().await?;
        Ok(Some(now))
    }

    /// Writes what AWS said of a call, and what follows for the grants.
    pub(super) async fn answered(
        &self,
        target: Target,
        held: Held,
        kind: CallKind,
        sent_at: Timestamp,
        outcome: &CallOutcome,
    ) -> Result<(), AppError> {
        let unit = self.app.store.tenant(target.tenant).write().await?;
        let Some(mut work) = unit.lock_assignment_work(target.assignment).await? else { return Ok(()) };
        let now = self.app.clock.now();
        work.observed.answered(kind, sent_at, outcome, now);
        if failed(kind, outcome) {
            let attempts = work.observed.attempts;
            work.observed.back_off(backoff::next_try(attempts, now, self.app.entropy.as_ref()));
        }
        unit.save_observed(target.assignment, &work.observed, held.fence, now).await?;
        unit.update_call(target.assignment, kind, sent_at, outcome, now).await?;
        self.tell(&unit, target, &work, kind, outcome, now).await?;
        match (kind, outcome) {
            (CallKind::Create, CallOutcome::Refused { reason }) => {
                self.fail_grants(&unit, &work, reason, now).await?;
            }
            _ if work.observed.phase() == Phase::Present => {
                self.note_success(&unit, &work, now).await?;
            }
            _ => {}
        }
        unit.commit().await?;
        Ok(())
    }

    /// Audit and alerts of an answer.
    async fn tell(
        &self,
        unit: &WriteUnit,
        target: Target,
        work: &AssignmentWork,
        kind: CallKind,
        outcome: &CallOutcome,
        now: Timestamp,
    ) -> Result<(), AppError> {
        metrics::counter!("curfew_assignment_answers_total", "call" => kind.as_str(), "outcome" => outcome_name(outcome))
            .increment(1);
        let stuck = kind == CallKind::Delete && work.observed.attempts >= ALERT_AFTER;
        if let (CallKind::Delete, CallOutcome::Refused { reason } | CallOutcome::Again { reason }) =
            (kind, outcome)
            && (stuck || matches!(outcome, CallOutcome::Refused { .. }))
        {
            metrics::counter!("curfew_revocations_stuck_total").increment(1);
            tracing::error!(
                tenant_id = %target.tenant, assignment_id = %target.assignment, attempts = work.observed.attempts,
                reason, "access could not be taken back yet; it is tried again"
            );
        }
        let (action, reason) = match outcome {
            CallOutcome::Succeeded | CallOutcome::NoSuchEntitlement => {
                (AuditAction::AssignmentConfirmed, None)
            }
            CallOutcome::Refused { reason }
            | CallOutcome::Unknown { reason }
            | CallOutcome::Again { reason } => (AuditAction::AssignmentFailed, Some(reason.as_str())),
            CallOutcome::Accepted { .. } => return Ok(()),
        };
        let mut entry = assignment_entry(action, target, work)
            .with("call", kind.as_str())
            .with("outcome", outcome_name(outcome));
        if let Some(reason) = reason {
            entry = entry.with_personal("reason", reason);
        }
        self.record(unit, entry, now).await
    }

    /// Asks AWS how a call goes that it took.
    pub(super) async fn poll(
        &self,
        target: Target,
        held: Held,
        work: &AssignmentWork,
        kind: CallKind,
        sent_at: Timestamp,
        aws_request_id: &str,
    ) -> Result<Went, AppError> {
        self.turns.take(target.tenant, &work.key.account, target.assignment);
        let Some(access) = self.access(target.tenant).await? else { return Ok(self.wait_for_connection()) };
        self.paces.take(target.tenant).await;
        if !held.allows_a_call(Instant::now()) {
            return Ok(Went::NoLease);
        }
        let asked = match self.app.aws.assignments(&access.role).await {
            Ok(aws) => aws.status(&work.key.instance, kind, aws_request_id).await,
            Err(error) => Err(error),
        };
        match asked {
            Ok(CallStatus::Working) => Ok(Went::Wait(backoff::next_poll(sent_at, self.app.clock.now()))),
            Ok(CallStatus::Ended(outcome)) => {
                self.answered(target, held, kind, sent_at, &outcome).await?;
                self.turns.release(target.tenant, &work.key.account, target.assignment);
                Ok(Went::On)
            }
            Err(error) => self.could_not_ask(target, held, &error).await,
        }
    }

    /// AWS could not be asked at all: nothing is known anew, and the next try waits a little longer.
    pub(super) async fn could_not_ask(
        &self,
        target: Target,
        held: Held,
        error: &AwsError,
    ) -> Result<Went, AppError> {
        tracing::warn!(
            tenant_id = %target.tenant, assignment_id = %target.assignment,
            error = error as &dyn std::error::Error, "AWS could not be asked"
        );
        let unit = self.app.store.tenant(target.tenant).write().await?;
        let Some(mut work) = unit.lock_assignment_work(target.assignment).await? else { return Ok(Went::On) };
        let now = self.app.clock.now();
        let retry_at = backoff::next_try(work.observed.attempts, now, self.app.entropy.as_ref());
        work.observed.back_off(retry_at);
        unit.save_observed(target.assignment, &work.observed, held.fence, now).await?;
        unit.commit().await?;
        Ok(Went::Wait(retry_at))
    }

    pub(super) async fn record(
        &self,
        unit: &WriteUnit,
        entry: NewEntry,
        now: Timestamp,
    ) -> Result<(), AppError> {
        unit.record(entry, now, self.app.entropy.as_ref()).await?;
        Ok(())
    }
}

/// A call that was sent, or not.
struct Sent {
    went: Went,
    /// Then it keeps its account's turn until it has ended.
    aws_works_on_it: bool,
}

impl Sent {
    fn ended(went: Went) -> Self {
        Self { went, aws_works_on_it: false }
    }
}

/// Whether the next try should wait longer. A refused creation is not tried again, a refused deletion is.
fn failed(kind: CallKind, outcome: &CallOutcome) -> bool {
    match outcome {
        CallOutcome::Again { .. } | CallOutcome::Unknown { .. } => true,
        CallOutcome::Refused { .. } => kind == CallKind::Delete,
        CallOutcome::Accepted { .. } | CallOutcome::Succeeded | CallOutcome::NoSuchEntitlement => false,
    }
}

fn outcome_name(outcome: &CallOutcome) -> &'static str {
    match outcome {
        CallOutcome::Accepted { .. } => "accepted",
        CallOutcome::Succeeded => "succeeded",
        CallOutcome::NoSuchEntitlement => "no_such_entitlement",
        CallOutcome::Again { .. } => "again",
        CallOutcome::Refused { .. } => "refused",
        CallOutcome::Unknown { .. } => "unknown",
    }
}

/// An entry about an assignment, which names what it is and whose.
pub(super) fn assignment_entry(action: AuditAction, target: Target, work: &AssignmentWork) -> NewEntry {
    let grants: Vec<String> = work.grants.iter().map(|grant| grant.id.to_string()).collect();
    NewEntry::new(Actor::System, action, "assignment", target.assignment)
        .with("account_id", work.key.account.as_str())
        .with("permission_set_arn", work.key.permission_set.as_str())
        .with("principal_id", work.key.principal.as_str())
        .with("grants", grants)
}
