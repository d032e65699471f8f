//! Why a decision is what it is: rule by rule, down to the condition that failed and what stood there.
//!
//! A [`Decision`](crate::Decision) names the groups that were asked and the rules that matched. An [`Explainer`] says of
//! the other rules what they lacked. It evaluates the conditions of a rule one by one by Cedar itself, so it says of each
//! rule what Cedar says of it.

mod anatomy;
mod explainer;
mod reason;
mod rule;
mod scope;
#[cfg(test)]
mod tests;
mod values;
mod written;

use curfew_domain::policy::Effect;
use curfew_domain::{AccountId, DisplayName, PolicyId, RuleId, Seconds};
use serde_json::Value;

use crate::{GroupVerdict, PassedOver};

pub use explainer::Explainer;

/// Why a decision is what it is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Explanation {
    /// In one or two sentences.
    pub reason: String,
    /// Resource by resource: those that denied first.
    pub points: Vec<PointExplanation>,
    /// How many resources are left out.
    pub points_left_out: usize,
}

/// Why one resource was decided as it was.
#[derive(Debug, Clone, PartialEq)]
pub struct PointExplanation {
    /// In which account.
    pub account: AccountId,
    /// As what: `AwsAccount::"123456789012"`.
    pub resource: String,
    /// What the last group said that was asked: silent where none decided, or there is none.
    pub verdict: GroupVerdict,
    /// The groups that were asked and have a rule for this person and resource, highest priority first.
    pub groups: Vec<GroupExplanation>,
    /// The others that were asked.
    pub silent: SilentGroups,
}

/// Groups without a rule for the person and the resource.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SilentGroups {
    /// How many they are.
    pub groups: usize,
    /// How many of their rules speak of other people.
    pub other_principals: usize,
    /// How many speak of this person, but of other resources.
    pub other_resources: usize,
}

/// Why the policies of one priority answered as they did.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupExplanation {
    /// Their priority.
    pub priority: i32,
    /// What they said together.
    pub verdict: GroupVerdict,
    /// The durations that they judged by.
    pub durations: Vec<Seconds>,
    /// The rules whose principal and resource fit: first those that matched, last those for another action.
    pub rules: Vec<RuleExplanation>,
    /// How many more of that kind there are.
    pub rules_left_out: usize,
    /// How many rules speak of other people.
    pub other_principals: usize,
    /// How many speak of this person, but of other resources.
    pub other_resources: usize,
}

/// What became of one rule.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleExplanation {
    /// In which policy.
    pub policy: PolicyId,
    /// What people call that.
    pub policy_name: DisplayName,
    /// Which rule.
    pub rule: RuleId,
    /// Whether it gives or takes.
    pub effect: Effect,
    /// The duration that it judged by.
    pub duration: Seconds,
    /// What became of it.
    pub finding: Finding,
}

/// What became of a rule.
#[derive(Debug, Clone, PartialEq)]
pub enum Finding {
    /// It matched.
    Matched,
    /// It matched, but does not count.
    PassedOver(PassedOver),
    /// It did not match.
    Failed(Failure),
    /// It could not be evaluated, and forbids.
    Erred {
        /// What Cedar says.
        message: String,
        /// Where.
        at: Failure,
    },
}

/// Where a rule stopped to match.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// In which of its parts.
    pub part: Part,
    /// At which place; none where it is the whole rule.
    pub excerpt: Option<Excerpt>,
    /// How many conditions before it were met.
    pub met_before: usize,
    /// What there was to choose from, where the condition is an `||`.
    pub alternatives: Vec<Alternative>,
    /// Everything that the place mentions.
    pub values: Vec<Seen>,
}

impl Failure {
    const fn of_whole_rule() -> Self {
        Self { part: Part::Rule, excerpt: None, met_before: 0, alternatives: Vec::new(), values: Vec::new() }
    }
}

/// A part of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// What its scope says of the principal.
    Principal,
    /// What its scope says of the action.
    Action,
    /// What its scope says of the resource.
    Resource,
    /// A `when` that is not true.
    When,
    /// An `unless` that is true.
    Unless,
    /// All of it: it can't be read.
    Rule,
}

impl Part {
    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Part::Principal => "principal",
            Part::Action => "action",
            Part::Resource => "resource",
            Part::When => "when",
            Part::Unless => "unless",
            Part::Rule => "rule",
        }
    }
}

/// A piece of a rule as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    /// The text; cut where it is long.
    pub text: String,
    /// Where it begins, counted from 1.
    pub line: usize,
    /// Where in the line, in characters counted from 1.
    pub column: usize,
}

/// One of several conditions of which one would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alternative {
    /// Its text as it was written.
    pub text: String,
    /// Whether it is true; none where it can't be evaluated.
    pub holds: Option<bool>,
    /// Why it can't be.
    pub problem: Option<String>,
}

/// An attribute, tag or variable, and what stood there.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// Which: `context.hour`, `resource.getTag("env")`, `principal`.
    pub path: String,
    /// Its value; none where it is absent. Entities and moments as Cedar writes them.
    pub value: Option<Value>,
    /// What it lies in, where that was asked.
    pub lies_in: Vec<String>,
}
