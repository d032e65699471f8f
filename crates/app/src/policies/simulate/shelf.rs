//! How policies and rules are called, before the draft and with it.

use std::collections::HashMap;
use std::sync::Arc;

use curfew_domain::policy::{Effect, Policy};
use curfew_domain::{DisplayName, PolicyId, RuleId};
use curfew_policy::DeterminingPolicy;

/// A policy that decides, as people know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecidingPolicy {
    /// Its id; none where the draft makes it.
    pub policy: Option<PolicyId>,
    /// The change of the draft that makes or changes it, counted from 0.
    pub change: Option<usize>,
    /// What people call it.
    pub name: DisplayName,
    /// Whether it gives or takes.
    pub effect: Effect,
    /// By which of its rules: so many of them as are named.
    pub rules: Vec<DecidingRule>,
    /// By how many of them.
    pub rule_count: usize,
}

/// So many rules of a policy, and so many policies and notices of a decision, are named in a difference.
pub(super) const MOST_NAMED: usize = 20;

/// A rule that decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecidingRule {
    /// Its id; none where the draft makes it.
    pub rule: Option<RuleId>,
    /// Its place in the policy.
    pub ordinal: u32,
}

/// All policies, by id.
#[derive(Debug, Clone, Default)]
pub(in crate::policies) struct Shelf(HashMap<PolicyId, Arc<Named>>);

#[derive(Debug)]
struct Named {
    name: DisplayName,
    mark: Mark,
    ordinals: HashMap<RuleId, u32>,
}

/// What of a policy is the draft's.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Mark {
    /// The change of the draft that made or changed it.
    pub(super) change: Option<usize>,
    /// Whether there is no such policy outside of the draft, and its id means nothing to anybody.
    pub(super) is_new: bool,
    /// Whether its rules are the draft's, and their ids mean nothing either.
    pub(super) has_new_rules: bool,
}

impl Shelf {
    /// Puts a policy in, in the place of what had its id.
    pub(super) fn put(&mut self, policy: &Policy, mark: Mark) {
        let ordinals = policy.rules.iter().map(|rule| (rule.id, rule.ordinal)).collect();
        self.0.insert(policy.id, Arc::new(Named { name: policy.name.clone(), mark, ordinals }));
    }

    /// How people know a policy that decided.
    pub(super) fn deciding(&self, determining: &DeterminingPolicy) -> Option<DecidingPolicy> {
        let named = self.0.get(&determining.policy)?;
        Some(DecidingPolicy {
            policy: named.id(determining.policy),
            change: named.mark.change,
            name: named.name.clone(),
            effect: determining.effect,
            rules: determining.rules.iter().filter_map(|rule| named.rule(*rule)).take(MOST_NAMED).collect(),
            rule_count: determining.rules.len(),
        })
    }

    /// Whether there is such a policy, and it has an id outside of the draft.
    pub(in crate::policies) fn knows(&self, policy: PolicyId) -> bool {
        self.0.get(&policy).is_some_and(|named| !named.mark.is_new)
    }

    /// How people know the one rule of a policy.
    pub(in crate::policies) fn rule(&self, policy: PolicyId, rule: RuleId) -> Option<DecidingPolicy> {
        let one =
            DeterminingPolicy { policy, version: 0, effect: Effect::Forbid, rules: Vec::from_iter([rule]) };
        self.deciding(&one)
    }
}

impl Named {
    fn id(&self, policy: PolicyId) -> Option<PolicyId> {
        (!self.mark.is_new).then_some(policy)
    }

    fn rule(&self, rule: RuleId) -> Option<DecidingRule> {
        let ordinal = *self.ordinals.get(&rule)?;
        Some(DecidingRule { rule: (!self.mark.has_new_rules).then_some(rule), ordinal })
    }
}
