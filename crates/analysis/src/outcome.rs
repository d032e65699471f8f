//! What a set of policies says to a request that names its duration, as terms. [`curfew_policy::decide`] says the same
//! of one request: priority groups, forbids, errors, modes and terms are what they are there.

use std::collections::HashMap;

use cedar_policy::Policy as CedarPolicy;
use cedar_policy_symcc::term::Term;
use cedar_policy_symcc::term_factory::{and, bvsle, implies, not, or, record_get};
use curfew_domain::policy::{Effect, PolicyTerms};
use curfew_domain::request::ApprovalMode;
use curfew_domain::{RuleId, Seconds};
use curfew_policy::{StandingGroup, StandingPolicy, StandingRule};

use crate::brought::Brought;
use crate::many::{all, any};
use crate::query::Query;
use crate::scene::{Scene, Terms};
use crate::spoken::Spoken;
use crate::{Known, Why, text_of};

/// Rules as terms, each compiled once for all sets of policies that share it.
#[derive(Debug, Clone)]
pub(crate) struct Compiled {
    rules: HashMap<String, Terms>,
    speak_of_duration: bool,
}

impl Compiled {
    /// Compiles these, and gives each a name.
    pub(crate) fn of(
        known: &Known<'_>,
        query: &mut Query,
        scene: &Scene,
        spoken: &Spoken,
        rules: &[&CedarPolicy],
    ) -> Result<Self, Why> {
        let mut compiled = HashMap::new();
        for rule in rules {
            known.in_time()?;
            let terms = scene.terms(rule)?;
            let terms = Terms { matches: query.name(terms.matches), fails: query.name(terms.fails) };
            // The same rule may have another text in a draft.
            compiled.insert(text_of(rule), terms);
        }
        let speak_of_duration = spoken.attributes.contains("duration_seconds");
        Ok(Self { rules: compiled, speak_of_duration })
    }

    /// When its rules match, and when they can't be evaluated.
    fn of_policy<'p>(
        &self,
        policy: &StandingPolicy<'p>,
        without: Option<RuleId>,
    ) -> Result<Vec<(StandingRule<'p>, Terms)>, Why> {
        let rules = policy.rules.iter().filter(|rule| Some(rule.id) != without);
        let with_terms = |rule: &StandingRule<'p>| match rule.cedar {
            Some(cedar) => Ok((*rule, self.terms(cedar)?.clone())),
            // One that does not parse (any more) forbids.
            None => Ok((*rule, Terms { matches: false.into(), fails: true.into() })),
        };
        rules.map(with_terms).collect()
    }

    fn terms(&self, rule: &CedarPolicy) -> Result<&Terms, Why> {
        self.rules
            .get(&text_of(rule))
            .ok_or_else(|| Why::Unsupported(format!("rule {} is not known", rule.id())))
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
    brought: Brought<'p>,
    duration: Term,
    speaks_of_duration: bool,
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
        let (mut determining, mut brought) = (Vec::new(), Brought::default());
        let mut reached: Term = true.into();
        for group in groups {
            let (mut forbids, mut counting, mut all) = (Vec::new(), Vec::new(), Vec::new());
            for policy in &group.policies {
                let rules = compiled.of_policy(policy, without)?;
                let mut within = at_most(&duration, policy.terms.maximum);
                if policy.terms.mode == ApprovalMode::BreakGlass {
                    within = and(within, emergency.clone());
                }
                let permits = rules.iter().filter(|(rule, _)| rule.effect == Effect::Permit);
                let counts = and(any(permits.map(|(_, terms)| terms.matches.clone())), within.clone());
                forbids.extend(rules.iter().map(|(rule, terms)| forbids_by(rule, terms)));
                counting.push(Determining { terms: policy.terms, decides: query.name(counts) });
                all.extend(rules.into_iter().map(|(rule, terms)| (rule, terms, within.clone())));
            }
            let forbids = query.name(any(forbids));
            let here = query.name(and(reached.clone(), not(forbids)));
            let permits = any(counting.iter().map(|policy| policy.decides.clone()));
            for (rule, terms, within) in all {
                let forbids = and(reached.clone(), forbids_by(&rule, &terms));
                brought.take(query, &rule, false, forbids);
                if rule.effect == Effect::Permit {
                    brought.take(query, &rule, true, and(here.clone(), and(terms.matches, within)));
                }
            }
            reached = query.name(and(here.clone(), not(permits)));
            for mut policy in counting {
                policy.decides = query.name(and(here.clone(), policy.decides));
                if policy.decides != false.into() {
                    determining.push(policy);
                }
            }
        }
        Ok(Self {
            brought,
            speaks_of_duration: compiled.speak_of_duration,
            ..Self::by(query, determining, &duration, &emergency)
        })
    }

    /// The strictest mode of those that decide, and whether what they give is what was asked for: an emergency that is
    /// longer than emergencies last is denied.
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
            brought: Brought::default(),
            duration: duration.clone(),
            speaks_of_duration: true,
        }
    }

    /// Whether access is given at once, without anybody's approval.
    pub(crate) fn gives_at_once(&self) -> Term {
        and(self.gives.clone(), not(self.is_require.clone()))
    }

    /// Whether this gives something that `wide` does not give, or on easier terms (what `curfew_policy::Shift` calls
    /// neither the same nor narrower), or longer where no duration is named, or no longer follows sessions.
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
        let usually_no_longer = implies(
            self.all_maxima_count(wide),
            self.covers(wide, |_| true, |one, other| one.usual_duration() <= other.usual_duration()),
        );
        let follows = implies(wide.follows(), self.follows());
        let within = [
            strict_enough,
            also_when_old,
            all_approvals,
            no_longer,
            usually_no_longer,
            waits_no_longer,
            follows,
        ];
        and(self.gives.clone(), not(and(wide.gives.clone(), all(within))))
    }

    /// Whether the sessions of what is given are followed: an emergency's always are.
    fn follows(&self) -> Term {
        or(self.is_break_glass.clone(), self.brought.follows())
    }

    /// Whether somebody is told something else than by the other.
    pub(crate) fn tells_other_than(&self, other: &Outcome<'_>) -> Term {
        self.brought.tells_other_than(&other.brought)
    }

    /// Whether the duration is one for which all policies count that match, as they do where none is named and each
    /// judges by its own. Always, where rules look at the duration: then nothing says which are the same.
    fn all_maxima_count(&self, other: &Outcome<'_>) -> Term {
        let all = self.determining.iter().chain(&other.determining);
        match all.map(|one| one.terms.maximum).min() {
            Some(smallest) if !self.speaks_of_duration => at_most(&self.duration, smallest),
            _ => true.into(),
        }
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

/// When a rule forbids: one that can't be evaluated does too, whatever its effect is.
fn forbids_by(rule: &StandingRule<'_>, terms: &Terms) -> Term {
    match rule.effect {
        Effect::Permit => terms.fails.clone(),
        Effect::Forbid => or(terms.matches.clone(), terms.fails.clone()),
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
