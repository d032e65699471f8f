//! Creations and deletions: written down, sent, and what AWS said of them.

use curfew_aws::AwsError;
use curfew_domain::assignment::{CallKind, CallOutcome, Observed, Phase, Step, desired, next_step};
use curfew_domain::audit::{AuditAction, NewEntry};
use curfew_domain::{Actor, AssignmentCallId, Timestamp};
use curfew_store::{AssignmentCall, AssignmentWork, WriteUnit};
use tokio::time::Instant;

use super::access::Access;
use super::lease::Held;
use super::limiter::Urgency;
use super::overdue::is_owed;
use super::tempo::Call;
use super::work::Went;
use super::{Reconciler, Target, backoff};
use crate::{AppError, with_causes};

/// After this many failures of a deletion in a row somebody should look.
const ALERT_AFTER: u32 = 3;

/// What is said of a call that was written down and then not sent.
pub(super) const NOT_SENT: &str = "not sent: this node's lease on the connection was about to end";

impl Reconciler {
    /// Creates, if the connection may create anything now.
    pub(super) async fn send_creation(
        &self,
        target: Target,
        held: Held,
        work: &AssignmentWork,
    ) -> Result<Went, AppError> {
        self.send(target, held, work, CallKind::Create).await
    }

    /// Deletes, with whatever was last verified: a suspended connection does not keep access alive.
    pub(super) async fn send_deletion(
        &self,
        target: Target,
        held: Held,
        work: &AssignmentWork,
    ) -> Result<Went, AppError> {
        self.send(target, held, work, CallKind::Delete).await
    }

    async fn send(
        &self,
        target: Target,
        held: Held,
        work: &AssignmentWork,
        kind: CallKind,
    ) -> Result<Went, AppError> {
        let now = self.app.clock.now();
        if kind == CallKind::Create && !self.may_begin(work, now) {
            return Ok(Went::Wait(self.in_a_moment()));
        }
        // AWS may still work on a change of its own.
        let has_turn = self.turns.holds(target.tenant, &work.key.account, target.assignment);
        // Before anything is read: many may wait for one account.
        if !self.turns.take(target.tenant, &work.key.account, target.assignment, kind, now) {
            return Ok(self.wait_for_turn());
        }
        let sent = self.send_in_turn(target, held, work, kind, has_turn).await;
        if !matches!(sent, Ok(Sent { aws_works_on_it: true, .. })) {
            self.release_turn(target, work);
        }
        sent.map(|sent| sent.went)
    }

    async fn send_in_turn(
        &self,
        target: Target,
        held: Held,
        work: &AssignmentWork,
        kind: CallKind,
        has_turn: bool,
    ) -> Result<Sent, AppError> {
        let Some(access) = self.access_to_send(target, work, kind).await? else {
            return Ok(Sent { went: self.wait_for_connection(), aws_works_on_it: has_turn });
        };
        let urgency = match kind {
            CallKind::Create => Urgency::Give,
            CallKind::Delete => Urgency::TakeBack,
        };
        if !self.limiters.take_soon(target.tenant, urgency).await {
            return Ok(Sent { went: Went::Wait(self.in_a_moment()), aws_works_on_it: has_turn });
        }
        let aws = match self.app.aws.assignments(&access.role).await {
            Ok(aws) => aws,
            Err(error) => return self.could_not_ask(target, held, &error).await.map(Sent::ended),
        };
        let Some(held) = self.leases.still(target.tenant, held, Instant::now()) else {
            return Ok(Sent::ended(Went::NoLease));
        };
        if !held.allows_a_call(Instant::now()) {
            return Ok(Sent::ended(Went::NoLease));
        }
        let Some(sent_at) = self.write_down(target, held, kind, &access).await? else {
            return Ok(Sent::ended(Went::On));
        };
        let outcome = match kind {
            // Writing it down may have taken long, too.
            _ if !held.allows_a_call(Instant::now()) => CallOutcome::Again { reason: NOT_SENT.to_owned() },
            CallKind::Create => aws.create(&work.key).await,
            CallKind::Delete => aws.delete(&work.key).await,
        };
        self.limiters.heard(target.tenant, aws.turned_away());
        self.answered(target, held, kind, sent_at, &outcome).await?;
        if !matches!(outcome, CallOutcome::Accepted { .. }) {
            return Ok(Sent::ended(Went::On));
        }
        let call = Call { tenant: target.tenant, assignment: target.assignment, kind, sent_at };
        let went = match kind {
            CallKind::Create => Went::On,
            CallKind::Delete => Went::Sent(self.first_asked(&call)),
        };
        Ok(Sent { went, aws_works_on_it: true })
    }

    async fn access_to_send(
        &self,
        target: Target,
        work: &AssignmentWork,
        kind: CallKind,
    ) -> Result<Option<Access>, AppError> {
        let access = self.access(target.tenant, &work.key).await?;
        if kind == CallKind::Create {
            return Ok(access.filter(|access| access.may_create));
        }
        if access.is_none() {
            metrics::counter!("curfew_revocations_stuck_total").increment(1);
            tracing::error!(tenant_id = %target.tenant, assignment_id = %target.assignment, "no verified connection to delete with");
        }
        Ok(access)
    }

    /// Commits the call before it is sent, and the ends of the grants that it starts. None when a grant was changed
    /// meanwhile, or has become too old to be created, so that the call is not wanted any more; or when the
    /// connection was, so that nothing may be created by it.
    async fn write_down(
        &self,
        target: Target,
        held: Held,
        kind: CallKind,
        access: &Access,
    ) -> Result<Option<Timestamp>, AppError> {
        let unit = self.app.store.tenant(target.tenant).write().await?;
        // Held until the call is on record: whoever suspends or deletes the connection waits, and then sees it.
        if kind == CallKind::Create && !access.still_creates(unit.hold_connection().await?.as_ref()) {
            return Ok(None);
        }
        let Some(mut work) = unit.lock_assignment_work(target.assignment).await? else { return Ok(None) };
        let now = self.app.clock.now();
        let in_time =
            work.grants.iter().map(|grant| &grant.times).filter(|times| !times.missed_its_start(now));
        let wanted = next_step(desired(in_time, now), &work.observed, now);
        if !matches!((wanted, kind), (Step::Create, CallKind::Create) | (Step::Delete, CallKind::Delete)) {
            return Ok(None);
        }
        // Asked once more: the clock may have leapt since.
        if kind == CallKind::Create && !self.may_begin(&work, now) {
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
        let (mut entries, ended) = match kind {
            CallKind::Create => {
                self.start_grants(&unit, &work, now).await?;
                (Vec::new(), Vec::new())
            }
            CallKind::Delete => self.note_ends(&unit, work.grants.iter(), now).await?,
        };
        let entry = assignment_entry(AuditAction::AssignmentCalled, target, &work);
        entries.push(entry.with("call", kind.as_str()));
        unit.record_all(entries, now, self.app.entropy.as_ref()).await?;
        self.end_sessions_with(&unit, &ended, now).await?;
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
        match outcome {
            CallOutcome::Again { .. } | CallOutcome::Unknown { .. } => {
                self.came_to_nothing(target.tenant).await;
            }
            _ => self.node.reach.answered(target.tenant),
        }
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
        if kind == CallKind::Delete {
            alert_when_stuck(target, work.observed.attempts, outcome);
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

    pub(super) fn release_turn(&self, target: Target, work: &AssignmentWork) {
        let now = self.app.clock.now();
        self.turns.release(target.tenant, &work.key.account, target.assignment, now);
    }

    /// AWS could not be asked at all: nothing is known anew, and the next try waits a little longer.
    pub(super) async fn could_not_ask(
        &self,
        target: Target,
        held: Held,
        error: &AwsError,
    ) -> Result<Went, AppError> {
        self.could_not(target, held, error, |_, _| {}).await
    }

    /// The same, where it matters what could not be asked.
    pub(super) async fn could_not(
        &self,
        target: Target,
        held: Held,
        error: &AwsError,
        note: impl FnOnce(&mut Observed, Timestamp),
    ) -> Result<Went, AppError> {
        tracing::warn!(
            tenant_id = %target.tenant, assignment_id = %target.assignment,
            error = with_causes(error), "AWS could not be asked"
        );
        let unit = self.app.store.tenant(target.tenant).write().await?;
        let Some(mut work) = unit.lock_assignment_work(target.assignment).await? else { return Ok(Went::On) };
        let now = self.app.clock.now();
        let retry_at = backoff::next_try(work.observed.attempts, now, self.app.entropy.as_ref());
        work.observed.back_off(retry_at);
        note(&mut work.observed, now);
        if is_owed(&work, now) {
            alert_when_stuck(
                target,
                work.observed.attempts,
                &CallOutcome::Again { reason: error.to_string() },
            );
        }
        unit.save_observed(target.assignment, &work.observed, held.fence, now).await?;
        unit.commit().await?;
        self.came_to_nothing(target.tenant).await;
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

/// Says that access could not be taken back: after some failures, or at once where AWS refuses it for good.
fn alert_when_stuck(target: Target, attempts: u32, outcome: &CallOutcome) {
    let reason = match outcome {
        CallOutcome::Refused { reason } => reason,
        CallOutcome::Again { reason } | CallOutcome::Unknown { reason } if attempts >= ALERT_AFTER => reason,
        _ => return,
    };
    metrics::counter!("curfew_revocations_stuck_total").increment(1);
    tracing::error!(
        tenant_id = %target.tenant, assignment_id = %target.assignment, attempts, reason,
        "access could not be taken back yet; it is tried again"
    );
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
