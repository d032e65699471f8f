//! A decision's trace, with what the rules that did not match lacked.

use std::borrow::Cow;
use std::collections::btree_map::Entry as MapEntry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use cedar_policy::{Entities, Request};
use curfew_domain::policy::{Effect, Policy, PolicyRule};
use curfew_domain::{DisplayName, PolicyId, RuleId, Seconds};

use super::reason::reason;
use super::rule::{Answer, Dissected, RuleText};
use super::{
    Explanation, Failure, Finding, GroupExplanation, PointExplanation, RuleExplanation, SilentGroups,
};
use crate::compile::{Group, Place, ReadyRule};
use crate::entities::{BoxError, Point, entities};
use crate::index::{Names, PrincipalCounts, Scoped};
use crate::judge::Durations;
use crate::{AccessQuestion, CompiledPolicies, Decision, GroupTrace, GroupVerdict, PassedOver, PointTrace};

/// So many resources of one question are explained.
const MOST_POINTS: usize = 50;

/// So many rules are explained of one resource.
const MOST_RULES: usize = 100;

/// And so many of all of them.
const MOST_RULES_IN_ALL: usize = 500;

/// A tenant's enabled policies, ready to be explained.
#[derive(Debug, Clone, Default)]
pub struct Explainer {
    policies: BTreeMap<PolicyId, Arc<Explainable>>,
    compiled: Arc<CompiledPolicies>,
}

/// What is needed of a policy to explain its rules.
#[derive(Debug)]
struct Explainable {
    id: PolicyId,
    name: DisplayName,
    /// What it judges by when nobody asked for a duration.
    usual: Seconds,
    rules: Vec<Arc<RuleText>>,
}

impl Explainer {
    /// Of the enabled ones of `policies`. Total: what can't be read is explained as that.
    pub fn new(policies: &[Policy]) -> Self {
        Self::default().with(policies, [], Arc::new(CompiledPolicies::new(policies)))
    }

    /// These policies, with the `changed` ones as they are now and without those that are `gone`: those that `compiled` is
    /// made of. Rules that are as they were are not read again.
    #[must_use]
    pub fn with<'a>(
        &self,
        changed: impl IntoIterator<Item = &'a Policy>,
        gone: impl IntoIterator<Item = PolicyId>,
        compiled: Arc<CompiledPolicies>,
    ) -> Self {
        let mut policies = self.policies.clone();
        for id in gone {
            policies.remove(&id);
        }
        for policy in changed {
            let before = policies.remove(&policy.id);
            if policy.enabled {
                let explainable = Explainable::of(policy, before.as_deref(), &compiled);
                policies.insert(policy.id, Arc::new(explainable));
            }
        }
        Self { policies, compiled }
    }

    /// Says why these policies decided so on `question`. Total: where the question can't be put, the reason says so.
    pub fn explain(&self, question: &AccessQuestion, decision: &Decision) -> Explanation {
        let (points, points_left_out) = self.points(question, decision).unwrap_or_default();
        let mut explanation = Explanation { reason: String::new(), points, points_left_out };
        explanation.reason = reason(self, question, decision, &explanation.points);
        explanation
    }

    fn rule(&self, place: Place) -> Option<InPolicy<'_>> {
        let policy = self.policies.get(&place.policy)?;
        Some(InPolicy { policy, rule: policy.rules.get(place.rule)? })
    }

    /// What people call a policy.
    pub(super) fn name(&self, policy: PolicyId) -> &str {
        self.policies.get(&policy).map_or("a policy", |policy| policy.name.as_str())
    }

    fn points(
        &self,
        question: &AccessQuestion,
        decision: &Decision,
    ) -> Result<(Vec<PointExplanation>, usize), BoxError> {
        let entities = entities(question)?;
        let points = Point::all_of(question)?;
        let mut traces: Vec<&PointTrace> = decision.trace.iter().collect();
        traces.sort_by_key(|trace| verdict(trace) == GroupVerdict::Permits);
        let left_out = traces.len().saturating_sub(MOST_POINTS);
        let point_of = |trace: &PointTrace| {
            points.iter().find(|point| {
                point.target.account.id == trace.account && point.resource.to_string() == trace.resource
            })
        };
        let mut explaining = Explaining {
            explainer: self,
            question,
            entities: &entities,
            faulty: decision
                .faults
                .iter()
                .filter_map(|fault| Some((fault.rule?, fault.message.as_str())))
                .collect(),
            room: MOST_RULES_IN_ALL,
            dissected: HashMap::new(),
        };
        let shown = traces.into_iter().take(MOST_POINTS);
        let shown = shown.filter_map(|trace| Some((point_of(trace)?, trace)));
        let explained = shown.map(|(point, trace)| explaining.point(point, trace));
        Ok((explained.collect::<Result<_, _>>()?, left_out))
    }
}

impl Explainable {
    fn of(policy: &Policy, before: Option<&Self>, compiled: &CompiledPolicies) -> Self {
        let before = before.map(|before| before.rules.as_slice()).unwrap_or_default();
        let known: HashMap<RuleId, &Arc<RuleText>> = before.iter().map(|known| (known.id, known)).collect();
        let read =
            |(number, rule): (usize, &PolicyRule)| match known.get(&rule.id).filter(|known| known.is(rule)) {
                Some(known) => Arc::clone(known),
                None => Arc::new(RuleText::of(rule, compiled.cedar(policy.id, number, &rule.resolved))),
            };
        Self {
            id: policy.id,
            name: policy.name.clone(),
            usual: policy.terms.usual_duration(),
            rules: policy.rules.iter().enumerate().map(read).collect(),
        }
    }
}

/// A rule in its policy.
#[derive(Clone, Copy)]
struct InPolicy<'e> {
    policy: &'e Explainable,
    rule: &'e RuleText,
}

fn verdict(trace: &PointTrace) -> GroupVerdict {
    trace.groups.last().map_or(GroupVerdict::Silent, |group| group.verdict)
}

/// One question, while it is explained.
struct Explaining<'e> {
    explainer: &'e Explainer,
    question: &'e AccessQuestion,
    entities: &'e Entities,
    /// What Cedar said of the rules that could not be evaluated somewhere.
    faulty: BTreeMap<RuleId, &'e str>,
    /// How many more rules are explained.
    room: usize,
    /// Many resources meet the same rules.
    dissected: HashMap<RuleId, Dissected<'e>>,
}

/// A group at one resource.
struct Candidates<'e> {
    trace: Cow<'e, GroupTrace>,
    /// What policies see, by the duration that they judge by.
    requests: BTreeMap<Seconds, Request>,
    matched: Vec<(InPolicy<'e>, Seconds)>,
    /// Those that don't match though their principal and resource fit: what went wrong first, then permits, then
    /// forbids, other actions last.
    others: Vec<(InPolicy<'e>, Seconds)>,
    other_principals: usize,
    other_resources: usize,
}

impl<'e> Explaining<'e> {
    fn point(&mut self, point: &Point<'_>, trace: &'e PointTrace) -> Result<PointExplanation, BoxError> {
        let (groups, silent) = self.groups(point, trace)?;
        let mut room = MOST_RULES.min(self.room);
        let mut take = |wanted: usize| {
            let taken = wanted.min(room);
            room -= taken;
            taken
        };
        let matched: Vec<usize> = groups.iter().map(|group| take(group.matched.len())).collect();
        let others: Vec<usize> = groups.iter().map(|group| take(group.others.len())).collect();
        let shown = matched.into_iter().zip(others);
        let groups: Vec<GroupExplanation> =
            groups.into_iter().zip(shown).map(|(group, shown)| self.group(group, shown)).collect();
        self.room -= groups.iter().map(|group| group.rules.len()).sum::<usize>();
        Ok(PointExplanation {
            account: trace.account.clone(),
            resource: trace.resource.clone(),
            verdict: verdict(trace),
            groups,
            silent,
        })
    }

    /// The groups that were asked: those that have a rule for the person and the resource, and how many others.
    fn groups(
        &self,
        point: &Point<'_>,
        trace: &'e PointTrace,
    ) -> Result<(Vec<Candidates<'e>>, SilentGroups), BoxError> {
        let names = point.names(self.entities)?;
        let mut fitting = self.explainer.compiled.of_any_action(&names);
        let mut traced: BTreeMap<i32, &GroupTrace> =
            trace.groups.iter().map(|group| (group.priority, group)).collect();
        let decided = trace.groups.last().filter(|group| group.verdict != GroupVerdict::Silent);
        let (mut groups, mut silent) = (Vec::new(), SilentGroups::default());
        for group in self.explainer.compiled.groups() {
            if decided.is_some_and(|decided| group.priority < decided.priority) {
                break;
            }
            let rules = fitting.remove(&group.priority).unwrap_or_default();
            let trace = traced.remove(&group.priority);
            if trace.is_none() && rules.is_empty() {
                let (other_principals, other_resources) = elsewhere(group, &names, 0);
                silent.groups += 1;
                silent.other_principals += other_principals;
                silent.other_resources += other_resources;
                continue;
            }
            let trace = trace.map_or_else(|| Cow::Owned(self.silent(group)), Cow::Borrowed);
            groups.push(self.candidates(point, &names, group, trace, &rules)?);
        }
        Ok((groups, silent))
    }

    /// What a group says of whose rules none is for the action.
    fn silent(&self, group: &Group) -> GroupTrace {
        let (requested, longest) = (self.question.duration, self.question.longest);
        GroupTrace {
            priority: group.priority,
            verdict: GroupVerdict::Silent,
            durations: Durations { requested, longest }.judged_in(group).into_iter().collect(),
            permits: Vec::new(),
            forbids: Vec::new(),
            passed_over: Vec::new(),
        }
    }

    /// Sorts a group's rules by whether they come into question: those that can't be evaluated, and those that are
    /// `fitting` but perhaps for the action.
    fn candidates(
        &self,
        point: &Point<'_>,
        names: &Names,
        group: &Group,
        trace: Cow<'e, GroupTrace>,
        fitting: &[&ReadyRule],
    ) -> Result<Candidates<'e>, BoxError> {
        let matched: BTreeSet<RuleId> = trace.permits.iter().chain(&trace.forbids).copied().collect();
        let (other_principals, other_resources) = elsewhere(group, names, fitting.len());
        let mut found = Candidates {
            trace: Cow::clone(&trace),
            requests: BTreeMap::new(),
            matched: Vec::new(),
            others: Vec::new(),
            other_principals,
            other_resources,
        };
        let (mut others, mut for_other_actions) = (Vec::new(), Vec::new());
        let broken = group.broken.iter().map(|(place, _)| (*place, true));
        let fitting = fitting.iter().map(|rule| (rule.place, rule.scopes().speak_of_action(names)));
        for (place, of_action) in broken.chain(fitting) {
            let Some(rule) = self.explainer.rule(place) else { continue };
            let duration = judged(rule.policy, &trace, self.question);
            if let MapEntry::Vacant(new) = found.requests.entry(duration) {
                new.insert(point.request(duration)?);
            }
            let id = &rule.rule.id;
            match of_action {
                _ if matched.contains(id) => found.matched.push((rule, duration)),
                true if self.faulty.contains_key(id) => found.others.push((rule, duration)),
                true => others.push((rule, duration)),
                false => for_other_actions.push((rule, duration)),
            }
        }
        others.sort_by_key(|(rule, _): &(InPolicy<'_>, _)| rule.rule.effect() == Effect::Forbid);
        found.others.append(&mut others);
        found.others.append(&mut for_other_actions);
        Ok(found)
    }

    /// Explains as many rules of a group as it may: of those that matched, and of the others.
    fn group(&mut self, group: Candidates<'e>, (matched, others): (usize, usize)) -> GroupExplanation {
        let mut rules = Vec::with_capacity(matched + others);
        for (rule, duration) in group.matched.iter().take(matched) {
            rules.push(explanation(*rule, *duration, Finding::Matched));
        }
        for (rule, duration) in group.others.iter().take(others) {
            let dissected = self.dissected.entry(rule.rule.id).or_insert_with(|| Dissected::of(rule.rule));
            let fault = self.faulty.get(&rule.rule.id).copied();
            let answer = group.requests.get(duration).map(|request| dissected.answer(request, self.entities));
            rules
                .extend(answer.map(|answer| {
                    explanation(*rule, *duration, finding(*rule, answer, &group.trace, fault))
                }));
        }
        GroupExplanation {
            priority: group.trace.priority,
            verdict: group.trace.verdict,
            durations: group.trace.durations.clone(),
            rules_left_out: (group.matched.len() + group.others.len()).saturating_sub(rules.len()),
            rules,
            other_principals: group.other_principals,
            other_resources: group.other_resources,
        }
    }
}

/// How many rules of a group speak of other principals, and how many of this one but of other resources, where so many
/// fit both.
fn elsewhere(group: &Group, names: &Names, fitting: usize) -> (usize, usize) {
    let counts = || group.policies.iter().map(|policy| &policy.principals);
    let of_principal: usize = counts().map(|counts| counts.fitting(names)).sum();
    let all: usize = counts().map(PrincipalCounts::all).sum();
    (all - of_principal, of_principal - fitting)
}

/// The duration that a policy judged by: its own, where nobody asked for one and the trace knows several.
fn judged(policy: &Explainable, trace: &GroupTrace, question: &AccessQuestion) -> Seconds {
    match trace.durations[..] {
        [one] => one,
        _ => policy.usual.min(question.longest),
    }
}

fn explanation(
    InPolicy { policy, rule }: InPolicy<'_>,
    duration: Seconds,
    finding: Finding,
) -> RuleExplanation {
    RuleExplanation {
        policy: policy.id,
        policy_name: policy.name.clone(),
        rule: rule.id,
        effect: rule.effect(),
        duration,
        finding,
    }
}

fn finding(
    InPolicy { policy, rule }: InPolicy<'_>,
    answer: Answer,
    trace: &GroupTrace,
    fault: Option<&str>,
) -> Finding {
    let passed_over = || {
        let of_policy = |passed: &&PassedOver| policy_of(passed) == policy.id;
        trace.passed_over.iter().find(of_policy).filter(|_| rule.effect() == Effect::Permit).cloned()
    };
    match answer {
        Answer::Matches => match (passed_over(), fault) {
            (Some(why), _) => Finding::PassedOver(why),
            // Its parts can be evaluated where the whole is too deep for Cedar.
            (None, Some(message)) => {
                Finding::Erred { message: message.to_owned(), at: Failure::of_whole_rule() }
            }
            (None, None) => Finding::Matched,
        },
        Answer::Fails(failure) => Finding::Failed(failure),
        Answer::Errs(message, at) => Finding::Erred { message, at },
    }
}

const fn policy_of(passed: &PassedOver) -> PolicyId {
    match passed {
        PassedOver::AboveMaximum { policy, .. } | PassedOver::EmergencyOnly { policy } => *policy,
    }
}
