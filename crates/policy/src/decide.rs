//! How a request is decided (product.md): all of its resources, by all of the policies, into one answer.

use std::collections::{BTreeMap, BTreeSet};

use cedar_policy::Entities;
use curfew_domain::policy::Effect;
use curfew_domain::request::ApprovalMode;
use curfew_domain::{PolicyId, Seconds};

use crate::compile::{CompiledPolicies, Place};
use crate::entities::{BoxError, Point, entities};
use crate::index::Names;
use crate::judge::{Durations, PointVerdict, judge};
use crate::permitted::permitted;
use crate::{
    AccessQuestion, Decision, Denial, DeterminingPolicy, Fault, GroupVerdict, Outcome, PassedOver, Terms,
};

/// How often the duration that is given may become shorter by being judged itself. Each time another policy has
/// to decide, so real tenants need one or two.
const MOST_PASSES: usize = 8;

/// How many durations are tried to find one that would not be denied: each costs as much as the decision did.
const MOST_CANDIDATES: usize = 8;

/// How many rules are evaluated at most in one pass over all resources: about a second's work. More is denied, before any
/// is: nobody can keep a processor busy by naming a thousand accounts to a thousand rules for everybody.
pub(crate) const MOST_RULES: usize = 1_000_000;

pub(crate) const TOO_MUCH: &str = "too many rules speak of too many accounts: ask for fewer accounts at once";

/// Decides. Total and fail-closed: what can't be evaluated is denied.
///
/// Where nobody asked for a duration, each policy judges by its own, and the shortest of those that decided is
/// given. What is given must stand by itself, so it is then judged as if it had been asked for. An emergency that asks for
/// longer than emergencies last is denied.
pub fn decide(policies: &CompiledPolicies, question: &AccessQuestion) -> Decision {
    let decision = match question.duration {
        None => settled(policies, question, None),
        asked => judged(policies, question, asked),
    };
    match given(&decision.outcome).map(|terms| terms.duration) {
        None => with_what_would_do(policies, question, decision),
        Some(given) if question.duration.is_none_or(|asked| asked == given) => decision,
        Some(given) => emergency_too_long(policies, question, decision, given),
    }
}

/// Judged anew, each time by what was given, until that stands by itself, or nothing is given.
fn settled(policies: &CompiledPolicies, question: &AccessQuestion, duration: Option<Seconds>) -> Decision {
    let mut duration = duration;
    for _ in 0..MOST_PASSES {
        let decision = judged(policies, question, duration);
        match given(&decision.outcome) {
            Some(terms) if Some(terms.duration) != duration => duration = Some(terms.duration),
            _ => return decision,
        }
    }
    unanswerable("the policies agree on no duration".to_owned())
}

/// The denial of an emergency that would be given `less` than was asked for.
fn emergency_too_long(
    policies: &CompiledPolicies,
    question: &AccessQuestion,
    decision: Decision,
    less: Seconds,
) -> Decision {
    let would_do = settled(policies, question, Some(less));
    let max_duration = given(&would_do.outcome).map(|terms| terms.duration);
    Decision {
        outcome: Outcome::Denied { denial: Denial::NotPermitted, max_duration },
        determining: Vec::new(),
        notices: Vec::new(),
        audit_session: false,
        ..decision
    }
}

fn given(outcome: &Outcome) -> Option<&Terms> {
    match outcome {
        Outcome::Approved { terms, .. } | Outcome::NeedsApproval { terms, .. } => Some(terms),
        Outcome::Denied { .. } => None,
    }
}

/// Whether access is given as an emergency: then its sessions are followed, whatever the rules say.
fn is_emergency(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Approved { mode: ApprovalMode::BreakGlass, .. })
}

/// One pass over all points.
fn judged(policies: &CompiledPolicies, question: &AccessQuestion, requested: Option<Seconds>) -> Decision {
    let durations = Durations { requested, longest: question.longest };
    let all = || -> Result<Vec<PointVerdict>, BoxError> {
        let entities: Entities = entities(question)?;
        let points = Point::all_of(question)?;
        let names: Vec<Names> =
            points.iter().map(|point| point.names(&entities)).collect::<Result<_, _>>()?;
        if names.iter().map(|names| policies.most_candidates(names)).sum::<usize>() > MOST_RULES {
            return Err(TOO_MUCH.into());
        }
        let all = points.iter().zip(&names);
        all.map(|(point, names)| judge(policies, point, names, &entities, durations)).collect()
    };
    match all() {
        Ok(verdicts) if !verdicts.is_empty() => merged(policies, question, durations, verdicts),
        Ok(_) => unanswerable("nothing is asked for".to_owned()),
        Err(problem) => unanswerable(problem.to_string()),
    }
}

fn unanswerable(message: String) -> Decision {
    Decision {
        outcome: denied(Denial::Unanswerable),
        determining: Vec::new(),
        notices: Vec::new(),
        audit_session: false,
        faults: vec![Fault { policy: None, rule: None, message }],
        trace: Vec::new(),
    }
}

pub(crate) const fn denied(denial: Denial) -> Outcome {
    Outcome::Denied { denial, max_duration: None }
}

/// Any denial denies; the strictest mode wins.
fn merged(
    policies: &CompiledPolicies,
    question: &AccessQuestion,
    durations: Durations,
    verdicts: Vec<PointVerdict>,
) -> Decision {
    let said = |what| verdicts.iter().any(|point| point.verdict == what);
    let deciding = if said(GroupVerdict::Forbids) {
        GroupVerdict::Forbids
    } else if said(GroupVerdict::Silent) {
        GroupVerdict::Silent
    } else {
        GroupVerdict::Permits
    };
    let outcome = match deciding {
        GroupVerdict::Forbids => denied(Denial::Forbidden),
        GroupVerdict::Silent => denied(Denial::NotPermitted),
        GroupVerdict::Permits => permitted(policies, question, durations, &verdicts),
    };
    let places: BTreeSet<Place> = match deciding {
        GroupVerdict::Silent => BTreeSet::new(),
        _ => verdicts
            .iter()
            .filter(|point| point.verdict == deciding)
            .flat_map(|point| point.by.clone())
            .collect(),
    };
    let effect = if deciding == GroupVerdict::Permits { Effect::Permit } else { Effect::Forbid };
    let mut faults: Vec<Fault> = Vec::new();
    for fault in verdicts.iter().flat_map(|point| &point.faults) {
        if !faults.contains(fault) {
            faults.push(fault.clone());
        }
    }
    let emergency = is_emergency(&outcome);
    Decision {
        outcome,
        determining: determining(policies, &places, effect),
        notices: notices(policies, &places),
        audit_session: effect == Effect::Permit
            && (emergency || places.iter().any(|place| policies.rule(*place).audit_session)),
        faults,
        trace: verdicts.into_iter().map(|point| point.trace).collect(),
    }
}

pub(crate) fn determining(
    policies: &CompiledPolicies,
    places: &BTreeSet<Place>,
    effect: Effect,
) -> Vec<DeterminingPolicy> {
    let mut found: BTreeMap<PolicyId, DeterminingPolicy> = BTreeMap::new();
    for place in places {
        let policy = policies.policy(place.policy);
        let entry = found.entry(place.policy).or_insert_with(|| DeterminingPolicy {
            policy: policy.id,
            version: policy.version,
            effect,
            rules: Vec::new(),
        });
        entry.rules.push(policies.rule(*place).id);
    }
    found.into_values().collect()
}

pub(crate) fn notices(policies: &CompiledPolicies, places: &BTreeSet<Place>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for notice in places.iter().filter_map(|place| policies.rule(*place).notice.as_ref()) {
        if !found.iter().any(|known| known == notice.as_str()) {
            found.push(notice.as_str().to_owned());
        }
    }
    found
}

/// Says which duration would not be denied, where permits were passed over for the duration alone and one of the longest
/// of their maxima does.
fn with_what_would_do(policies: &CompiledPolicies, question: &AccessQuestion, denial: Decision) -> Decision {
    let maxima: BTreeSet<Seconds> = denial
        .trace
        .iter()
        .flat_map(|point| &point.groups)
        .flat_map(|group| &group.passed_over)
        .filter_map(|passed| match passed {
            PassedOver::AboveMaximum { maximum, .. } => Some(*maximum),
            PassedOver::EmergencyOnly { .. } => None,
        })
        .collect();
    let given_for = |maximum: Seconds| {
        given(&settled(policies, question, Some(maximum)).outcome).map(|terms| terms.duration)
    };
    let would_do = maxima.into_iter().rev().take(MOST_CANDIDATES).find_map(given_for);
    match denial.outcome {
        Outcome::Denied { denial: why, .. } => {
            Decision { outcome: Outcome::Denied { denial: why, max_duration: would_do }, ..denial }
        }
        Outcome::Approved { .. } | Outcome::NeedsApproval { .. } => denial,
    }
}
