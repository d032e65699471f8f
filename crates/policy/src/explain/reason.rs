//! A decision in one or two sentences.

use curfew_domain::policy::Effect;
use curfew_domain::request::ApprovalMode;
use curfew_domain::{PolicyId, Seconds};
use serde_json::Value;

use super::explainer::Explainer;
use super::written::capped;
use super::{Failure, Finding, GroupExplanation, Part, PointExplanation, RuleExplanation, Seen};
use crate::{AccessQuestion, Decision, Denial, GroupVerdict, Outcome, PassedOver, Terms};

/// So many policies are called by name.
const MOST_NAMES: usize = 3;

/// So many values of a condition are told.
const MOST_VALUES: usize = 3;

/// So many characters of a condition or a value.
const LONGEST: usize = 120;

pub(super) fn reason(
    explainer: &Explainer,
    question: &AccessQuestion,
    decision: &Decision,
    points: &[PointExplanation],
) -> String {
    let determining = decision.determining.iter().map(|policy| policy.policy);
    match &decision.outcome {
        Outcome::Approved { mode, terms } => {
            let when = if *mode == ApprovalMode::BreakGlass { "at once, as an emergency" } else { "at once" };
            format!("Permitted by {}, {when}, {}.", names(explainer, determining), how_long(terms))
        }
        Outcome::NeedsApproval { requirements, terms } => {
            let by = names(explainer, determining);
            let people: Vec<String> = requirements
                .iter()
                .take(MOST_NAMES)
                .map(|required| {
                    format!("{} ({})", people(required.approvals), quoted(explainer, required.policy))
                })
                .collect();
            let mut text = format!(
                "Permitted by {by}, once approved by {}, {}.",
                people.join(" and by "),
                how_long(terms)
            );
            if !question.facts_are_fresh {
                text.push_str(" What AWS told is old, so nothing is approved at once.");
            }
            text
        }
        Outcome::Denied { denial: Denial::Forbidden, .. } => forbidden(explainer, decision),
        Outcome::Denied { denial: Denial::NotPermitted, max_duration } => {
            not_permitted(explainer, points, *max_duration)
        }
        Outcome::Denied { denial: Denial::Unanswerable, .. } => {
            let why = decision.faults.first().map_or("nothing is asked for", |fault| fault.message.as_str());
            format!("Denied: policies can't be asked this: {}.", capped(why, LONGEST))
        }
    }
}

fn forbidden(explainer: &Explainer, decision: &Decision) -> String {
    let faulty = |rule| decision.faults.iter().find(|fault| fault.rule == Some(rule));
    let rules = decision
        .determining
        .iter()
        .flat_map(|policy| policy.rules.iter().map(move |rule| (policy.policy, *rule)));
    // One that says no tells more than one that went wrong.
    let (mut sound, mut broken) = (Vec::new(), Vec::new());
    for (policy, rule) in rules {
        match faulty(rule) {
            None => sound.push((policy, rule)),
            Some(fault) => broken.push((policy, rule, fault)),
        }
    }
    if let Some((policy, rule)) = sound.first() {
        let more = match decision.determining.len() - 1 {
            0 => String::new(),
            more => format!(", and {more} more"),
        };
        return format!("Denied: policy {} forbids it (rule {rule}){more}.", quoted(explainer, *policy));
    }
    match broken.first() {
        Some((policy, rule, fault)) => format!(
            "Denied: rule {rule} of policy {} could not be evaluated, which counts as forbidding: {}",
            quoted(explainer, *policy),
            capped(&fault.message, LONGEST)
        ),
        None => "Denied: a policy forbids it.".to_owned(),
    }
}

fn not_permitted(
    explainer: &Explainer,
    points: &[PointExplanation],
    max_duration: Option<Seconds>,
) -> String {
    let Some(point) = points.iter().find(|point| point.verdict == GroupVerdict::Silent) else {
        // All that was asked for is permitted, but not for so long.
        return max_duration.map_or("No policy permits it.".to_owned(), |longest| {
            let longest = longest.get();
            format!("An emergency does not last that long; {longest} seconds at most would be permitted.")
        });
    };
    // One account of many: which, is half of the answer.
    let what = if points.len() > 1 { format!("it for {}", point.resource) } else { "it".to_owned() };
    if let Some(longest) = max_duration {
        let longest = longest.get();
        return format!(
            "No policy permits {what} for that long; {longest} seconds at most would be permitted."
        );
    }
    let rules: Vec<&RuleExplanation> = point.groups.iter().flat_map(|group| &group.rules).collect();
    // Of equally close ones the first, so the highest group's.
    let closest =
        rules.into_iter().rev().max_by_key(|rule| closeness(rule)).filter(|rule| closeness(rule) > None);
    match closest {
        Some(rule) => {
            let policy = quoted(explainer, rule.policy);
            format!("No policy permits {what}. Closest: rule {} of {policy} {}.", rule.rule, lacking(rule))
        }
        None => format!("No policy permits {what}. {}", nothing_close(point)),
    }
}

/// How near a rule came to permitting.
fn closeness(rule: &RuleExplanation) -> Option<(u8, usize)> {
    match (&rule.finding, rule.effect) {
        (Finding::PassedOver(_), _) => Some((3, 0)),
        (Finding::Failed(failure), Effect::Permit) => match failure.part {
            Part::When | Part::Unless => Some((2, failure.met_before)),
            Part::Action => Some((1, 0)),
            Part::Principal | Part::Resource | Part::Rule => None,
        },
        (Finding::Failed(_) | Finding::Matched | Finding::Erred { .. }, _) => None,
    }
}

/// What a rule lacked to permit.
fn lacking(rule: &RuleExplanation) -> String {
    match &rule.finding {
        Finding::PassedOver(PassedOver::AboveMaximum { maximum, .. }) => {
            format!("permits it for {} seconds at most", maximum.get())
        }
        Finding::PassedOver(PassedOver::EmergencyOnly { .. }) => "permits emergencies only".to_owned(),
        Finding::Failed(failure) => failed(failure),
        Finding::Matched | Finding::Erred { .. } => "does not permit it".to_owned(),
    }
}

fn failed(failure: &Failure) -> String {
    let text = failure.excerpt.as_ref().map_or("", |excerpt| excerpt.text.as_str());
    let text = capped(text, LONGEST);
    let values: Vec<String> = failure.values.iter().take(MOST_VALUES).map(told).collect();
    let values = if values.is_empty() { String::new() } else { format!(" ({})", values.join(", ")) };
    match failure.part {
        Part::Unless => format!("fails at unless {text}{values}"),
        Part::Action => format!("is for {text}{values}"),
        Part::When | Part::Principal | Part::Resource | Part::Rule => format!("fails at {text}{values}"),
    }
}

fn told(seen: &Seen) -> String {
    match &seen.value {
        None => format!("{} is absent", seen.path),
        // Entities and moments are written as Cedar does, without more quotes.
        Some(Value::String(text)) if text.ends_with(['"', ')']) => format!("{} is {text}", seen.path),
        Some(value) => format!("{} is {}", seen.path, capped(&value.to_string(), LONGEST)),
    }
}

fn nothing_close(point: &PointExplanation) -> String {
    let count = |of: fn(&GroupExplanation) -> usize| point.groups.iter().map(of).sum::<usize>();
    let people = count(|group| group.other_principals) + point.silent.other_principals;
    let resources = count(|group| group.other_resources) + point.silent.other_resources;
    if point.groups.is_empty() && point.silent.groups == 0 {
        return "None is enabled.".to_owned();
    }
    if count(|group| group.rules_left_out) > 0 {
        let explained = count(|group| group.rules.len());
        return format!("None of the first {explained} rules for this person and resource comes close.");
    }
    format!(
        "No permit is for this person and resource (rules for other people: {people}, for other resources: {resources})."
    )
}

fn how_long(terms: &Terms) -> String {
    let (given, maximum) = (terms.duration.get(), terms.maximum.get());
    if given == maximum {
        format!("for {given} seconds at most")
    } else {
        format!("for {given} seconds ({maximum} at most)")
    }
}

fn people(number: u16) -> String {
    if number == 1 { "1 person".to_owned() } else { format!("{number} people") }
}

fn names(explainer: &Explainer, policies: impl ExactSizeIterator<Item = PolicyId>) -> String {
    let more = policies.len().saturating_sub(MOST_NAMES);
    let mut names: Vec<String> = policies.take(MOST_NAMES).map(|policy| quoted(explainer, policy)).collect();
    if more > 0 {
        names.push(format!("{more} more"));
    }
    match names.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, before)) => format!("{} and {last}", before.join(", ")),
        None => "a policy".to_owned(),
    }
}

fn quoted(explainer: &Explainer, policy: PolicyId) -> String {
    format!("'{}'", explainer.name(policy))
}
