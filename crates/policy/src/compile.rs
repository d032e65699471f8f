//! A tenant's policies, compiled: an immutable snapshot that decisions are made from.

use std::collections::{BTreeMap, HashMap};

use cedar_policy::{Policy as CedarPolicy, PolicyId as CedarId, PolicySet};
use curfew_domain::policy::{Effect, Notice, Policy, PolicyRule, PolicyTerms};
use curfew_domain::{PolicyId, RuleId, Seconds};

use crate::Fault;
use crate::entities::BoxError;
use crate::shape::effect;

/// What a tenant's enabled policies compile to.
///
/// Policies are kept in groups of one priority, highest first, and within a group in *lanes* of those that judge
/// by the same duration when nobody asked for one: a lane is what Cedar is handed at a time.
#[derive(Debug, Default)]
pub struct CompiledPolicies {
    pub(crate) policies: Vec<CompiledPolicy>,
    pub(crate) groups: Vec<Group>,
    places: HashMap<CedarId, Place>,
}

/// What is needed of a policy to decide by it.
#[derive(Debug)]
pub(crate) struct CompiledPolicy {
    pub(crate) id: PolicyId,
    pub(crate) version: u32,
    pub(crate) terms: PolicyTerms,
    rules: Vec<CompiledRule>,
}

#[derive(Debug)]
pub(crate) struct CompiledRule {
    pub(crate) id: RuleId,
    pub(crate) effect: Effect,
    pub(crate) notice: Option<Notice>,
    pub(crate) audit_session: bool,
}

/// The policies of one priority.
#[derive(Debug, Default)]
pub(crate) struct Group {
    pub(crate) priority: i32,
    lanes: BTreeMap<Seconds, Lane>,
    /// Rules that do not parse (any more): each forbids.
    pub(crate) broken: Vec<(Place, Fault)>,
}

/// Rules that are judged by the same context.
#[derive(Debug)]
pub(crate) struct Lane {
    /// The duration that they judge by when nobody asked for one.
    pub(crate) usual: Seconds,
    pub(crate) rules: PolicySet,
}

/// A rule, by its policy's and its own index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) policy: usize,
    rule: usize,
}

impl CompiledPolicies {
    /// Compiles the enabled ones of `policies`. Total: a rule that can't be parsed forbids, wherever its group is
    /// asked, until somebody mends it.
    pub fn new<'a>(policies: impl IntoIterator<Item = &'a Policy>) -> Self {
        let mut compiled = Self::default();
        let mut groups: BTreeMap<i32, Group> = BTreeMap::new();
        for policy in policies.into_iter().filter(|policy| policy.enabled) {
            let group = groups.entry(policy.priority).or_default();
            group.priority = policy.priority;
            compiled.add(policy, group);
        }
        compiled.groups = groups.into_values().rev().collect();
        compiled
    }

    /// How many policies take part.
    pub fn len(&self) -> usize {
        self.policies.len()
    }

    /// How many rules are asked at most for one resource.
    pub fn rules(&self) -> usize {
        self.policies.iter().map(|policy| policy.rules.len()).sum()
    }

    /// Whether none does; then everything is denied.
    pub fn is_empty(&self) -> bool {
        self.policies.is_empty()
    }

    pub(crate) fn place(&self, id: &CedarId) -> Option<Place> {
        self.places.get(id).copied()
    }

    pub(crate) fn rule(&self, place: Place) -> &CompiledRule {
        &self.policies[place.policy].rules[place.rule]
    }

    fn add(&mut self, policy: &Policy, group: &mut Group) {
        let index = self.policies.len();
        let usual = policy.terms.usual_duration();
        let lane = group.lanes.entry(usual).or_insert_with(|| Lane { usual, rules: PolicySet::new() });
        let mut rules = Vec::with_capacity(policy.rules.len());
        for (number, rule) in policy.rules.iter().enumerate() {
            let place = Place { policy: index, rule: number };
            let id = CedarId::new(rule.id.to_string());
            let parsed = CedarPolicy::parse(Some(id.clone()), &rule.resolved);
            rules.push(CompiledRule::of(rule, parsed.as_ref().map_or(Effect::Forbid, effect)));
            let added = parsed.map_err(BoxError::from).and_then(|cedar| Ok(lane.rules.add(cedar)?));
            match added {
                Ok(()) => drop(self.places.insert(id, place)),
                Err(problem) => group.broken.push((place, fault(policy.id, rule.id, problem.to_string()))),
            }
        }
        let terms = policy.terms.clone();
        self.policies.push(CompiledPolicy { id: policy.id, version: policy.version, terms, rules });
    }
}

impl Group {
    /// What has to be asked of this group.
    pub(crate) fn lanes(&self) -> impl Iterator<Item = &Lane> {
        self.lanes.values()
    }
}

impl CompiledRule {
    fn of(rule: &PolicyRule, effect: Effect) -> Self {
        Self { id: rule.id, effect, notice: rule.notice.clone(), audit_session: rule.audit_session }
    }
}

pub(crate) fn fault(policy: PolicyId, rule: RuleId, message: String) -> Fault {
    Fault { policy: Some(policy), rule: Some(rule), message }
}
