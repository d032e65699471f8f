//! One resource of one target, asked of the groups in turn.

use std::collections::{BTreeMap, BTreeSet};

use cedar_policy::{AuthorizationError, Authorizer, Entities, Response};
use curfew_domain::policy::Effect;
use curfew_domain::request::ApprovalMode;
use curfew_domain::{RuleId, Seconds};

use crate::compile::{CompiledPolicies, CompiledPolicy, Group, Lane, Place, fault};
use crate::entities::{BoxError, Point};
use crate::{Fault, GroupTrace, GroupVerdict, PassedOver, PointTrace};

/// How one point was decided.
pub(crate) struct PointVerdict {
    /// What the deciding group said, and by which rules; silent where none decided.
    pub(crate) verdict: GroupVerdict,
    pub(crate) by: Vec<Place>,
    pub(crate) faults: Vec<Fault>,
    pub(crate) trace: PointTrace,
}

/// The durations that policies judge by.
#[derive(Clone, Copy)]
pub(crate) struct Durations {
    /// What was asked for, if anything.
    pub(crate) requested: Option<Seconds>,
    /// What bounds the policies' own answers.
    pub(crate) longest: Seconds,
}

impl Durations {
    /// The one that policies with this usual duration judge by.
    pub(crate) fn judged(self, usual: Seconds) -> Seconds {
        self.requested.unwrap_or_else(|| usual.min(self.longest))
    }
}

/// Asks the groups until one decides.
pub(crate) fn judge(
    policies: &CompiledPolicies,
    point: &Point<'_>,
    entities: &Entities,
    durations: Durations,
) -> Result<PointVerdict, BoxError> {
    let mut asked = Vec::new();
    let (mut verdict, mut by, mut faults) = (GroupVerdict::Silent, Vec::new(), Vec::new());
    for group in &policies.groups {
        let answer = ask(policies, group, point, entities, durations)?;
        verdict = answer.verdict();
        asked.push(answer.trace(policies, group.priority));
        faults.extend(answer.faults.values().cloned());
        match verdict {
            GroupVerdict::Silent => continue,
            GroupVerdict::Permits => by = answer.permits,
            GroupVerdict::Forbids => {
                by = answer.forbids;
                by.extend(answer.faults.into_keys());
                by.sort_unstable();
                by.dedup();
            }
        }
        break;
    }
    let account = point.target.account.id.clone();
    let trace = PointTrace { account, resource: point.resource.to_string(), groups: asked };
    Ok(PointVerdict { verdict, by, faults, trace })
}

/// What a group answers.
#[derive(Default)]
struct Answer {
    permits: Vec<Place>,
    forbids: Vec<Place>,
    durations: BTreeSet<Seconds>,
    faults: BTreeMap<Place, Fault>,
    /// By the policy's index.
    passed_over: BTreeMap<usize, PassedOver>,
}

impl Answer {
    fn verdict(&self) -> GroupVerdict {
        if !self.forbids.is_empty() || !self.faults.is_empty() {
            GroupVerdict::Forbids
        } else if self.permits.is_empty() {
            GroupVerdict::Silent
        } else {
            GroupVerdict::Permits
        }
    }

    fn trace(&self, policies: &CompiledPolicies, priority: i32) -> GroupTrace {
        let ids = |places: &[Place]| -> Vec<RuleId> {
            places.iter().map(|place| policies.rule(*place).id).collect()
        };
        GroupTrace {
            priority,
            verdict: self.verdict(),
            durations: self.durations.iter().copied().collect(),
            permits: ids(&self.permits),
            forbids: ids(&self.forbids),
            passed_over: self.passed_over.values().cloned().collect(),
        }
    }
}

fn ask(
    policies: &CompiledPolicies,
    group: &Group,
    point: &Point<'_>,
    entities: &Entities,
    durations: Durations,
) -> Result<Answer, BoxError> {
    let mut answer = Answer { faults: group.broken.iter().cloned().collect(), ..Answer::default() };
    for lane in group.lanes() {
        let judged = durations.judged(lane.usual);
        answer.durations.insert(judged);
        let response = authorize(lane, point, entities, judged)?;
        answer.take(policies, &response, judged, point.question.break_glass);
    }
    answer.permits.sort_unstable();
    answer.forbids.sort_unstable();
    Ok(answer)
}

fn authorize(
    lane: &Lane,
    point: &Point<'_>,
    entities: &Entities,
    judged: Seconds,
) -> Result<Response, BoxError> {
    Ok(Authorizer::new().is_authorized(&point.request(judged)?, &lane.rules, entities))
}

impl Answer {
    fn take(&mut self, policies: &CompiledPolicies, response: &Response, judged: Seconds, emergency: bool) {
        for error in response.diagnostics().errors() {
            let AuthorizationError::PolicyEvaluationError(inner) = error;
            if let Some(place) = policies.place(inner.policy_id()) {
                let (policy, rule) = (policies.policies[place.policy].id, policies.rule(place).id);
                self.faults.insert(place, fault(policy, rule, inner.to_string()));
            }
        }
        for place in response.diagnostics().reason().filter_map(|id| policies.place(id)) {
            let policy = &policies.policies[place.policy];
            match (policies.rule(place).effect, passed_over(policy, judged, emergency)) {
                (Effect::Forbid, _) => self.forbids.push(place),
                (Effect::Permit, None) => self.permits.push(place),
                (Effect::Permit, Some(why)) => drop(self.passed_over.insert(place.policy, why)),
            }
        }
    }
}

/// Why the permits of a policy don't count, if they don't.
fn passed_over(policy: &CompiledPolicy, judged: Seconds, emergency: bool) -> Option<PassedOver> {
    let (id, terms) = (policy.id, &policy.terms);
    if terms.mode == ApprovalMode::BreakGlass && !emergency {
        Some(PassedOver::EmergencyOnly { policy: id })
    } else if judged > terms.maximum {
        Some(PassedOver::AboveMaximum { policy: id, maximum: terms.maximum })
    } else {
        None
    }
}
