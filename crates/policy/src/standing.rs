//! Compiled policies as whoever proves something of them sees them.

use cedar_policy::Policy as CedarPolicy;
use curfew_domain::policy::{Effect, Notice, PolicyTerms};
use curfew_domain::{PolicyId, RuleId};

use crate::CompiledPolicies;

/// The policies of one priority. They are asked together: see [`crate::decide`].
#[derive(Debug, Clone)]
pub struct StandingGroup<'p> {
    /// Their priority.
    pub priority: i32,
    /// Them, by id.
    pub policies: Vec<StandingPolicy<'p>>,
}

/// A policy that takes part in decisions.
#[derive(Debug, Clone)]
pub struct StandingPolicy<'p> {
    /// Which.
    pub id: PolicyId,
    /// On what terms its permits give access.
    pub terms: &'p PolicyTerms,
    /// Its rules, in their order.
    pub rules: Vec<StandingRule<'p>>,
}

/// A rule of it.
#[derive(Debug, Clone, Copy)]
pub struct StandingRule<'p> {
    /// Which.
    pub id: RuleId,
    /// To what effect.
    pub effect: Effect,
    /// As Cedar read it, with its names resolved; none where it does not parse (any more): it forbids wherever its
    /// group is asked.
    pub cedar: Option<&'p CedarPolicy>,
    /// What people are told where it decides.
    pub notice: Option<&'p Notice>,
    /// Whether the sessions that it permits are followed.
    pub audit_session: bool,
}

impl CompiledPolicies {
    /// What these are made of: groups in the order in which they are asked, highest priority first.
    pub fn standing(&self) -> Vec<StandingGroup<'_>> {
        let of = |priority| StandingGroup {
            priority,
            policies: self.of_priority(priority).map(crate::compile::CompiledPolicy::standing).collect(),
        };
        self.groups().iter().map(|group| of(group.priority)).collect()
    }
}
