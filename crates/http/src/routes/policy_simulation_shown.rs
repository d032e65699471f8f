//! What a simulation came to, as it is shown.

use curfew_api::{
    ApprovalsAsked, DecisionOutcome, DenialReason, DifferenceKind, DifferenceSummary, PolicySimulation,
    SimulatedDecision,
};
use curfew_app::policies::{self, AskedBy, Denial, Outcome, Simulation, Verdict};
use curfew_domain::request::{ApprovalMode, ApprovalRequirement};

pub(super) fn shown(simulation: Simulation) -> PolicySimulation {
    let listed = simulation.differences.len() as u64;
    let summary = simulation.summary;
    PolicySimulation {
        replayed: simulation.replayed,
        unreplayable: simulation.unreplayable,
        unchanged: simulation.unchanged,
        complete: simulation.complete,
        oldest_requested_at: simulation.oldest,
        differences: simulation.differences.into_iter().map(difference).collect(),
        differences_total: simulation.differences_total,
        has_more: simulation.differences_total > listed,
        summary: DifferenceSummary {
            wider: summary.wider,
            narrower: summary.narrower,
            other: summary.other,
            people: summary.people.into_iter().map(persons).collect(),
        },
        faults: simulation.faults.into_iter().map(fault).collect(),
    }
}

fn difference(difference: policies::Difference) -> curfew_api::Difference {
    let (request_id, recorded_outcome, request_index) = match difference.asked_by {
        AskedBy::Request { id, recorded } => (Some(id), Some(recorded), None),
        AskedBy::Supposition { number } => (None, None, Some(number)),
    };
    curfew_api::Difference {
        request_id,
        request_index,
        requester_id: difference.requester,
        resource: difference.resource,
        account_id: difference.account,
        permission_set_arn: difference.permission_set,
        action: difference.action,
        requested_at: difference.requested_at,
        recorded_outcome,
        before: decision(difference.before),
        after: decision(difference.after),
        kind: match difference.kind {
            policies::DifferenceKind::Wider => DifferenceKind::Wider,
            policies::DifferenceKind::Narrower => DifferenceKind::Narrower,
            policies::DifferenceKind::Other => DifferenceKind::Other,
        },
        why: difference.why,
    }
}

pub(super) fn decision(verdict: Verdict) -> SimulatedDecision {
    let shown = SimulatedDecision {
        outcome: DecisionOutcome::Denied,
        denial: None,
        approval_mode: None,
        approvals_required: 0,
        approvals: Vec::new(),
        approval_timeout_seconds: None,
        duration_seconds: None,
        max_duration_seconds: None,
        audit_session: verdict.audit_session,
        policies: verdict.policies.into_iter().map(deciding).collect(),
        notices: verdict.notices,
    };
    match verdict.outcome {
        Outcome::Denied { denial, max_duration } => {
            SimulatedDecision { denial: Some(reason(denial)), max_duration_seconds: max_duration, ..shown }
        }
        Outcome::Approved { mode, terms } => SimulatedDecision {
            outcome: DecisionOutcome::Approved,
            approval_mode: Some(mode),
            duration_seconds: Some(terms.duration),
            max_duration_seconds: Some(terms.maximum),
            ..shown
        },
        Outcome::NeedsApproval { requirements, terms } => {
            let most = requirements.iter().map(|one| one.approvals).max();
            SimulatedDecision {
                outcome: DecisionOutcome::NeedsApproval,
                approval_mode: Some(ApprovalMode::Require),
                approvals_required: most.unwrap_or_default(),
                approvals: requirements.into_iter().map(asked).collect(),
                approval_timeout_seconds: terms.approval_timeout,
                duration_seconds: Some(terms.duration),
                max_duration_seconds: Some(terms.maximum),
                ..shown
            }
        }
    }
}

fn asked(requirement: ApprovalRequirement) -> ApprovalsAsked {
    ApprovalsAsked { approvals_required: requirement.approvals, approver_groups: requirement.groups }
}

const fn reason(denial: Denial) -> DenialReason {
    match denial {
        Denial::Forbidden => DenialReason::Forbidden,
        Denial::NotPermitted => DenialReason::NotPermitted,
        Denial::Unanswerable => DenialReason::Unanswerable,
    }
}

fn deciding(policy: policies::DecidingPolicy) -> curfew_api::DecidingPolicy {
    let rule =
        |rule: policies::DecidingRule| curfew_api::DecidingRule { rule_id: rule.rule, ordinal: rule.ordinal };
    curfew_api::DecidingPolicy {
        policy_id: policy.policy,
        change: policy.change,
        name: policy.name,
        effect: policy.effect,
        rules: policy.rules.into_iter().map(rule).collect(),
        rule_count: policy.rule_count,
    }
}

fn persons(one: policies::PersonsDifferences) -> curfew_api::PersonsDifferences {
    curfew_api::PersonsDifferences {
        user_id: one.person,
        wider: one.wider,
        narrower: one.narrower,
        other: one.other,
    }
}

fn fault(fault: policies::DraftFault) -> curfew_api::DraftFault {
    let rule = fault.of.as_ref().and_then(|policy| policy.rules.first().copied());
    curfew_api::DraftFault {
        policy_id: fault.of.as_ref().and_then(|policy| policy.policy),
        change: fault.of.as_ref().and_then(|policy| policy.change),
        rule_id: rule.and_then(|rule| rule.rule),
        ordinal: rule.map(|rule| rule.ordinal),
        message: fault.message,
        decisions: fault.decisions,
    }
}
