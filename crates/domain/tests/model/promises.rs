//! What holds in every state, and what every story comes to.

use std::collections::BTreeSet;

use curfew_domain::assignment::{CallKind, Desired, Phase, Step, desired};
use curfew_domain::grant::START_WITHIN;
use stateright::Property;

use super::aws::{Maker, Order};
use super::model::Stories;
use super::rules::Rules;
use super::world::{Bounds, Process, State, World};

/// Promises that were broken by what happened once, and can't be seen in a state.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Broken(BTreeSet<&'static str>);

impl Broken {
    /// Notes that `promise` is broken, where it is.
    pub(crate) fn note(&mut self, promise: &'static str, is_broken: bool) {
        if is_broken {
            self.0.insert(promise);
        }
    }

    fn lacks(&self, promise: &str) -> bool {
        !self.0.contains(promise)
    }
}

pub(crate) const GONE_IS_GONE: &str = "what is held to be over is not in AWS, and does not come";
pub(crate) const NEEDED_IS_THERE: &str = "what a grant is said to have is there once nothing is under way";
pub(crate) const NEEDED_IS_NOT_DELETED: &str = "no deletion is written down of what a live grant needs";
pub(crate) const STANDING_STAYS: &str = "standing access is never deleted";
pub(crate) const CREATED_FOR_SOMEBODY: &str = "no creation is written down that no live grant needs";
pub(crate) const CREATED_BY_OWNER: &str = "no creation is sent by who knows that its lease is over";
pub(crate) const WRITTEN_BY_OWNER: &str = "no former owner writes over what a later one wrote";
pub(crate) const NOTHING_OVERLOOKED: &str = "what has to be done is due";
pub(crate) const ENDS_WELL: &str = "every story that can't go on has ended well: AWS has nothing of Curfew's";

/// What must hold within `bounds`, and what must be seen there at least once, for a model that comes to nothing that is
/// hard proves nothing.
pub(crate) fn within<R: Rules>(bounds: &Bounds) -> Vec<Property<Stories<R>>> {
    let mut properties = promises();
    properties
        .extend(examples().into_iter().filter(|(can_be, _)| can_be(bounds)).map(|(_, example)| example));
    properties
}

fn promises<R: Rules>() -> Vec<Property<Stories<R>>> {
    vec![
        Property::always(GONE_IS_GONE, |_, State(world)| gone_is_gone(world)),
        Property::always(NEEDED_IS_THERE, |model, State(world)| {
            model.bounds.order == Order::Any || needed_is_there(world)
        }),
        Property::always(NEEDED_IS_NOT_DELETED, |_, State(world)| world.broken.lacks(NEEDED_IS_NOT_DELETED)),
        Property::always(STANDING_STAYS, |_, State(world)| world.broken.lacks(STANDING_STAYS)),
        Property::always(CREATED_FOR_SOMEBODY, |_, State(world)| world.broken.lacks(CREATED_FOR_SOMEBODY)),
        Property::always(CREATED_BY_OWNER, |_, State(world)| world.broken.lacks(CREATED_BY_OWNER)),
        Property::always(WRITTEN_BY_OWNER, |_, State(world)| world.broken.lacks(WRITTEN_BY_OWNER)),
        Property::always(NOTHING_OVERLOOKED, nothing_is_overlooked),
        Property::always(ENDS_WELL, ends_well),
    ]
}

/// Whether something can be seen within some bounds.
type CanBe = fn(&Bounds) -> bool;

fn examples<R: Rules>() -> Vec<(CanBe, Property<Stories<R>>)> {
    let with_mishaps: CanBe = |bounds| bounds.mishaps > 0;
    vec![
        (
            |_| true,
            Property::sometimes("a story comes to its end", |_, State(world)| {
                world.row.due.is_none() && !world.row.grants.is_empty()
            }),
        ),
        (
            |bounds| bounds.grants > 1,
            Property::sometimes("two live grants share the assignment", |_, State(world)| live(world) > 1),
        ),
        (
            |bounds| bounds.by_hand > 0,
            Property::sometimes("a grant finds standing access", |_, State(world)| {
                live(world) > 0 && world.row.observed.phase() == Phase::Standing
            }),
        ),
        (
            |bounds| bounds.claims > 0,
            Property::sometimes("what others gave ends with a grant", |_, State(world)| {
                let is_there = world.row.observed.phase() == Phase::Present && world.aws.has.is_some();
                world.past.claimed > 0 && is_there && live(world) > 0
            }),
        ),
        (
            |bounds| bounds.claims > 0,
            Property::sometimes("what others gave is taken back and proved gone", |_, State(world)| {
                world.past.claimed > 0 && world.row.observed.phase() == Phase::Gone && world.aws.has.is_none()
            }),
        ),
        (
            |bounds| bounds.mishaps > 0 && bounds.lasting.iter().any(|lasting| *lasting > START_WITHIN),
            Property::sometimes("a grant misses its start", |_, State(world)| {
                world
                    .row
                    .grants
                    .iter()
                    .any(|grant| grant.missed_its_start(world.now) && grant.is_live(world.now))
            }),
        ),
        (
            with_mishaps,
            Property::sometimes(
                "a deletion is under way while a creation may still land",
                |_, State(world)| world.row.observed.phase() == Phase::Deleting && gets_it_yet(world),
            ),
        ),
        (
            with_mishaps,
            Property::sometimes("a call that was sent late lands after Gone", |_, State(world)| {
                world.aws.has == Some(Maker::Curfew { late: true })
                    && world.row.observed.phase() == Phase::Gone
            }),
        ),
        (
            with_mishaps,
            Property::sometimes("and is taken back", |_, State(world)| {
                world.past.came_back && world.row.observed.phase() == Phase::Gone && world.aws.has.is_none()
            }),
        ),
        (
            with_mishaps,
            Property::sometimes("another node goes on where one was paused", |_, State(world)| {
                world.former.is_some() && world.owner.as_ref().is_some_and(|owner| !owner.is_idle())
            }),
        ),
    ]
}

fn gets_it_yet(world: &World) -> bool {
    world.aws.changes.iter().any(|change| change.kind == CallKind::Create && change.is_working())
}

fn live(world: &World) -> usize {
    world.row.grants.iter().filter(|grant| grant.is_live(world.now)).count()
}

fn is_over(phase: Phase) -> bool {
    matches!(phase, Phase::Unseen | Phase::Gone | Phase::Standing)
}

/// A person whose grants have ended reads `revoked` then.
fn gone_is_gone(world: &World) -> bool {
    let needed = desired(&world.row.grants, world.now) != Desired::Absent;
    needed || !is_over(world.row.observed.phase()) || !world.aws.may_have_curfews()
}

fn needed_is_there(world: &World) -> bool {
    let phase = world.row.observed.phase();
    let settled = is_idle(world) && !world.aws.works() && matches!(phase, Phase::Present | Phase::Standing);
    world.past.is_excused || live(world) == 0 || !settled || world.aws.has.is_some()
}

/// Nothing is begun, and nothing is due.
fn is_idle(world: &World) -> bool {
    let owner = world.owner.as_ref().is_some_and(Process::is_idle);
    owner && world.former.is_none() && world.row.due.is_none_or(|due| due > world.now)
}

/// But for looks and tries that would bring nothing new, as the reconciler comes back later for them here.
fn nothing_is_overlooked<R: Rules>(model: &Stories<R>, State(world): &State) -> bool {
    if !is_idle(world) {
        return true;
    }
    if world.row.claim_wanted.is_some() {
        return false;
    }
    match world.step(&model.rules, world.now) {
        Step::Create | Step::Delete => world.aws.is_busy(),
        Step::GiveUp | Step::ConcludeGone | Step::EndEpisode => false,
        Step::Look => world.row.observed.baseline.is_some(),
        Step::Poll { .. } | Step::WaitUntil(_) | Step::Done => true,
    }
}

/// Every action takes something that there is so much of, or leads to a later moment: so stories are finite, and what
/// holds of all that can't go on is what each comes to.
fn ends_well<R: Rules>(model: &Stories<R>, State(world): &State) -> bool {
    let mut must = Vec::new();
    model.must(world, &mut must);
    if !must.is_empty() {
        return true;
    }
    live(world) == 0
        && !matches!(world.aws.has, Some(Maker::Curfew { .. }))
        && is_over(world.row.observed.phase())
        && world.row.observed.baseline.is_none()
        && world.row.due.is_none()
        && world.row.claim_wanted.is_none()
}
