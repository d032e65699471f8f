//! Why one rule matches a request, or does not.

use std::ops::Range;
use std::str::FromStr;

use cedar_policy::{
    Entities, EntityUid, EvalResult, Expression, Policy as CedarPolicy, Request, eval_expression,
};
use curfew_domain::RuleId;
use curfew_domain::policy::{Effect, PolicyRule};

use super::anatomy::{Anatomy, Clause, ClauseKind, alternatives};
use super::scope::RuleScope;
use super::values::{ancestors, seen};
use super::written::{Written, capped};
use super::{Alternative, Failure, Part, Seen};
use crate::shape::effect;

/// So many alternatives of one condition are told apart.
const MOST_ALTERNATIVES: usize = 20;

/// The longest message of Cedar's that is passed on, in characters.
const LONGEST_MESSAGE: usize = 500;

/// A rule that can be explained.
#[derive(Debug)]
pub(super) struct RuleText {
    pub(super) id: RuleId,
    /// What is evaluated.
    resolved: String,
    /// What was written, where that is something else.
    written: Option<String>,
    effect: Effect,
    scope: Result<RuleScope, String>,
}

/// What a rule alone says to a request.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Answer {
    Matches,
    Fails(Failure),
    /// It can't be evaluated, for this reason: so it forbids.
    Errs(String, Failure),
}

impl RuleText {
    /// Of a rule; `known` is what it was read as already.
    pub(super) fn of(rule: &PolicyRule, known: Option<&CedarPolicy>) -> Self {
        let (effect, scope) = match known {
            Some(cedar) => (effect(cedar), Ok(RuleScope::of(cedar))),
            None => match CedarPolicy::parse(None, &rule.resolved) {
                Ok(cedar) => (effect(&cedar), Ok(RuleScope::of(&cedar))),
                Err(problem) => (Effect::Forbid, Err(message(&problem))),
            },
        };
        Self {
            id: rule.id,
            effect,
            scope,
            resolved: rule.resolved.clone(),
            written: (rule.text != rule.resolved).then(|| rule.text.clone()),
        }
    }

    /// Whether it says what `rule` says.
    pub(super) fn is(&self, rule: &PolicyRule) -> bool {
        self.resolved == rule.resolved && self.written() == rule.text
    }

    /// Whether it gives or takes. What can't be read takes.
    pub(super) const fn effect(&self) -> Effect {
        self.effect
    }

    /// Which part of its scope does not fit.
    fn misfit(&self, request: &Request, entities: &Entities) -> Option<Part> {
        self.scope.as_ref().ok()?.misfit(request, entities)
    }

    fn written(&self) -> &str {
        self.written.as_deref().unwrap_or(&self.resolved)
    }
}

/// A rule that is cut up, to be explained for any number of requests.
#[derive(Debug)]
pub(super) struct Dissected<'r> {
    rule: &'r RuleText,
    shown: Written<'r>,
    scope: [Range<usize>; 3],
    clauses: Vec<(Clause, Vec<Condition>)>,
    /// Why it can't be evaluated at all.
    broken: Option<String>,
}

/// One conjunct of a clause.
#[derive(Debug)]
struct Condition {
    place: Range<usize>,
    expression: Result<Expression, String>,
}

impl<'r> Dissected<'r> {
    pub(super) fn of(rule: &'r RuleText) -> Self {
        let anatomy = Anatomy::of(&rule.resolved);
        let broken = match (&rule.scope, &anatomy) {
            (Err(problem), _) => Some(problem.clone()),
            (Ok(_), None) => Some("its conditions can't be told apart".to_owned()),
            (Ok(_), Some(_)) => None,
        };
        let (scope, clauses) = anatomy.map_or_else(Default::default, |found| (found.scope, found.clauses));
        let read = |clause: Clause| {
            let conditions = clause.conjuncts.iter().map(|place| Condition::of(&rule.resolved, place));
            let conditions = conditions.collect();
            (clause, conditions)
        };
        let clauses = clauses.into_iter().map(read).collect();
        Self { rule, shown: Written::of(&rule.resolved, rule.written()), scope, clauses, broken }
    }

    /// What it says to `request`, by the order in which Cedar asks: the scope, then clause after clause.
    pub(super) fn answer(&self, request: &Request, entities: &Entities) -> Answer {
        if let Some(problem) = &self.broken {
            return Answer::Errs(problem.clone(), Failure::of_whole_rule());
        }
        if let Some(part) = self.rule.misfit(request, entities) {
            return Answer::Fails(self.out_of_scope(part, request, entities));
        }
        let mut met = 0;
        for (clause, conditions) in &self.clauses {
            let stopped = match clause.kind {
                ClauseKind::When => self.when(clause, conditions, request, entities, &mut met),
                ClauseKind::Unless => self.unless(clause, conditions, request, entities, &mut met),
            };
            if let Some(answer) = stopped {
                return answer;
            }
        }
        Answer::Matches
    }

    /// What stands in the way of a `when`: its first conjunct that is not true.
    fn when(
        &self,
        clause: &Clause,
        conditions: &[Condition],
        request: &Request,
        entities: &Entities,
        met: &mut usize,
    ) -> Option<Answer> {
        for condition in conditions {
            let failure = || self.failure(clause.kind, &condition.place, *met, request, entities);
            match condition.holds(request, entities) {
                Ok(true) => *met += 1,
                Ok(false) => return Some(Answer::Fails(failure())),
                Err(problem) => return Some(Answer::Errs(problem, failure())),
            }
        }
        None
    }

    /// What stands in the way of an `unless`: all of it, where all of it is true.
    fn unless(
        &self,
        clause: &Clause,
        conditions: &[Condition],
        request: &Request,
        entities: &Entities,
        met: &mut usize,
    ) -> Option<Answer> {
        for condition in conditions {
            match condition.holds(request, entities) {
                Ok(true) => {}
                Ok(false) => {
                    *met += 1;
                    return None;
                }
                Err(problem) => {
                    let failure = self.failure(clause.kind, &condition.place, *met, request, entities);
                    return Some(Answer::Errs(problem, failure));
                }
            }
        }
        let whole = match conditions {
            [only] => &only.place,
            _ => &clause.body,
        };
        Some(Answer::Fails(self.failure(clause.kind, whole, *met, request, entities)))
    }

    fn failure(
        &self,
        kind: ClauseKind,
        place: &Range<usize>,
        met_before: usize,
        request: &Request,
        entities: &Entities,
    ) -> Failure {
        let source = &self.rule.resolved[place.clone()];
        let alternative = |within: Range<usize>| {
            let place = place.start + within.start..place.start + within.end;
            let told = Condition::of(&self.rule.resolved, &place).holds(request, entities);
            let excerpt = self.shown.excerpt(&place);
            Alternative { text: excerpt.text, holds: told.as_ref().ok().copied(), problem: told.err() }
        };
        let choices = alternatives(source).into_iter().take(MOST_ALTERNATIVES);
        Failure {
            part: kind.part(),
            excerpt: Some(self.shown.excerpt(place)),
            met_before,
            alternatives: choices.map(alternative).collect(),
            values: seen(source, request, entities),
        }
    }

    fn out_of_scope(&self, part: Part, request: &Request, entities: &Entities) -> Failure {
        let (place, path, uid) = match part {
            Part::Action => (&self.scope[1], "action", request.action()),
            Part::Resource => (&self.scope[2], "resource", request.resource()),
            _ => (&self.scope[0], "principal", request.principal()),
        };
        let value = |uid: &EntityUid| Seen {
            path: path.to_owned(),
            value: Some(super::values::shown(&EvalResult::EntityUid(uid.clone()), 1)),
            lies_in: ancestors(uid, entities),
        };
        Failure {
            part,
            excerpt: Some(self.shown.excerpt(place)),
            met_before: 0,
            alternatives: Vec::new(),
            values: uid.map(value).into_iter().collect(),
        }
    }
}

impl Condition {
    fn of(rule: &str, place: &Range<usize>) -> Self {
        let parsed = Expression::from_str(&rule[place.clone()]);
        Self { place: place.clone(), expression: parsed.map_err(|problem| message(&problem)) }
    }

    /// Whether it is true; else why it is neither true nor false.
    fn holds(&self, request: &Request, entities: &Entities) -> Result<bool, String> {
        let expression = self.expression.as_ref().map_err(Clone::clone)?;
        match eval_expression(request, entities, expression) {
            Ok(EvalResult::Bool(value)) => Ok(value),
            Ok(other) => Err(capped(&format!("{other} is neither true nor false"), LONGEST_MESSAGE)),
            Err(problem) => Err(message(&problem)),
        }
    }
}

fn message(problem: &impl ToString) -> String {
    capped(&problem.to_string(), LONGEST_MESSAGE)
}
