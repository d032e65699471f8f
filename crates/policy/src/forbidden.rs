//! What forbids an access, whatever permits it.

use std::collections::BTreeSet;

use curfew_domain::policy::Effect;

use crate::compile::{CompiledPolicies, Place};
use crate::decide::{MOST_RULES, TOO_MUCH, determining, notices};
use crate::entities::{BoxError, Point, entities};
use crate::index::Names;
use crate::judge::{Durations, forbids};
use crate::{AccessQuestion, DeterminingPolicy, Fault};

/// What forbids an access.
#[derive(Debug, Clone, PartialEq)]
pub struct Prohibition {
    /// The policies and rules that do, with their versions.
    pub determining: Vec<DeterminingPolicy>,
    /// The texts of those rules.
    pub notices: Vec<String>,
    /// What went wrong; each counts as a forbid.
    pub faults: Vec<Fault>,
}

/// What forbids an access that somebody gives by hand: any rule of any priority, in any account. It needs no permit, so
/// no priority stands above another's forbids. Total and fail-closed: what can't be evaluated forbids.
///
/// None where nothing does.
pub fn forbidden(policies: &CompiledPolicies, question: &AccessQuestion) -> Option<Prohibition> {
    match all_forbids(policies, question) {
        Ok((by, faults)) if by.is_empty() && faults.is_empty() => None,
        Ok((by, faults)) => Some(Prohibition {
            determining: determining(policies, &by, Effect::Forbid),
            notices: notices(policies, &by),
            faults,
        }),
        Err(problem) => Some(Prohibition {
            determining: Vec::new(),
            notices: Vec::new(),
            faults: vec![Fault { policy: None, rule: None, message: problem.to_string() }],
        }),
    }
}

fn all_forbids(
    policies: &CompiledPolicies,
    question: &AccessQuestion,
) -> Result<(BTreeSet<Place>, Vec<Fault>), BoxError> {
    let durations = Durations { requested: question.duration, longest: question.longest };
    let entities = entities(question)?;
    let points = Point::all_of(question)?;
    if points.is_empty() {
        return Err("nothing is given".into());
    }
    let names: Vec<Names> = points.iter().map(|point| point.names(&entities)).collect::<Result<_, _>>()?;
    if names.iter().map(|names| policies.most_candidates(names)).sum::<usize>() > MOST_RULES {
        return Err(TOO_MUCH.into());
    }
    let (mut by, mut faults): (BTreeSet<Place>, Vec<Fault>) = Default::default();
    for (point, names) in points.iter().zip(&names) {
        let (more, wrong) = forbids(policies, point, names, &entities, durations)?;
        by.extend(more);
        for fault in wrong {
            if !faults.contains(&fault) {
                faults.push(fault);
            }
        }
    }
    Ok((by, faults))
}
