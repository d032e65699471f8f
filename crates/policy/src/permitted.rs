//! On what terms access is given where every point is permitted: the strictest of all that decide.

use std::collections::BTreeSet;

use curfew_domain::PolicyId;
use curfew_domain::request::{ApprovalMode, ApprovalRequirement};

use crate::compile::{CompiledPolicies, CompiledPolicy};
use crate::decide::denied;
use crate::judge::{Durations, PointVerdict};
use crate::{AccessQuestion, Denial, Outcome, Terms};

/// What the policies that permit all points ask together.
pub(crate) fn permitted(
    policies: &CompiledPolicies,
    question: &AccessQuestion,
    durations: Durations,
    verdicts: &[PointVerdict],
) -> Outcome {
    let by_point = |point: &PointVerdict| -> Vec<&CompiledPolicy> {
        let ids: BTreeSet<PolicyId> = point.by.iter().map(|place| place.policy).collect();
        ids.into_iter().map(|id| policies.policy(id)).collect()
    };
    let points: Vec<Vec<&CompiledPolicy>> = verdicts.iter().map(by_point).collect();
    // An emergency passes where it passes everywhere. Else people decide, and all that is asked of them binds.
    let passes =
        points.iter().filter_map(|by| mode_of(by, question.break_glass)).max() < Some(ApprovalMode::Require);
    let mut mode = ApprovalMode::Auto;
    let mut requirements: Vec<ApprovalRequirement> = Vec::new();
    let mut terms: Option<Terms> = None;
    for by in &points {
        let Some(asked) = point_terms(by, question.break_glass, passes, durations) else {
            return denied(Denial::NotPermitted);
        };
        mode = mode.max(asked.mode);
        terms = Some(terms.map_or(asked.terms, |terms| stricter(terms, asked.terms)));
        let new =
            asked.requirements.into_iter().filter(|asked| !requirements.contains(asked)).collect::<Vec<_>>();
        requirements.extend(new);
    }
    let determining = points.iter().flatten().next().map(|policy| policy.id);
    let (Some(terms), Some(determining)) = (terms, determining) else { return denied(Denial::NotPermitted) };
    if mode == ApprovalMode::Auto && !question.facts_are_fresh {
        mode = ApprovalMode::Require;
        requirements = vec![ApprovalRequirement { policy: determining, approvals: 1, groups: Vec::new() }];
    }
    match mode {
        ApprovalMode::Require => Outcome::NeedsApproval { requirements, terms },
        ApprovalMode::Auto | ApprovalMode::BreakGlass => Outcome::Approved { mode, terms },
    }
}

/// What one point's determining policies ask together.
struct PointTerms {
    mode: ApprovalMode,
    requirements: Vec<ApprovalRequirement>,
    terms: Terms,
}

/// How one point's policies have a request approved: the strictest of them, but that an emergency passes where one of
/// them says so.
fn mode_of(by: &[&CompiledPolicy], emergency: bool) -> Option<ApprovalMode> {
    let passes = emergency && by.iter().any(|policy| policy.terms.allow_break_glass);
    let strictest = by.iter().map(|policy| policy.terms.mode).max()?;
    Some(if passes { ApprovalMode::BreakGlass } else { strictest })
}

fn point_terms(
    by: &[&CompiledPolicy],
    emergency: bool,
    passes: bool,
    durations: Durations,
) -> Option<PointTerms> {
    let all = || by.iter().map(|policy| &policy.terms);
    let mode = mode_of(by, emergency && passes)?;
    let maximum = all().map(|terms| terms.maximum).min()?;
    let judged = all().map(|terms| durations.judged(terms.usual_duration())).min()?;
    let cap =
        all().filter(|terms| terms.allows_emergencies()).filter_map(|terms| terms.break_glass_maximum).min();
    let is_bounded = mode_of(by, emergency) == Some(ApprovalMode::BreakGlass);
    let cap = cap.filter(|_| is_bounded).unwrap_or(judged);
    let requirements = by
        .iter()
        .filter(|policy| mode == ApprovalMode::Require && policy.terms.mode == ApprovalMode::Require);
    Some(PointTerms {
        mode,
        requirements: requirements.map(|policy| requirement(policy)).collect(),
        terms: Terms {
            duration: judged.min(cap),
            maximum,
            approval_timeout: all().filter_map(|terms| terms.approval_timeout).min(),
        },
    })
}

fn requirement(policy: &CompiledPolicy) -> ApprovalRequirement {
    ApprovalRequirement {
        policy: policy.id,
        approvals: policy.terms.approvals_required.max(1),
        groups: policy.terms.approver_groups.clone(),
    }
}

fn stricter(one: Terms, other: Terms) -> Terms {
    Terms {
        duration: one.duration.min(other.duration),
        maximum: one.maximum.min(other.maximum),
        approval_timeout: [one.approval_timeout, other.approval_timeout].into_iter().flatten().min(),
    }
}
