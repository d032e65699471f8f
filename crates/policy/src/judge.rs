//! One resource of one target, asked of the groups in turn.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use cedar_policy::{
    AuthorizationError, Authorizer, Entities, PolicyId as CedarId, PolicySet, Request, Response,
};
use curfew_domain::policy::Effect;
use curfew_domain::request::ApprovalMode;
use curfew_domain::{PolicyId, RuleId, Seconds};

use crate::compile::{CompiledPolicies, CompiledPolicy, Group, Place, ReadyRule, fault};
use crate::entities::{BoxError, Point};
use crate::index::Names;
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

    /// Those that a group's policies judge by.
    pub(crate) fn judged_in(self, group: &Group) -> BTreeSet<Seconds> {
        group.usual.iter().map(|usual| self.judged(*usual)).collect()
    }
}

/// Asks the groups until one decides; `names` are the point's.
pub(crate) fn judge(
    policies: &CompiledPolicies,
    point: &Point<'_>,
    names: &Names,
    entities: &Entities,
    durations: Durations,
) -> Result<PointVerdict, BoxError> {
    let mut asking = Asking { policies, point, entities, durations, requests: BTreeMap::new() };
    let mut candidates = policies.candidates(names);
    let (mut asked, mut silent_groups) = (Vec::new(), 0);
    let (mut verdict, mut by, mut faults) = (GroupVerdict::Silent, Vec::new(), Vec::new());
    for group in policies.groups() {
        let rules = candidates.remove(&group.priority).unwrap_or_default();
        if rules.is_empty() && group.broken.is_empty() {
            silent_groups += 1;
            continue;
        }
        let answer = asking.ask(group, &rules)?;
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
    let trace = PointTrace { account, resource: point.resource.to_string(), groups: asked, silent_groups };
    Ok(PointVerdict { verdict, by, faults, trace })
}

/// What all groups forbid, each asked as if it were the only one: the rules, and what went wrong.
pub(crate) fn forbids(
    policies: &CompiledPolicies,
    point: &Point<'_>,
    names: &Names,
    entities: &Entities,
    durations: Durations,
) -> Result<(BTreeSet<Place>, Vec<Fault>), BoxError> {
    let mut asking = Asking { policies, point, entities, durations, requests: BTreeMap::new() };
    let mut candidates = policies.candidates(names);
    let (mut by, mut faults) = (BTreeSet::new(), Vec::new());
    for group in policies.groups() {
        let rules = candidates.remove(&group.priority).unwrap_or_default();
        if rules.is_empty() && group.broken.is_empty() {
            continue;
        }
        let answer = asking.ask(group, &rules)?;
        by.extend(answer.forbids);
        for (place, fault) in answer.faults {
            by.insert(place);
            faults.push(fault);
        }
    }
    Ok((by, faults))
}

/// What a group answers.
#[derive(Default)]
struct Answer {
    permits: Vec<Place>,
    forbids: Vec<Place>,
    durations: BTreeSet<Seconds>,
    faults: BTreeMap<Place, Fault>,
    passed_over: BTreeMap<PolicyId, PassedOver>,
}

impl Answer {
    fn settle(&mut self) {
        self.permits.sort_unstable();
        self.forbids.sort_unstable();
    }

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

/// What stays the same while one point is asked of group after group.
struct Asking<'a> {
    policies: &'a CompiledPolicies,
    point: &'a Point<'a>,
    entities: &'a Entities,
    durations: Durations,
    /// By the duration that they are judged by.
    requests: BTreeMap<Seconds, Request>,
}

impl Asking<'_> {
    /// Asks a group's policies, of which only these rules can match.
    fn ask(&mut self, group: &Group, rules: &[&ReadyRule]) -> Result<Answer, BoxError> {
        let mut answer = Answer {
            durations: self.durations.judged_in(group),
            faults: group.broken.iter().cloned().collect(),
            ..Answer::default()
        };
        for ((judged, _), rules) in self.apart(rules) {
            let response = self.authorize(&rules, judged)?;
            self.take(&mut answer, &rules, &response, judged);
        }
        answer.settle();
        Ok(answer)
    }

    /// Rules by the duration that their policies judge by: Cedar is handed those of one at a time. Permits and forbids by
    /// themselves too: together Cedar tells no permits once a forbid matches.
    fn apart<'r>(&self, rules: &[&'r ReadyRule]) -> BTreeMap<(Seconds, &'static str), Vec<&'r ReadyRule>> {
        let mut found: BTreeMap<_, Vec<&ReadyRule>> = BTreeMap::new();
        for rule in rules {
            let usual = self.policies.policy(rule.place.policy).terms.usual_duration();
            let effect = self.policies.rule(rule.place).effect.as_str();
            found.entry((self.durations.judged(usual), effect)).or_default().push(rule);
        }
        found
    }

    fn authorize(&mut self, rules: &[&ReadyRule], judged: Seconds) -> Result<Response, BoxError> {
        let request = match self.requests.entry(judged) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(self.point.request(judged)?),
        };
        let rules = PolicySet::from_policies(rules.iter().map(|rule| rule.cedar.clone()))?;
        Ok(Authorizer::new().is_authorized(request, &rules, self.entities))
    }

    fn take(&self, answer: &mut Answer, rules: &[&ReadyRule], response: &Response, judged: Seconds) {
        let places: HashMap<&CedarId, Place> =
            rules.iter().map(|rule| (rule.cedar.id(), rule.place)).collect();
        for error in response.diagnostics().errors() {
            let AuthorizationError::PolicyEvaluationError(inner) = error;
            if let Some(&place) = places.get(inner.policy_id()) {
                let rule = self.policies.rule(place).id;
                answer.faults.insert(place, fault(place.policy, rule, inner.to_string()));
            }
        }
        for &place in response.diagnostics().reason().filter_map(|id| places.get(id)) {
            let policy = self.policies.policy(place.policy);
            let passed_over = passed_over(policy, judged, self.point.question.break_glass);
            match (self.policies.rule(place).effect, passed_over) {
                (Effect::Forbid, _) => answer.forbids.push(place),
                (Effect::Permit, None) => answer.permits.push(place),
                (Effect::Permit, Some(why)) => drop(answer.passed_over.insert(place.policy, why)),
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
