//! What is worth knowing of a policy that was saved: rules that give more than somebody may have meant, and rules that
//! decide nothing.
//!
//! A warning is no error: it refuses nothing, and who means what they wrote leaves it. Of other policies only what their
//! rules are made of is looked at, so that a change of one rule costs no more where there are thousands of others; but
//! forbids that stand above an automatic permit are asked whether they cover it, so far as [`privilege`] says.

mod approvers;
mod everyone;
mod impossible;
mod order;
mod privilege;

use std::collections::BTreeMap;

use cedar_policy::{Effect, Policy as CedarPolicy, PolicyId as CedarId};
use curfew_domain::policy::Policy;
use curfew_domain::{OuId, PolicyId, RuleId, Seconds};

use crate::compile::CompiledPolicies;
use crate::{AccountFacts, PermissionSetFacts};

/// So many warnings are listed in one answer.
pub const MOST_WARNINGS: usize = 100;

/// Something worth knowing of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// What kind of thing.
    pub code: WarningCode,
    /// Of which policy.
    pub policy: Option<PolicyId>,
    /// Of which of its rules; none where it is all of them, or several.
    pub rule: Option<RuleId>,
    /// What it is and what to do, for people.
    pub message: String,
}

/// What a warning is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WarningCode {
    /// A permit looks at nobody in particular.
    PermitForEveryone,
    /// A rule can't match anything.
    NeverMatches,
    /// Others always decide before.
    Unreachable,
    /// Someone may get into the management account without anybody's approval.
    AutoOnManagementAccount,
    /// Someone may get the strongest permission set without anybody's approval.
    AutoOnTopRank,
    /// Something was not looked at.
    NotChecked,
    /// Nobody in a policy's groups of approvers could approve.
    ApproverGroupEmpty,
    /// Fewer people could approve than have to.
    TooFewApprovers,
}

/// Warnings, as many as are listed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Warnings {
    /// They.
    pub listed: Vec<Warning>,
    /// How many more there are.
    pub left_out: usize,
}

/// What warnings look at besides policies.
#[derive(Debug, Clone, PartialEq)]
pub struct Surroundings {
    /// The longest that access may be asked for.
    pub longest: Seconds,
    /// The organization's management account, where it is known.
    pub management: Option<AccountFacts>,
    /// Each unit above it, and the one that that lies in.
    pub units: BTreeMap<OuId, Option<OuId>>,
    /// The permission sets of the highest rank that anybody gave one.
    pub strongest: Vec<PermissionSetFacts>,
    /// How many people could approve what the policy permits, counted up to as many as have to; none where people are not
    /// asked.
    pub approvers: Option<usize>,
}

/// Warns of a policy that was saved. `all` are the tenant's policies with this one among them, if it is enabled; one that
/// is not is looked at as if it were.
///
/// Where this policy decides before others do, they are warned of too. Where only the rule `changed` was, its fellow rules
/// are not warned of.
pub fn warnings_of(
    policy: &Policy,
    changed: Option<RuleId>,
    all: &CompiledPolicies,
    around: &Surroundings,
) -> Warnings {
    let rules = Read::all_of(policy, all);
    let mut warnings = Warnings::default();
    let own = changed.and_then(|changed| rules.iter().position(|rule| rule.id == changed));
    let looked_at = own.map_or(&rules[..], |at| &rules[at..=at]);
    everyone::warn(policy, looked_at, &mut warnings);
    impossible::warn(policy, looked_at, &mut warnings);
    order::warn_of_one(policy, &rules, changed, all, around.longest, &mut warnings);
    privilege::warn(policy, (looked_at, &rules), all, around, &mut warnings);
    approvers::warn(policy, around, &mut warnings);
    warnings
}

/// Warns of all policies that come too late to decide anything, for whoever has put them into an order.
pub fn warnings_of_order(all: &CompiledPolicies, longest: Seconds) -> Warnings {
    let mut warnings = Warnings::default();
    order::warn_of_all(all, longest, &mut warnings);
    warnings
}

impl Warnings {
    /// Adds one, or counts it.
    pub fn add(&mut self, warning: Warning) {
        if self.is_full() {
            self.left_out += 1;
        } else {
            self.listed.push(warning);
        }
    }

    fn is_full(&self) -> bool {
        self.listed.len() >= MOST_WARNINGS
    }

    fn of_rule(&mut self, code: WarningCode, policy: PolicyId, rule: RuleId, message: impl Into<String>) {
        self.add(Warning { code, policy: Some(policy), rule: Some(rule), message: message.into() });
    }

    fn of_policy(&mut self, code: WarningCode, policy: PolicyId, message: impl Into<String>) {
        self.add(Warning { code, policy: Some(policy), rule: None, message: message.into() });
    }
}

/// A rule as Cedar has read it. What it can't read forbids, and is told of elsewhere.
struct Read {
    id: RuleId,
    cedar: CedarPolicy,
}

impl Read {
    fn permits(&self) -> bool {
        self.cedar.effect() == Effect::Permit
    }

    fn all_of(policy: &Policy, all: &CompiledPolicies) -> Vec<Self> {
        let read = |(number, rule): (usize, &curfew_domain::policy::PolicyRule)| {
            let known = all.cedar(policy.id, number, &rule.resolved).cloned();
            let parse = || CedarPolicy::parse(Some(CedarId::new(rule.id.to_string())), &rule.resolved).ok();
            Some(Self { id: rule.id, cedar: known.or_else(parse)? })
        };
        policy.rules.iter().enumerate().filter_map(read).collect()
    }
}
