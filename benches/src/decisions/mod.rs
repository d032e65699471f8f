//! A decision by few and by many rules, against plain `cedar-policy` over the same rules and the same question; and what
//! one changed rule costs.
//!
//! Plain is: the same request and entities made from the same facts, and one call of the Authorizer over one policy set.
//! It knows no priorities, terms or traces; Curfew's figure holds all of them.

mod company;
mod over_http;

use std::time::Instant;

use cedar_policy::{Authorizer, Policy as CedarPolicy, PolicyId as CedarId, PolicySet};
use curfew_policy::{AccessQuestion, CompiledPolicies, cedar_question, decide};

use crate::figures::{Times, against, microseconds, milliseconds};
use crate::process::resident_bytes;
use company::Company;

const SIZES: [usize; 4] = [10, 100, 1_000, 10_000];
const QUESTIONS: usize = 500;
/// Plain takes tens of milliseconds for one at 10,000 rules.
const MOST_PLAIN_RULES: usize = 1_000_000;
const SWAPS: usize = 50;
const MIB: f64 = 1_048_576.0;

pub(crate) async fn run() {
    in_process();
    over_http::run().await;
}

fn in_process() {
    println!("A decision by N rules (by group, account, unit and person, a third with conditions):");
    let mut at_ten = None;
    for rules in SIZES {
        let company = Company::of(rules);
        let compiled = compiled(&company);
        let curfew = decided(&company, &compiled);
        let (plain, alone) = plainly(&company);
        tell(rules, &curfew, &plain, &alone);
        let (ours, theirs) = (microseconds(curfew.median()), microseconds(plain.median()));
        if rules == 10 {
            println!("  {:.2} times plain ({})", ours / theirs, against(ours / theirs, 1.3, false));
            at_ten = Some(ours);
        }
        if rules == 10_000 {
            println!(
                "  {:.0} times as fast as plain ({})",
                theirs / ours,
                against(theirs / ours, 100.0, true)
            );
            let growth = ours / at_ten.expect("ten come first");
            println!("  {growth:.2} times the cost at 10 ({})", against(growth, 3.0, false));
            swap(&company, compiled);
        }
    }
}

fn compiled(company: &Company) -> CompiledPolicies {
    let (before, begun) = (resident_bytes(std::process::id()), Instant::now());
    let compiled = CompiledPolicies::new(&company.policies);
    let took = milliseconds(begun.elapsed());
    let size = (resident_bytes(std::process::id()) - before) / MIB;
    println!("  {} rules: compiled in {took:.1} ms to {size:.1} MiB", company.rules());
    compiled
}

fn decided(company: &Company, compiled: &CompiledPolicies) -> Times {
    let mut times = Times::default();
    for question in company.questions(QUESTIONS) {
        let begun = Instant::now();
        std::hint::black_box(decide(compiled, &question));
        times.add(begun.elapsed());
    }
    times
}

/// The whole of it, and the Authorizer's part alone.
fn plainly(company: &Company) -> (Times, Times) {
    let parsed = company.policies.iter().flat_map(|policy| &policy.rules).map(|rule| {
        CedarPolicy::parse(Some(CedarId::new(rule.id.to_string())), &rule.resolved).expect("Cedar")
    });
    let set = PolicySet::from_policies(parsed).expect("ids of their own");
    let count = QUESTIONS.min(MOST_PLAIN_RULES / company.rules()).max(50);
    let (mut whole, mut alone) = (Times::default(), Times::default());
    for question in company.questions(count) {
        let begun = Instant::now();
        let (request, entities) = asked(&question);
        let ready = Instant::now();
        std::hint::black_box(Authorizer::new().is_authorized(&request, &set, &entities));
        alone.add(ready.elapsed());
        whole.add(begun.elapsed());
    }
    (whole, alone)
}

fn asked(question: &AccessQuestion) -> (cedar_policy::Request, cedar_policy::Entities) {
    cedar_question(question).expect("a question that can be put")
}

fn tell(rules: usize, curfew: &Times, plain: &Times, alone: &Times) {
    let told = |times: &Times| {
        let (p50, p99) = (microseconds(times.median()), microseconds(times.quantile(0.99)));
        format!("p50 {p50:.0} µs, p99 {p99:.0} µs")
    };
    let (curfew, plain, alone) = (told(curfew), told(plain), told(alone));
    println!("  {rules:>6}: curfew {curfew}; plain {plain} (Authorizer alone {alone})");
}

/// One rule of one policy changes, and changes back.
fn swap(company: &Company, mut compiled: CompiledPolicies) {
    let mut times = Times::default();
    for turn in 0..SWAPS {
        let changed = company.with_one_rule_changed(turn);
        let begun = Instant::now();
        compiled = compiled.with([&changed], []);
        times.add(begun.elapsed());
    }
    let (median, worst) = (milliseconds(times.median()), milliseconds(times.quantile(1.0)));
    println!(
        "  one changed rule compiled in {median:.2} ms, {worst:.2} ms at worst ({})",
        against(worst, 5.0, false)
    );
}
