//! Many questions that differ in one side alone: who can get this, and what can somebody get?
//!
//! Rules that can match none of them are left out once, by the index and by partial evaluation; each question is then
//! decided by what is left, which decides as all rules do: what was left out is false without an error.

use std::sync::Arc;

use cedar_policy::EntityUid;
use curfew_domain::policy::Effect;

use crate::compile::{CompiledPolicies, ReadyRule};
use crate::entities::{
    BoxError, Point, entities, entities_of_person, entities_of_places, to_milliseconds, uid,
};
use crate::index::{Names, RuleIndex};
use crate::partial::{Known, Partial, Says};
use crate::{AccessQuestion, Decision, Target, decide};

/// So many rules are evaluated in part at most: each takes some hundredths of a millisecond. The others stay.
const MOST_EVALUATED: usize = 2_000;

/// A tenant's policies without the rules that can match none of many questions.
#[derive(Debug, Clone)]
pub struct Reach(CompiledPolicies);

impl Reach {
    /// For questions for one account that differ from this one in the person alone.
    pub fn of_people(policies: &CompiledPolicies, like: &AccessQuestion) -> Self {
        Self::without(policies, known_but_the_person(like), |index, names| {
            index.of_resource(names).cloned().collect()
        })
    }

    /// For questions for one account that differ from this one in the account, the permission set, and how old what is
    /// known of them is.
    pub fn of_places(policies: &CompiledPolicies, like: &AccessQuestion) -> Self {
        Self::without(policies, known_but_the_place(like), |index, names| {
            index.of_principal(names).cloned().collect()
        })
    }

    /// Whether some permit may match a question; if not, it is denied. The same of all permission sets.
    pub fn may_permit(&self, question: &AccessQuestion) -> bool {
        let permits = || -> Result<bool, BoxError> {
            let entities = entities(question)?;
            let points = Point::all_of(question)?;
            let names: Vec<Names> =
                points.iter().map(|point| point.names(&entities)).collect::<Result<_, _>>()?;
            Ok(names.iter().all(|names| self.0.permits_something(names)))
        };
        permits().unwrap_or(true)
    }

    /// Decides one of the questions, as [`decide`] does by all policies. Without the trace, which would not tell of the
    /// priorities whose rules were left out.
    pub fn decide(&self, question: &AccessQuestion) -> Decision {
        Decision { trace: Vec::new(), ..decide(&self.0, question) }
    }

    /// How many rules are left.
    pub fn rules(&self) -> usize {
        self.0.index().len()
    }

    /// All policies, where what is asked can't be known in part.
    fn without(
        policies: &CompiledPolicies,
        known: Result<(Partial, Names), BoxError>,
        candidates: impl Fn(&RuleIndex<ReadyRule>, &Names) -> Vec<Arc<ReadyRule>>,
    ) -> Self {
        let Ok((partial, names)) = known else { return Self(policies.clone()) };
        let mut index = RuleIndex::default();
        for (rule, number) in candidates(policies.index(), &names).into_iter().zip(0..) {
            if number >= MOST_EVALUATED || partial.says(&rule.cedar) != Says::Never {
                index.insert(rule);
            }
        }
        Self(policies.with_index(index))
    }
}

fn known_but_the_person(like: &AccessQuestion) -> Result<(Partial, Names), BoxError> {
    let target = the_account(like)?;
    let (point, names) = point_and_names(like)?;
    let entities = entities_of_places([&target.account], [&target.permission_set], &like.units)?;
    let context = circumstances(like).entity("account", "AwsAccount", target.account.id.as_str()).entity(
        "permission_set",
        "AwsPermissionSet",
        target.permission_set.arn.as_str(),
    );
    let account: EntityUid = uid("AwsAccount", target.account.id.as_str())?;
    Ok((Partial::new(None, point.action()?, Some(account), entities, context)?, names))
}

fn known_but_the_place(like: &AccessQuestion) -> Result<(Partial, Names), BoxError> {
    the_account(like)?;
    let (point, names) = point_and_names(like)?;
    let entities = entities_of_person(&like.person)?;
    let context = circumstances(like).resource_as("account");
    Ok((Partial::new(Some(point.principal()?), point.action()?, None, entities, context)?, names))
}

/// What is asked for, where that is one account.
fn the_account(question: &AccessQuestion) -> Result<&Target, BoxError> {
    match &question.targets[..] {
        [target] if question.named.is_none() => Ok(target),
        _ => Err("more than one account is asked for".into()),
    }
}

fn point_and_names(question: &AccessQuestion) -> Result<(Point<'_>, Names), BoxError> {
    let point = Point::all_of(question)?.into_iter().next().ok_or("nothing is asked for")?;
    let names = point.names(&entities(question)?)?;
    Ok((point, names))
}

/// What all the questions have in common in their contexts. The duration is none of it: each policy judges by its own.
fn circumstances(question: &AccessQuestion) -> Known {
    let moment = to_milliseconds(&question.requested_at.to_string());
    let known = Known::default()
        .flag("break_glass", question.break_glass)
        .made_by("requested_at", "datetime", &moment)
        .text("day_of_week", question.local.day_of_week.as_str())
        .number("hour", question.local.hour.into())
        .flag("mfa", question.mfa);
    let known = match &question.source_ip {
        Some(ip) => known.made_by("source_ip", "ip", &ip.to_string()),
        None => known.absent("source_ip"),
    };
    let known = match &question.reason {
        Some(reason) => known.text("reason", reason),
        None => known.absent("reason"),
    };
    match &question.ticket {
        Some(ticket) => known.text("ticket", ticket),
        None => known.absent("ticket"),
    }
}

impl CompiledPolicies {
    fn permits_something(&self, names: &Names) -> bool {
        self.index().candidates(names).any(|rule| self.rule(rule.place).effect == Effect::Permit)
    }
}
