//! What the policies would say, and why.

use axum::Json;
use axum::extract::State;
use curfew_api::{
    AlternativeTrace, ApprovalNeeded, AtMost, Determining, ErrorBody, Evaluate, EvaluationFault,
    EvaluationResult, FailedAt, GroupTrace, ResourceTrace, RuleResult, RuleTrace, SilentGroups, TraceVerdict,
    ValueSeen,
};
use curfew_app::policies::{
    self, Alternative, Decision, DeterminingPolicy, Evaluated, Failure, Fault, Finding, GroupExplanation,
    GroupVerdict, Outcome, PassedOver, PointExplanation, RuleExplanation, Seen,
};
use curfew_app::requests::{Circumstances, GroupName, Supposed, WhatIf};
use curfew_app::{AppError, FieldProblem};
use curfew_domain::request::{ApprovalMode, ApprovalRequirement};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::{ApiError, ApiJson, Authenticated, HttpState};

/// So many rules and faults are named in a list; the trace has its own limits.
const MOST_NAMED: usize = 100;

pub(crate) fn routes() -> OpenApiRouter<HttpState> {
    OpenApiRouter::new().routes(routes!(evaluate))
}

/// What the policies would say to a request, and why.
///
/// The facts are those of a real request at this moment; what would refuse it before any policy is asked refuses this
/// too. Nothing is written, nobody is told, and the person is not looked up in AWS. The trace says of each rule whose
/// principal and resource fit whether it matched, and else which of its conditions failed and what stood there.
///
/// It takes `policies:read`; for others than oneself, named by id, `requests:read` or `requests:approve` as well.
#[utoipa::path(post, path = "/v1/policies/evaluate", tag = "policies", request_body = Evaluate,
    responses((status = 200, body = EvaluationResult),
        (status = 409, description = "AWS is not connected.", body = ErrorBody)))]
async fn evaluate(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiJson(body): ApiJson<Evaluate>,
) -> Result<Json<EvaluationResult>, ApiError> {
    let evaluated = policies::evaluate(&state.app, &caller, supposed(body)?).await?;
    Ok(Json(shown(evaluated)))
}

fn supposed(body: Evaluate) -> Result<Supposed, ApiError> {
    let principal = body.principal.as_str().parse();
    let context = body.context.unwrap_or_default();
    Ok(Supposed {
        person: principal.map_err(|problem| AppError::invalid("principal", &problem))?,
        what_if: WhatIf {
            resource: body.resource,
            action: body.action,
            duration: body.duration_seconds,
            groups: groups(&body.groups)?,
            circumstances: Circumstances {
                permission_set: context.permission_set_arn,
                account: context.account_id,
                reason: context.reason,
                ticket: context.ticket.map(String::from),
                source_ip: context.source_ip,
                requested_at: context.requested_at,
                mfa: context.mfa,
                break_glass: context.break_glass.unwrap_or_default(),
            },
        },
    })
}

/// All that are wrong are told, not only the first.
pub(super) fn groups(names: &[AtMost<400>]) -> Result<Vec<GroupName>, AppError> {
    let (mut groups, mut problems) = (Vec::new(), Vec::new());
    for (index, name) in names.iter().enumerate() {
        match name.as_str().parse::<GroupName>() {
            Ok(group) => groups.push(group),
            Err(problem) => {
                problems
                    .push(FieldProblem { path: format!("groups[{index}]"), problem: problem.to_string() });
            }
        }
    }
    if problems.is_empty() { Ok(groups) } else { Err(AppError::Invalid(problems)) }
}

fn shown(Evaluated { decision, explanation, lockdown }: Evaluated) -> EvaluationResult {
    let Decision { outcome, determining, notices, faults, .. } = decision;
    let (mode, requirements, terms, would_do) = match outcome {
        Outcome::Approved { mode, terms } => (Some(mode), Vec::new(), Some(terms), None),
        Outcome::NeedsApproval { requirements, terms } => {
            (Some(ApprovalMode::Require), requirements, Some(terms), None)
        }
        Outcome::Denied { max_duration, .. } => (None, Vec::new(), None, max_duration),
    };
    EvaluationResult {
        permitted: mode.is_some(),
        matching_policy_ids: determining.iter().map(|policy| policy.policy).collect(),
        reason: explanation.reason,
        notices,
        approval_mode: mode,
        duration_seconds: terms.map(|terms| terms.duration),
        max_duration_seconds: terms.map(|terms| terms.maximum).or(would_do),
        approval_timeout_seconds: terms.and_then(|terms| terms.approval_timeout),
        approvals: requirements.into_iter().map(needed).collect(),
        determining: determining.into_iter().map(self::determining).collect(),
        faults: faults.into_iter().take(MOST_NAMED).map(fault).collect(),
        trace: explanation.points.into_iter().map(point).collect(),
        trace_left_out: explanation.points_left_out,
        lockdown_id: lockdown,
    }
}

pub(super) fn determining(policy: DeterminingPolicy) -> Determining {
    Determining {
        policy_id: policy.policy,
        version: policy.version,
        effect: policy.effect,
        rule_count: policy.rules.len(),
        rule_ids: policy.rules.into_iter().take(MOST_NAMED).collect(),
    }
}

pub(super) fn needed(requirement: ApprovalRequirement) -> ApprovalNeeded {
    ApprovalNeeded {
        policy_id: requirement.policy,
        approvals_required: requirement.approvals,
        approver_groups: requirement.groups,
    }
}

fn fault(fault: Fault) -> EvaluationFault {
    EvaluationFault { policy_id: fault.policy, rule_id: fault.rule, message: fault.message }
}

fn point(point: PointExplanation) -> ResourceTrace {
    ResourceTrace {
        account_id: point.account,
        resource: point.resource,
        verdict: verdict(point.verdict),
        groups: point.groups.into_iter().map(group).collect(),
        silent_groups: SilentGroups {
            groups: point.silent.groups,
            other_principals: point.silent.other_principals,
            other_resources: point.silent.other_resources,
        },
    }
}

const fn verdict(verdict: GroupVerdict) -> TraceVerdict {
    match verdict {
        GroupVerdict::Permits => TraceVerdict::Permits,
        GroupVerdict::Forbids => TraceVerdict::Forbids,
        GroupVerdict::Silent => TraceVerdict::Silent,
    }
}

fn group(group: GroupExplanation) -> GroupTrace {
    GroupTrace {
        priority: group.priority,
        verdict: verdict(group.verdict),
        durations_seconds: group.durations,
        rules: group.rules.into_iter().map(rule).collect(),
        rules_left_out: group.rules_left_out,
        other_principals: group.other_principals,
        other_resources: group.other_resources,
    }
}

fn rule(rule: RuleExplanation) -> RuleTrace {
    let (result, message, failed_at) = match rule.finding {
        Finding::Matched => (RuleResult::Matched, None, None),
        Finding::PassedOver(why) => (RuleResult::PassedOver, Some(passed_over(&why)), None),
        Finding::Failed(failure) => (RuleResult::Failed, None, Some(failed_at(failure))),
        Finding::Erred { message, at } => (RuleResult::Error, Some(message), Some(failed_at(at))),
    };
    RuleTrace {
        policy_id: rule.policy,
        policy_name: rule.policy_name,
        rule_id: rule.rule,
        effect: rule.effect,
        duration_seconds: rule.duration,
        result,
        message,
        failed_at,
    }
}

fn passed_over(why: &PassedOver) -> String {
    match why {
        PassedOver::AboveMaximum { maximum, .. } => {
            format!("its policy permits {} seconds at most", maximum.get())
        }
        PassedOver::EmergencyOnly { .. } => "its policy permits emergencies only".to_owned(),
    }
}

fn failed_at(failure: Failure) -> FailedAt {
    let place = failure.excerpt.as_ref();
    FailedAt {
        part: failure.part.as_str(),
        line: place.map(|place| place.line),
        column: place.map(|place| place.column),
        text: failure.excerpt.map(|place| place.text),
        alternatives: failure.alternatives.into_iter().map(alternative).collect(),
        values: failure.values.into_iter().map(value).collect(),
    }
}

fn alternative(choice: Alternative) -> AlternativeTrace {
    AlternativeTrace { text: choice.text, holds: choice.holds, message: choice.problem }
}

fn value(seen: Seen) -> ValueSeen {
    ValueSeen { path: seen.path, value: seen.value, lies_in: seen.lies_in }
}
