//! What an analysis comes to.

use curfew_analysis::Idleness;
use curfew_domain::{DisplayName, PolicyId};
use curfew_policy::AccessQuestion;

use crate::policies::simulate::{DecidingRule, Verdict};

/// What an analysis comes to.
#[derive(Debug, Clone, PartialEq)]
pub struct Analyzed {
    /// Whether a solver is installed on this node; without one nothing is told.
    pub has_solver: bool,
    /// Whether the draft only narrows, where it was asked.
    pub narrows: Option<Answered>,
    /// Whether the account can't be reached without a person's approval, where it was asked.
    pub reach: Option<Answered>,
    /// Which rules never matter, where it was asked.
    pub rules: Option<RulesAnalyzed>,
}

/// What comes of a question whether something holds for every request.
#[derive(Debug, Clone, PartialEq)]
pub enum Answered {
    /// It does.
    Proved,
    /// It does not.
    Refuted(Box<Counterexample>),
    /// It could not be told, and why.
    Unknown(String),
}

/// A request that shows that something does not hold. Policies were asked about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Counterexample {
    /// What policies are told.
    pub question: AccessQuestion,
    /// It, in a sentence.
    pub summary: String,
    /// What the policies say as they are, where a draft is compared with them.
    pub before: Option<Verdict>,
    /// What is said by the draft, or by the policies where there is none.
    pub after: Verdict,
    /// The same in words.
    pub why: String,
}

/// What is told of rules.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RulesAnalyzed {
    /// Those that never matter; so many of them as are listed.
    pub idle: Vec<IdleRule>,
    /// Those of which it could not be told; so many of them as are listed.
    pub untold: Vec<UntoldRule>,
    /// How many never matter.
    pub idle_total: usize,
    /// Of how many it could not be told.
    pub untold_total: usize,
    /// How many matter.
    pub matter: usize,
    /// Why nothing is told of any, where that is so.
    pub unknown: Option<String>,
}

/// A rule that never matters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdleRule {
    /// Which.
    pub rule: RuleName,
    /// In what way.
    pub how: Idleness,
}

/// A rule of which it could not be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UntoldRule {
    /// Which.
    pub rule: RuleName,
    /// Why.
    pub why: String,
}

/// A rule as people know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleName {
    /// Its policy; none where the draft makes it.
    pub policy: Option<PolicyId>,
    /// The change of the draft that makes or changes the policy, counted from 0.
    pub change: Option<usize>,
    /// What people call the policy.
    pub name: DisplayName,
    /// The rule.
    pub rule: DecidingRule,
}
