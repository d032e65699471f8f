//! What is told of sessions that end: the log, and alerts.

use curfew_aws::SessionPolicy;
use curfew_domain::audit::{AuditAction, NewEntry};
use curfew_domain::session_end::{PolicyProblem, SessionEnd, SessionEndOutcome, SessionEndTimes};
use curfew_domain::{Actor, TenantId};

/// What the log says of a policy that was replaced; or that was seen to say already what it should.
pub(super) fn policy_written(policy: &SessionPolicy, denies: usize, replaced: bool) -> NewEntry {
    NewEntry::new(Actor::System, AuditAction::SessionPolicyWritten, "session_policy", &policy.name)
        .with("policy_id", policy.id.as_str())
        .with("denies", denies)
        .with("replaced", replaced)
}

/// What it says of a session end that stands in a policy as `now` says: that it is denied, that it has its cut-off, or both
/// where neither was noted yet.
pub(super) fn denied(end: &SessionEnd, now: &SessionEndTimes) -> Vec<NewEntry> {
    let mut entries = Vec::new();
    if end.times.denied_at.is_none() && now.denied_at.is_some() {
        entries.push(of(end, AuditAction::SessionsDenied));
    }
    let written_before = end.times.cut_off_written_at;
    if let (None, Some(_), Some(cut_off)) = (written_before, now.cut_off_written_at, now.cut_off) {
        entries.push(of(end, AuditAction::SessionsCutOff).with("issued_before", cut_off.to_string()));
    }
    entries
}

/// What it says of one that is over.
pub(super) fn over(end: &SessionEnd, outcome: SessionEndOutcome) -> NewEntry {
    let action = match outcome {
        SessionEndOutcome::LeftOut => AuditAction::SessionsLeftOut,
        _ => AuditAction::SessionsTakenOut,
    };
    of(end, action).with("outcome", outcome.as_str())
}

fn of(end: &SessionEnd, action: AuditAction) -> NewEntry {
    NewEntry::new(Actor::System, action, "assignment", end.assignment)
        .with("account_id", end.sessions.account.as_str())
        .with("permission_set_arn", end.permission_set.as_str())
        .with("principal_id", end.sessions.principal.as_str())
        .with("policy", end.place.as_deref())
}

/// What it says of what stands in the way of the policies, or does no longer.
pub(super) fn problem(tenant: TenantId, problem: Option<PolicyProblem>) -> NewEntry {
    NewEntry::new(Actor::System, AuditAction::SessionPolicyProblem, "tenant", tenant)
        .with("problem", problem.map(PolicyProblem::as_str))
}

/// Says that sessions could not be ended any longer, for newer ones needed their place.
pub(super) fn alert_when_left_out(tenant: TenantId, end: &SessionEnd, outcome: SessionEndOutcome) {
    if outcome == SessionEndOutcome::LeftOut {
        metrics::counter!("curfew_session_ends_left_out_total").increment(1);
        tracing::error!(tenant_id = %tenant, assignment_id = %end.assignment, asked_at = %end.times.asked_at,
            "sessions are not denied any longer, for the policies are full: they may live on");
    }
}

/// Says that AWS may deny somebody for good: what it was to do instead could not be written, and nothing leads there now.
pub(super) fn alert_when_shut_out(tenant: TenantId, end: &SessionEnd) {
    if end.times.denied_at.is_some() && end.times.cut_off_written_at.is_none() {
        metrics::counter!("curfew_session_ends_shut_out_total").increment(1);
        tracing::error!(tenant_id = %tenant, assignment_id = %end.assignment, instance = %end.instance,
            policy = end.place.as_deref(), account_id = %end.sessions.account, principal_id = %end.sessions.principal,
            "a deny without a cut-off may be left in a policy that can't be written any more: take it out by hand");
    }
}

/// Says that sessions can't be ended.
pub(super) fn alert_of(tenant: TenantId, problem: Option<PolicyProblem>) {
    let Some(problem) = problem else {
        tracing::info!(tenant_id = %tenant, "nothing stands in the way of ending sessions any more");
        return;
    };
    metrics::counter!("curfew_session_policy_problems_total", "problem" => problem.as_str()).increment(1);
    tracing::error!(tenant_id = %tenant, problem = problem.as_str(), "sessions that should end can't be ended now");
}
