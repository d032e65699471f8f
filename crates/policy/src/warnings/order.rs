//! Rules that come too late: a higher group always decides before, or a forbid of their own group stops all.

use std::fmt;

use cedar_policy::{ActionConstraint, Effect, EntityUid, Policy as CedarPolicy, ResourceConstraint};
use curfew_domain::policy::{Policy, PolicyTerms};
use curfew_domain::request::ApprovalMode;
use curfew_domain::{DisplayName, PolicyId, RuleId, Seconds};

use super::everyone::fits_everyone;
use super::{Read, WarningCode, Warnings};
use crate::compile::{CompiledPolicies, CompiledPolicy};

/// A policy with a rule that matches every request.
struct Head<'a> {
    name: &'a DisplayName,
    priority: i32,
    /// Requests that last no longer are decided by it; none where it forbids, which decides all.
    up_to: Option<Seconds>,
}

/// A policy whose rules may come too late.
struct Subject<'a> {
    policy: PolicyId,
    name: &'a DisplayName,
    priority: i32,
    terms: &'a PolicyTerms,
    rules: Vec<(RuleId, &'a CedarPolicy)>,
}

impl<'a> Subject<'a> {
    fn saved(policy: &'a Policy, rules: &'a [Read]) -> Self {
        Self {
            policy: policy.id,
            name: &policy.name,
            priority: policy.priority,
            terms: &policy.terms,
            rules: rules.iter().map(|rule| (rule.id, &rule.cedar)).collect(),
        }
    }

    fn compiled(policy: &'a CompiledPolicy) -> Self {
        Self {
            policy: policy.id,
            name: &policy.name,
            priority: policy.priority,
            terms: &policy.terms,
            rules: policy.read_rules().collect(),
        }
    }

    /// What it decides whatever is asked, if anything. A forbid says more than a permit beside it.
    fn head(&self) -> Option<Head<'a>> {
        let mut found = None;
        for (_, rule) in self.rules.iter().filter(|(_, rule)| matches_everything(rule)) {
            let head = |up_to| Some(Head { name: self.name, priority: self.priority, up_to });
            match rule.effect() {
                Effect::Forbid => return head(None),
                // Its permits match emergencies alone.
                Effect::Permit if self.terms.mode == ApprovalMode::BreakGlass => {}
                Effect::Permit => found = head(Some(self.terms.maximum)),
            }
        }
        found
    }

    /// Warns of its rules that one of these decides before: in one word where that is all of them, else of `changed` alone
    /// where only that one was.
    fn warn<'h>(
        &self,
        changed: Option<RuleId>,
        heads: impl Iterator<Item = &'h Head<'h>> + Clone,
        longest: Seconds,
        warnings: &mut Warnings,
    ) {
        let before = |effect| heads.clone().find(|head| head.comes_before(self, effect, longest));
        let (permits, forbids) = (before(Effect::Permit), before(Effect::Forbid));
        let late = self.rules.iter().filter_map(|(id, rule)| {
            let head = if rule.effect() == Effect::Permit { permits } else { forbids };
            Some((*id, head?))
        });
        let late: Vec<(RuleId, &Head<'_>)> = late.collect();
        let what_to_do = "Change the priorities, narrow that rule, or take away what is not needed";
        match late.first() {
            Some((_, head)) if late.len() == self.rules.len() => {
                let message = format!("the policy \"{}\" decides nothing: {head}. {what_to_do}", self.name);
                warnings.of_policy(WarningCode::Unreachable, self.policy, message);
            }
            _ => {
                let wanted = |rule: RuleId| changed.is_none_or(|changed| changed == rule);
                for (rule, head) in late.into_iter().filter(|(rule, _)| wanted(*rule)) {
                    let message = format!("this rule decides nothing: {head}. {what_to_do}");
                    warnings.of_rule(WarningCode::Unreachable, self.policy, rule, message);
                }
            }
        }
    }
}

impl Head<'_> {
    /// Whether it decides every request that a rule of `policy` could: those last up to `longest`.
    fn comes_before(&self, policy: &Subject<'_>, effect: Effect, longest: Seconds) -> bool {
        let judged = if effect == Effect::Permit { policy.terms.maximum.min(longest) } else { longest };
        match self.up_to {
            None => {
                self.priority > policy.priority
                    || (self.priority == policy.priority && effect == Effect::Permit)
            }
            Some(up_to) => self.priority > policy.priority && up_to >= judged,
        }
    }
}

impl fmt::Display for Head<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let does = if self.up_to.is_some() { "permits" } else { "forbids" };
        write!(f, "the policy \"{}\" of priority {} {does} every request before", self.name, self.priority)
    }
}

/// Warns of the rules of a policy that come too late, and of the policies that come too late for its own.
pub(super) fn warn_of_one(
    policy: &Policy,
    rules: &[Read],
    changed: Option<RuleId>,
    all: &CompiledPolicies,
    longest: Seconds,
    warnings: &mut Warnings,
) {
    let saved = Subject::saved(policy, rules);
    let own = saved.head();
    let others: Vec<Subject<'_>> =
        all.each().filter(|other| other.id != policy.id).map(Subject::compiled).collect();
    let heads: Vec<Head<'_>> = others.iter().filter_map(Subject::head).collect();
    saved.warn(changed, heads.iter().chain(&own), longest, warnings);
    if policy.enabled {
        for other in &others {
            other.warn(None, own.iter(), longest, warnings);
        }
    }
}

/// Warns of every policy that comes too late.
pub(super) fn warn_of_all(all: &CompiledPolicies, longest: Seconds, warnings: &mut Warnings) {
    let policies: Vec<Subject<'_>> = all.each().map(Subject::compiled).collect();
    let heads: Vec<Head<'_>> = policies.iter().filter_map(Subject::head).collect();
    for policy in &policies {
        policy.warn(None, heads.iter(), longest, warnings);
    }
}

/// Whether a rule speaks of everybody and everything, without a condition.
fn matches_everything(rule: &CedarPolicy) -> bool {
    !rule.has_non_scope_constraint()
        && rule.resource_constraint() == ResourceConstraint::Any
        && fits_everyone(rule)
        && fits_every_action(rule)
}

/// All actions lie in `request_access`.
fn fits_every_action(rule: &CedarPolicy) -> bool {
    let is_all = |uid: &EntityUid| uid.id().unescaped() == "request_access";
    match rule.action_constraint() {
        ActionConstraint::Any => true,
        ActionConstraint::In(uids) => uids.iter().any(is_all),
        ActionConstraint::Eq(_) => false,
    }
}
