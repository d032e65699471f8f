//! What a set of policies says to a request that names its duration, as terms. [`curfew_policy::decide`] says the same
//! of one request: priority groups, forbids, errors, modes and terms are what they are there.

use std::collections::HashMap;

use cedar_policy::Policy as CedarPolicy;
use cedar_policy_symcc::term::Term;
use cedar_policy_symcc::term_factory::{and, bvsle, implies, not, or, record_get};
use curfew_domain::policy::{Effect, PolicyTerms};
use curfew_domain::request::ApprovalMode;
use curfew_domain::{RuleId, Seconds};
use curfew_policy::{StandingGroup, StandingPolicy};

use crate::query::Query;
use crate::scene::{Scene, Terms};
use crate::{Why, text_of};

/// Rules as terms, each compiled once for all sets of policies that share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Compiled(HashMap<String, Terms>);

impl Compiled {
    /// Compiles these, and gives each a name.
    pub(crate) fn of(query: &mut Query, scene: &Scene, rules: &[&CedarPolicy]) -> Result<Self, Why> {
        let mut compiled = HashMap::new();
        for rule in rules {
            let terms = scene.terms(rule)?;
            let terms = Terms { matches: query.name(terms.matches), fails: query.name(terms.fails) };
            // The same rule may have another text in a draft.
            compiled.insert(text_of(rule), terms);
        }
        Ok(Self(compiled))
    }

    /// When its permits match; when it forbids is added to `forbids`.
    fn of_policy(
        &self,
        policy: &StandingPolicy<'_>,
        without: Option<RuleId>,
        forbids: &mut Vec<Term>,
    ) -> Result<Vec<Term>, Why> {
        let mut permits = Vec::new();
        for rule in policy.rules.iter().filter(|rule| Some(rule.id) != without) {
            // One that does not parse (any more) forbids.
            let Some(cedar) = rule.cedar else {
                forbids.push(true.into());
                continue;
            };
            let terms = self.terms(cedar)?.clone();
            forbids.push(terms.fails);
            match rule.effect {
                Effect::Permit => permits.push(terms.matches),
                Effect::Forbid => forbids.push(terms.matches),
            }
        }
        Ok(permits)
    }

    fn terms(&self, rule: &CedarPolicy) -> Result<&Terms, Why> {
        self.0.get(&text_of(rule)).ok_or_else(|| Why::Unsupported(format!("rule {} is not known", rule.id())))
    }
}

/// A policy, and when it is one of those that decide.
#[derive(Debug)]
struct Determining<'p> {
    terms: &'p PolicyTerms,
    decides: Term,
}

/// What a set of policies says.
#[derive(Debug)]
pub(crate) struct Outcome<'p> {
    determining: Vec<Determining<'p>>,
    /// Whether access is given for just the duration that was named.
    pub(crate) gives: Term,
    is_auto: Term,
    is_break_glass: Term,
    is_require: Term,
}

impl<'p> Outcome<'p> {
    /// What these policies say, in all requests of `scene`; `without` one of their rules, where it is told.
    pub(crate) fn of(
        query: &mut Query,
        compiled: &Compiled,
        scene: &Scene,
        groups: &[StandingGroup<'p>],
        without: Option<RuleId>,
    ) -> Result<Self, Why> {
        let (duration, emergency) = (context(scene, "duration_seconds"), context(scene, "break_glass"));
        let mut determining = Vec::new();
        let mut reached: Term = true.into();
        for group in groups {
            let (mut forbids, mut counting): (Vec<Term>, Vec<Determining<'p>>) = (Vec::new(), Vec::new());
            for policy in &group.policies {
                let permits = compiled.of_policy(policy, without, &mut forbids)?;
                let mut counts = and(any(permits), at_most(&duration, policy.terms.maximum));
                if policy.terms.mode == ApprovalMode::BreakGlass {
                    counts = and(counts, emergency.clone());
                }
                counting.push(Determining { terms: policy.terms, decides: query.name(counts) });
            }
            let forbids = query.name(any(forbids));
            let here = and(reached.clone(), not(forbids));
            let permits = any(counting.iter().map(|policy| policy.decides.clone()));
            reached = query.name(and(here.clone(), not(permits)));
            let here = query.name(here);
            for mut policy in counting {
                policy.decides = query.name(and(here.clone(), policy.decides));
                if policy.decides != false.into() {
                    determining.push(policy);
                }
            }
        }
        Ok(Self::by(query, determining, &duration, &emergency))
    }

    /// The strictest mode of those that decide, and whether what they give is what was asked for: an emergency's cap may
    /// make it less, and is then asked for again.
    fn by(query: &mut Query, determining: Vec<Determining<'p>>, duration: &Term, emergency: &Term) -> Self {
        let where_terms = |which: &dyn Fn(&PolicyTerms) -> bool| {
            any(determining.iter().filter(|one| which(one.terms)).map(|one| one.decides.clone()))
        };
        let permitted = where_terms(&|_| true);
        let passes = and(emergency.clone(), where_terms(&|terms| terms.allow_break_glass));
        let require = where_terms(&|terms| terms.mode == ApprovalMode::Require);
        let break_glass = where_terms(&|terms| terms.mode == ApprovalMode::BreakGlass);
        let is_break_glass = query.name(or(passes.clone(), and(not(require.clone()), break_glass)));
        let is_require = query.name(and(not(passes), require));
        let is_auto = and(not(is_break_glass.clone()), not(is_require.clone()));
        let caps = determining.iter().filter(|one| one.terms.allows_emergencies());
        let within = caps.filter_map(|one| {
            let cap = one.terms.break_glass_maximum?;
            Some(implies(one.decides.clone(), at_most(duration, cap)))
        });
        let within = all(within);
        let gives = and(permitted, implies(is_break_glass.clone(), within));
        Self {
            gives: query.name(gives),
            is_auto: query.name(is_auto),
            is_break_glass,
            is_require,
            determining,
        }
    }

    /// Whether access is given at once, without anybody's approval.
    pub(crate) fn gives_at_once(&self) -> Term {
        and(self.gives.clone(), not(self.is_require.clone()))
    }

    /// Whether this gives something that `wide` does not give, or on easier terms: what `curfew_policy::Shift` calls
    /// neither the same nor narrower.
    pub(crate) fn exceeds(&self, wide: &Outcome<'_>) -> Term {
        let strict_enough = or(
            wide.is_auto.clone(),
            or(and(wide.is_break_glass.clone(), not(self.is_auto.clone())), self.is_require.clone()),
        );
        // What is approved at once needs a person where what is known of AWS is old; an emergency never does.
        let also_when_old = not(and(wide.is_auto.clone(), self.is_break_glass.clone()));
        let all_approvals = implies(
            wide.is_require.clone(),
            self.covers(wide, asks_people, |one, other| asks_people(one) && is_implied(other, one)),
        );
        let no_longer = self.covers(wide, |_| true, |one, other| one.maximum <= other.maximum);
        let waits_no_longer = self.covers(
            wide,
            |other| other.approval_timeout.is_some(),
            |one, other| {
                one.approval_timeout
                    .is_some_and(|one| other.approval_timeout.is_none_or(|other| one <= other))
            },
        );
        let within = [strict_enough, also_when_old, all_approvals, no_longer, waits_no_longer];
        and(self.gives.clone(), not(and(wide.gives.clone(), all(within))))
    }

    /// Whether, for each of `wide`'s that decides and matters, one of these decides that is as strict.
    fn covers(
        &self,
        wide: &Outcome<'_>,
        matters: impl Fn(&PolicyTerms) -> bool,
        as_strict: impl Fn(&PolicyTerms, &PolicyTerms) -> bool,
    ) -> Term {
        all(wide.determining.iter().filter(|other| matters(other.terms)).map(|other| {
            let by = self.determining.iter().filter(|one| as_strict(one.terms, other.terms));
            implies(other.decides.clone(), any(by.map(|one| one.decides.clone())))
        }))
    }
}

fn asks_people(terms: &PolicyTerms) -> bool {
    terms.mode == ApprovalMode::Require
}

/// Whether whoever meets `other` has met `one` by that, as `curfew_policy::Shift` sees it.
fn is_implied(one: &PolicyTerms, other: &PolicyTerms) -> bool {
    let out_of_the_same = one.approver_groups.is_empty()
        || (!other.approver_groups.is_empty()
            && other.approver_groups.iter().all(|group| one.approver_groups.contains(group)));
    other.approvals_required.max(1) >= one.approvals_required.max(1) && out_of_the_same
}

/// A field of the context that is always there.
pub(crate) fn context(scene: &Scene, field: &str) -> Term {
    record_get(scene.symbols.request.context.clone(), &field.into())
}

fn at_most(duration: &Term, most: Seconds) -> Term {
    bvsle(duration.clone(), most.get().into())
}

/// Whether one of these is true.
pub(crate) fn any(terms: impl IntoIterator<Item = Term>) -> Term {
    balanced(terms.into_iter().collect(), &or, false)
}

fn all(terms: impl IntoIterator<Item = Term>) -> Term {
    balanced(terms.into_iter().collect(), &and, true)
}

/// Halves instead of a chain: what walks a term goes as deep as it is, and stacks have an end.
fn balanced(mut terms: Vec<Term>, join: &impl Fn(Term, Term) -> Term, of_none: bool) -> Term {
    match terms.len() {
        0 => of_none.into(),
        1 => terms.remove(0),
        many => {
            let rest = terms.split_off(many / 2);
            join(balanced(terms, join, of_none), balanced(rest, join, of_none))
        }
    }
}
