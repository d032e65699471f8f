//! What is true of a tenant's policies for every request there could be: proved, or refuted by one that was replayed.
//!
//! Cedar's symbolic compiler puts the question, and an SMT solver (cvc5), a program of its own, answers it. Three
//! questions are answered:
//!
//! - [`narrows`]: does a change of the policies give nothing that they do not give already?
//! - [`reaches`]: can anybody have access to an account without a person's approval?
//! - [`idle_rules`]: which rules never matter?
//!
//! **What is asked about.** Access is a person, an account and a permission set. Whatever is named in a request, a unit or
//! a bucket for instance, each of its accounts must be permitted as well, on terms that what is named can only make
//! stricter. So it is enough to ask about requests that name an account. And they name their duration: a request that
//! leaves it to the policies is given one, and is then judged as if it had named it. "Gives" means: gives for just that
//! duration.
//!
//! **What an answer is worth.** A proof speaks of all worlds that fit the schema, and of what [`curfew_policy::decide`]
//! says in them: priority groups, forbids, errors, modes and terms. An example that a solver finds is only told when
//! `decide` itself bears it out. Whatever goes wrong leaves a question unanswered.

mod answer;
mod brought;
mod example;
mod extent;
mod idle;
mod many;
mod moments;
mod narrows;
mod outcome;
mod query;
mod reaches;
mod reply;
mod scene;
mod solver;
mod spoken;
mod stage;
mod telling;
mod witness;
mod world;

use std::collections::HashSet;

use curfew_domain::{Seconds, Timestamp, ZoneName};
use curfew_policy::StandingGroup;
use tokio::time::Instant;

pub use answer::{Answer, Reached, Why, Widened};
pub use idle::{IdleRule, IdleRules, Idleness, UntoldRule, idle_rules};
pub use narrows::narrows;
pub use reaches::{Account, reaches};
pub use solver::Solver;

/// How many rules are analysed at most, of both sides together.
pub const MOST_RULES: usize = 500;

/// What is known where a question is asked.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// What answers.
    pub solver: &'a Solver,
    /// The longest duration that the tenant allows. Only [`reaches`] depends on it: what can't be had is no reach.
    pub longest: Seconds,
    /// Now.
    pub now: Timestamp,
    /// The tenant's time zone.
    pub zone: &'a ZoneName,
    /// When the answer must be there.
    pub end: Instant,
}

impl Known<'_> {
    /// Refused once the answer should be there: what is built for a question takes time too.
    fn in_time(&self) -> Result<(), Why> {
        if Instant::now() < self.end { Ok(()) } else { Err(Why::TimedOut) }
    }
}

/// The longest duration that any of these policies lets somebody have. What is proved of all durations up to it holds
/// whatever the tenant's settings allow.
fn longest_of(sides: &[&[StandingGroup<'_>]]) -> Seconds {
    let policies = sides.iter().flat_map(|groups| groups.iter()).flat_map(|group| &group.policies);
    policies.map(|policy| policy.terms.maximum).max().unwrap_or(Seconds::of(1))
}

/// All rules of these policies that parse, each text once.
fn rules_of<'p>(sides: &[&[StandingGroup<'p>]]) -> Result<Vec<&'p cedar_policy::Policy>, Why> {
    let groups = sides.iter().flat_map(|groups| groups.iter());
    let rules = groups.flat_map(|group| &group.policies).flat_map(|policy| &policy.rules);
    let mut seen = HashSet::new();
    let rules: Vec<_> =
        rules.filter_map(|rule| rule.cedar).filter(|rule| seen.insert(text_of(rule))).collect();
    if rules.len() > MOST_RULES {
        let what = format!("there are {} different rules, and {MOST_RULES} can be analysed", rules.len());
        return Err(Why::TooLarge(what));
    }
    Ok(rules)
}

fn text_of(rule: &cedar_policy::Policy) -> String {
    rule.to_cedar().unwrap_or_else(|| rule.to_string())
}
