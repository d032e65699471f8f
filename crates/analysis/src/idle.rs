//! Which rules never matter.

use cedar_policy::Policy as CedarPolicy;
use cedar_policy_symcc::term_factory::or;
use curfew_domain::{Action, PolicyId, ResourceType, RuleId};
use curfew_policy::{CompiledPolicies, StandingGroup};

use crate::extent::named_within_bounds;
use crate::outcome::Outcome;
use crate::query::{Query, Settled};
use crate::scene::Scene;
use crate::spoken::Spoken;
use crate::stage::Stage;
use crate::world::World;
use crate::{Known, Why, longest_of, rules_of};

/// A rule that never matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdleRule {
    /// Of which policy.
    pub policy: PolicyId,
    /// Which.
    pub rule: RuleId,
    /// In what way.
    pub how: Idleness,
}

/// In what way a rule never matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Idleness {
    /// It matches nothing that could be asked for.
    Impossible,
    /// It matches, and what is decided would be the same without it, notices and whether sessions are followed included:
    /// others forbid what it permits, or give as much.
    Shadowed,
}

/// A rule of which it could not be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UntoldRule {
    /// Of which policy.
    pub policy: PolicyId,
    /// Which.
    pub rule: RuleId,
    /// Why.
    pub why: Why,
}

/// What is told of rules.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IdleRules {
    /// Those that never matter, each by itself: of two that say the same each is shadowed, until one is taken away.
    pub idle: Vec<IdleRule>,
    /// Those of which it could not be told.
    pub untold: Vec<UntoldRule>,
    /// How many matter.
    pub matter: usize,
}

/// Which rules never matter: those of one policy, or all.
pub async fn idle_rules(
    known: Known<'_>,
    policies: &CompiledPolicies,
    of: Option<PolicyId>,
) -> Result<IdleRules, Why> {
    let standing = policies.standing();
    let sought = standing.iter().flat_map(|group| &group.policies);
    let sought: Vec<(PolicyId, RuleId)> = sought
        .filter(|policy| of.is_none_or(|of| of == policy.id))
        .flat_map(|policy| {
            // One that does not parse forbids: it always matters.
            let readable = policy.rules.iter().filter(|rule| rule.cedar.is_some());
            readable.map(|rule| (policy.id, rule.id))
        })
        .collect();
    let mut asking = Asking::of(known, &standing)?;
    let mut told = IdleRules::default();
    for (policy, rule) in sought {
        let idleness = match known.in_time() {
            Ok(()) => asking.idleness(rule).await,
            Err(why) => Err(why),
        };
        match idleness {
            Ok(None) => told.matter += 1,
            Ok(Some(how)) => told.idle.push(IdleRule { policy, rule, how }),
            Err(why) => told.untold.push(UntoldRule { policy, rule, why }),
        }
    }
    Ok(told)
}

/// What stays the same from rule to rule.
struct Asking<'a> {
    known: Known<'a>,
    standing: &'a [StandingGroup<'a>],
    rules: Vec<&'a CedarPolicy>,
    spoken: Spoken,
    /// Each kind of request, set up when a rule first fits it.
    scenes: Vec<(Scene, Option<Stage>)>,
}

impl<'a> Asking<'a> {
    fn of(known: Known<'a>, standing: &'a [StandingGroup<'a>]) -> Result<Self, Why> {
        let known = Known { longest: longest_of(&[standing]), ..known };
        let rules = rules_of(&[standing])?;
        let spoken = named_within_bounds(&rules)?;
        // A rule may speak of what is named beside an account: a unit, a bucket.
        let kinds = ResourceType::ALL.into_iter();
        let kinds = kinds.flat_map(|kind| Action::ALL.into_iter().map(move |action| (action, kind)));
        let scenes = kinds.map(|(action, kind)| Ok((Scene::of(action, kind)?, None)));
        Ok(Self { known, standing, rules, spoken, scenes: scenes.collect::<Result<_, Why>>()? })
    }

    /// None where the rule matters.
    async fn idleness(&mut self, rule: RuleId) -> Result<Option<Idleness>, Why> {
        let of_policies = self.standing.iter().flat_map(|group| &group.policies);
        let mut cedar = of_policies.flat_map(|policy| &policy.rules).filter(|known| known.id == rule);
        let Some(cedar) = cedar.next().and_then(|rule| rule.cedar) else { return Ok(None) };
        let (mut settled, mut fitting) = (Settled::default(), Vec::new());
        for (number, (scene, _)) in self.scenes.iter().enumerate() {
            self.known.in_time()?;
            let terms = scene.terms(cedar)?;
            let speaks = or(terms.matches, terms.fails);
            if speaks != false.into() {
                fitting.push((number, speaks));
            }
        }
        for (number, _) in &fitting {
            if self.makes_a_difference(*number, rule, &mut settled).await? {
                return Ok(None);
            }
        }
        for (number, speaks) in fitting {
            let mut query = self.stage(number)?.query;
            query.assert(speaks);
            if self.can_be(query, number, &mut settled).await? {
                return Ok(Some(Idleness::Shadowed));
            }
        }
        Ok(Some(Idleness::Impossible))
    }

    async fn makes_a_difference(
        &mut self,
        number: usize,
        rule: RuleId,
        settled: &mut Settled,
    ) -> Result<bool, Why> {
        let Stage { mut query, rules } = self.stage(number)?;
        let (scene, _) = &self.scenes[number];
        let with = Outcome::of(&mut query, &rules, scene, self.standing, None)?;
        let without = Outcome::of(&mut query, &rules, scene, self.standing, Some(rule))?;
        let gives_other = or(with.exceeds(&without), without.exceeds(&with));
        query.assert(or(gives_other, with.tells_other_than(&without)));
        self.can_be(query, number, settled).await
    }

    fn stage(&mut self, number: usize) -> Result<Stage, Why> {
        let (scene, stage) = &mut self.scenes[number];
        if let Some(stage) = stage {
            return Ok(stage.clone());
        }
        let world = World::of(scene, &self.spoken, self.known.longest)?;
        let new = Stage::of(&self.known, scene, &world, &self.spoken, &self.rules)?;
        Ok(stage.insert(new).clone())
    }

    async fn can_be(&self, query: Query, number: usize, settled: &mut Settled) -> Result<bool, Why> {
        let (solver, end) = (self.known.solver, self.known.end);
        Ok(query.ask(&self.scenes[number].0, settled, solver, end).await?.is_some())
    }
}
