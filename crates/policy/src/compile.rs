//! A tenant's policies, compiled: an immutable snapshot that decisions are made from.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use cedar_policy::{Policy as CedarPolicy, PolicyId as CedarId};
use curfew_domain::policy::{Effect, Notice, Policy, PolicyRule, PolicyTerms};
use curfew_domain::{DisplayName, PolicyId, RuleId, Seconds};

use crate::index::{Names, PrincipalCounts, RuleIndex, Scoped, Scopes};
use crate::shape::effect;
use crate::{Fault, StandingPolicy, StandingRule};

/// What a tenant's enabled policies compile to.
///
/// Policies are kept in groups of one priority, highest first. Rules are kept by what they speak of, so that a decision
/// asks only those that can match. What changes is compiled into another snapshot, which shares all the rest.
#[derive(Debug, Default, Clone)]
pub struct CompiledPolicies {
    policies: BTreeMap<PolicyId, Arc<CompiledPolicy>>,
    groups: Vec<Group>,
    index: RuleIndex<ReadyRule>,
    rules: usize,
}

/// What is needed of a policy to decide by it.
#[derive(Debug)]
pub(crate) struct CompiledPolicy {
    pub(crate) id: PolicyId,
    pub(crate) name: DisplayName,
    pub(crate) version: u32,
    pub(crate) terms: PolicyTerms,
    /// Of the rules that can be evaluated.
    pub(crate) principals: PrincipalCounts,
    pub(crate) priority: i32,
    rules: Vec<CompiledRule>,
}

/// What is needed of a rule to explain what it decided.
#[derive(Debug, Clone)]
pub(crate) struct CompiledRule {
    pub(crate) id: RuleId,
    pub(crate) effect: Effect,
    pub(crate) notice: Option<Notice>,
    pub(crate) audit_session: bool,
    evaluated: Result<Arc<ReadyRule>, Fault>,
}

/// A rule that Cedar can be handed.
#[derive(Debug)]
pub(crate) struct ReadyRule {
    pub(crate) place: Place,
    pub(crate) cedar: CedarPolicy,
    scopes: Scopes,
    text: Arc<str>,
}

/// The policies of one priority.
#[derive(Debug, Default, Clone)]
pub(crate) struct Group {
    pub(crate) priority: i32,
    pub(crate) policies: Vec<Arc<CompiledPolicy>>,
    /// The durations that its policies judge by when nobody asked for one.
    pub(crate) usual: BTreeSet<Seconds>,
    /// Rules that do not parse (any more): each forbids.
    pub(crate) broken: Vec<(Place, Fault)>,
}

/// A rule, by its policy and its own number in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Place {
    pub(crate) policy: PolicyId,
    pub(crate) rule: usize,
}

impl CompiledPolicies {
    /// Compiles the enabled ones of `policies`. Total: a rule that can't be parsed forbids, wherever its group is
    /// asked, until somebody mends it.
    pub fn new<'a>(policies: impl IntoIterator<Item = &'a Policy>) -> Self {
        Self::default().with(policies, [])
    }

    /// These policies, with the `changed` ones as they are now and without those that are `gone`. Costs what has changed:
    /// a rule whose text is the same is not read again.
    #[must_use]
    pub fn with<'a>(
        &self,
        changed: impl IntoIterator<Item = &'a Policy>,
        gone: impl IntoIterator<Item = PolicyId>,
    ) -> Self {
        let mut next = self.clone();
        for id in gone {
            next.remove(id);
        }
        for policy in changed {
            next.put(policy);
        }
        next.groups = groups(next.policies.values());
        next.rules = next.policies.values().map(|policy| policy.rules.len()).sum();
        next
    }

    /// How many policies take part.
    pub fn len(&self) -> usize {
        self.policies.len()
    }

    /// How many rules they have.
    pub fn rules(&self) -> usize {
        self.rules
    }

    /// Whether none does; then everything is denied.
    pub fn is_empty(&self) -> bool {
        self.policies.is_empty()
    }

    /// The groups, highest priority first.
    pub(crate) fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// The policies of one priority, by id.
    pub(crate) fn of_priority(&self, priority: i32) -> impl Iterator<Item = &CompiledPolicy> {
        self.policies.values().map(Arc::as_ref).filter(move |policy| policy.priority == priority)
    }

    /// How many rules can match at most.
    pub(crate) fn most_candidates(&self, names: &Names) -> usize {
        self.index.count(names)
    }

    /// The rules that can match, by their priority, each priority's by their places.
    pub(crate) fn candidates(&self, names: &Names) -> HashMap<i32, Vec<&ReadyRule>> {
        self.by_priority(self.index.candidates(names))
    }

    /// And those that could if the action were another.
    pub(crate) fn of_any_action(&self, names: &Names) -> HashMap<i32, Vec<&ReadyRule>> {
        self.by_priority(self.index.of_any_action(names))
    }

    fn by_priority<'c>(
        &self,
        rules: impl Iterator<Item = &'c Arc<ReadyRule>>,
    ) -> HashMap<i32, Vec<&'c ReadyRule>> {
        let mut found: HashMap<i32, Vec<&ReadyRule>> = HashMap::new();
        for rule in rules {
            found.entry(self.policy(rule.place.policy).priority).or_default().push(rule);
        }
        for rules in found.values_mut() {
            rules.sort_unstable_by_key(|rule| rule.place);
        }
        found
    }

    /// The rules that can be evaluated.
    pub(crate) fn index(&self) -> &RuleIndex<ReadyRule> {
        &self.index
    }

    /// These policies, by some of their rules alone. What can't be evaluated forbids all the same.
    pub(crate) fn with_index(&self, index: RuleIndex<ReadyRule>) -> Self {
        Self { index, ..self.clone() }
    }

    /// Each of them, by id.
    pub(crate) fn each(&self) -> impl Iterator<Item = &CompiledPolicy> {
        self.policies.values().map(Arc::as_ref)
    }

    /// A policy that a place names.
    pub(crate) fn policy(&self, id: PolicyId) -> &CompiledPolicy {
        &self.policies[&id]
    }

    pub(crate) fn rule(&self, place: Place) -> &CompiledRule {
        &self.policy(place.policy).rules[place.rule]
    }

    /// What rule `number` of a policy was read as, if its text is this one.
    pub(crate) fn cedar(&self, policy: PolicyId, number: usize, text: &str) -> Option<&CedarPolicy> {
        let ready = self.policies.get(&policy)?.rules.get(number)?.evaluated.as_ref().ok()?;
        (*ready.text == *text).then_some(&ready.cedar)
    }

    fn remove(&mut self, id: PolicyId) {
        let Some(policy) = self.policies.remove(&id) else { return };
        for rule in policy.ready() {
            self.index.remove(rule);
        }
    }

    fn put(&mut self, policy: &Policy) {
        if !policy.enabled {
            self.remove(policy.id);
            return;
        }
        let before = self.policies.get(&policy.id).into_iter().flat_map(|policy| policy.ready());
        let mut before: HashMap<CedarId, Arc<ReadyRule>> =
            before.map(|rule| (rule.cedar.id().clone(), Arc::clone(rule))).collect();
        let mut rules = Vec::with_capacity(policy.rules.len());
        for (number, rule) in policy.rules.iter().enumerate() {
            let place = Place { policy: policy.id, rule: number };
            let id = CedarId::new(rule.id.to_string());
            let evaluated = match before.remove(&id) {
                Some(known) if known.place == place && *known.text == *rule.resolved => Ok(known),
                known => {
                    if let Some(stale) = &known {
                        self.index.remove(stale);
                    }
                    let ready = ReadyRule::read(place, id, rule, known.as_deref()).map(Arc::new);
                    if let Ok(ready) = &ready {
                        self.index.insert(Arc::clone(ready));
                    }
                    ready.map_err(|problem| fault(policy.id, rule.id, problem))
                }
            };
            rules.push(CompiledRule::of(rule, evaluated));
        }
        for stale in before.values() {
            self.index.remove(stale);
        }
        let (id, version, priority) = (policy.id, policy.version, policy.priority);
        let ready = rules.iter().filter_map(|rule| rule.evaluated.as_deref().ok());
        let principals = PrincipalCounts::of(ready.map(Scoped::scopes));
        let (name, terms) = (policy.name.clone(), policy.terms.clone());
        let compiled = CompiledPolicy { id, name, version, terms, principals, priority, rules };
        self.policies.insert(id, Arc::new(compiled));
    }
}

fn groups<'a>(policies: impl Iterator<Item = &'a Arc<CompiledPolicy>>) -> Vec<Group> {
    let mut groups: BTreeMap<i32, Group> = BTreeMap::new();
    for policy in policies {
        let group = groups.entry(policy.priority).or_default();
        group.priority = policy.priority;
        group.usual.insert(policy.terms.usual_duration());
        group.broken.extend(policy.broken());
        group.policies.push(Arc::clone(policy));
    }
    groups.into_values().rev().collect()
}

impl CompiledPolicy {
    /// The rules that Cedar can read.
    pub(crate) fn read_rules(&self) -> impl Iterator<Item = (RuleId, &CedarPolicy)> {
        self.rules.iter().filter_map(|rule| Some((rule.id, &rule.evaluated.as_ref().ok()?.cedar)))
    }

    /// As whoever proves something of it sees it.
    pub(crate) fn standing(&self) -> StandingPolicy<'_> {
        let rules = self.rules.iter().map(CompiledRule::standing).collect();
        StandingPolicy { id: self.id, terms: &self.terms, rules }
    }

    fn ready(&self) -> impl Iterator<Item = &Arc<ReadyRule>> {
        self.rules.iter().filter_map(|rule| rule.evaluated.as_ref().ok())
    }

    fn broken(&self) -> impl Iterator<Item = (Place, Fault)> {
        self.rules.iter().enumerate().filter_map(|(rule, compiled)| {
            let fault = compiled.evaluated.as_ref().err()?;
            Some((Place { policy: self.id, rule }, fault.clone()))
        })
    }
}

impl CompiledRule {
    fn standing(&self) -> StandingRule<'_> {
        let cedar = self.evaluated.as_ref().ok().map(|ready| &ready.cedar);
        StandingRule {
            id: self.id,
            effect: self.effect,
            cedar,
            notice: self.notice.as_ref(),
            audit_session: self.audit_session,
        }
    }

    fn of(rule: &PolicyRule, evaluated: Result<Arc<ReadyRule>, Fault>) -> Self {
        let effect = evaluated.as_ref().map_or(Effect::Forbid, |ready| effect(&ready.cedar));
        let notice = rule.notice.clone();
        Self { id: rule.id, effect, notice, audit_session: rule.audit_session, evaluated }
    }
}

impl ReadyRule {
    /// Reads a rule, unless `known` has the same text.
    fn read(place: Place, id: CedarId, rule: &PolicyRule, known: Option<&Self>) -> Result<Self, String> {
        if let Some(known) = known.filter(|known| *known.text == *rule.resolved) {
            let (cedar, scopes, text) = (known.cedar.clone(), known.scopes.clone(), Arc::clone(&known.text));
            return Ok(Self { place, cedar, scopes, text });
        }
        let cedar = CedarPolicy::parse(Some(id), &rule.resolved).map_err(|problem| problem.to_string())?;
        let scopes = Scopes::of(&cedar);
        Ok(Self { place, cedar, scopes, text: rule.resolved.as_str().into() })
    }
}

impl Scoped for ReadyRule {
    fn scopes(&self) -> &Scopes {
        &self.scopes
    }
}

pub(crate) fn fault(policy: PolicyId, rule: RuleId, message: String) -> Fault {
    Fault { policy: Some(policy), rule: Some(rule), message }
}
