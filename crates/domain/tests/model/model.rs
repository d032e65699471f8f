//! The model: what may happen next in a state, and what comes of it.

use curfew_domain::assignment::{CallKind, CallOutcome, Phase};
use curfew_domain::grant::GrantTimes;
use curfew_domain::{Seconds, Timestamp};
use stateright::{Model, Property};

use super::aws::{End, Maker};
use super::possible::{is_mishap, rests};
use super::promises;
use super::reconciler::{Fate, Who};
use super::rules::Rules;
use super::world::{Bounds, Process, State, World};

/// How long a lease lasts that is not renewed any more.
const LEASE_LASTS: Seconds = Seconds::of(15);

/// Stories of one assignment, by some rules and within some bounds.
#[derive(Debug, Clone)]
pub(crate) struct Stories<R> {
    pub(crate) rules: R,
    pub(crate) bounds: Bounds,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Action {
    /// Somebody is granted the access.
    Grant(Seconds),
    /// Somebody ends a grant.
    Revoke(usize),
    /// The owner reads the row, and writes what time did or decides what to do.
    Attend,
    /// The owner takes a list, which shows the assignment or not.
    Look {
        present: bool,
    },
    /// The same, to carry out a claim.
    LookToClaim {
        present: bool,
    },
    LookInVain,
    /// The owner asks AWS how a call goes, which has ended.
    Poll(CallKind, Timestamp, CallOutcome),
    PollInVain,
    /// AWS won't tell any more how the call goes.
    PollRefused(CallKind, Timestamp),
    /// A process carries out, in a transaction, what it has decided on.
    CarryOut(Who),
    /// A process sends the call that it has written down.
    Send(Who, Fate),
    /// A process does not, for its lease is about to end.
    DoNotSend(Who),
    /// A process writes down what it has heard.
    WriteBack(Who),
    Crash(Who),
    /// The owner is paused, right here.
    Pause,
    /// And goes on, before or after its last look at the lease.
    Resume {
        has_checked: bool,
    },
    /// A node takes the lease: the other one, or the one that was started again.
    TakeLease,
    /// AWS ends a change.
    End(usize, End),
    RemoveByHand,
    GiveByHand,
    /// Somebody wants what others have given to become Curfew's: to be removed, or to end with a grant.
    WantClaim,
    /// Until the next moment at which something turns.
    TimePasses(Timestamp),
}

impl<R: Rules> Model for Stories<R> {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let standing = (self.bounds.by_hand > 0).then_some(Some(Maker::Others));
        let anew = [None].into_iter().chain(standing).map(|has| World::new(&self.bounds, has));
        if self.bounds.after_gone {
            return vec![State(self.just_gone())];
        }
        anew.map(State).collect()
    }

    fn actions(&self, State(world): &State, actions: &mut Vec<Action>) {
        self.must(world, actions);
        self.chances(world, actions);
        self.lies(world, actions);
        if world.left.mishaps > 0 && !rests(world) {
            self.mishaps(world, actions);
        }
    }

    fn next_state(&self, State(world): &State, action: Action) -> Option<State> {
        let mut next = world.clone();
        if is_mishap(world, &action) {
            let is_lie =
                matches!(action, Action::Look { .. } | Action::LookToClaim { .. }) && next.left.lies > 0;
            let left = if is_lie { &mut next.left.lies } else { &mut next.left.mishaps };
            *left -= 1;
        }
        self.happens(&mut next, action);
        next.forget_inert(&self.rules);
        Some(State(next))
    }

    fn properties(&self) -> Vec<Property<Self>> {
        promises::within(&self.bounds)
    }
}

impl<R: Rules> Stories<R> {
    /// Where a story stands in which nothing went wrong, when its only grant's access is proved gone.
    fn just_gone(&self) -> World {
        let before = Bounds { grants: self.bounds.grants + 1, ..self.bounds };
        let mut world = World::new(&before, None);
        grant(&mut world, self.bounds.lasting[0]);
        while world.row.observed.phase() != Phase::Gone {
            let mut actions = Vec::new();
            self.must(&world, &mut actions);
            self.happens(&mut world, actions.swap_remove(0));
        }
        world
    }

    fn happens(&self, world: &mut World, action: Action) {
        match action {
            Action::Grant(lasting) => grant(world, lasting),
            Action::Revoke(nth) => revoke(world, nth),
            Action::Attend => world.attend(&self.rules),
            Action::Look { present } => world.look(present),
            Action::LookToClaim { present } => world.look_to_claim(present),
            Action::LookInVain => world.could_not(&self.rules, true),
            Action::Poll(kind, sent_at, outcome) => world.hear(kind, sent_at, outcome),
            Action::PollInVain => world.could_not(&self.rules, false),
            Action::PollRefused(kind, sent_at) => {
                world.hear(kind, sent_at, CallOutcome::Unknown { reason: String::new() });
            }
            Action::CarryOut(who) => world.carry_out(&self.rules, who),
            Action::Send(who, fate) => world.send(who, Some(fate)),
            Action::DoNotSend(who) => world.send(who, None),
            Action::WriteBack(who) => world.write_back(&self.rules, who),
            Action::Crash(who) => crash(world, who),
            Action::Pause => pause(world),
            Action::Resume { has_checked } => resume(world, has_checked),
            Action::TakeLease => take_lease(world),
            Action::End(nth, how) => {
                let taken_from = world.aws.end(nth, how, world.now);
                world.is_taken_from(taken_from);
                world.past.is_excused |= taken_from.is_some() && world.aws.changes[nth].late;
                world.aws_forgets();
                world.stir();
            }
            Action::RemoveByHand => {
                world.aws.becomes(None, world.now);
                world.past.is_excused = true;
                world.stir();
            }
            Action::GiveByHand => {
                world.left.given_by_hand -= 1;
                // Long enough before Curfew's next look for lists to show it.
                world.aws.has = Some(Maker::Others);
            }
            Action::WantClaim => {
                world.left.claims -= 1;
                let now = world.tick();
                world.row.claim_wanted = Some(now);
                world.touch_due(now);
            }
            Action::TimePasses(until) => {
                world.now = until;
                world.aws.lists_lag_until.take_if(|end| *end <= until);
            }
        }
    }
}

fn grant(world: &mut World, lasting: Seconds) {
    world.left.grants -= 1;
    let now = world.tick();
    let mut times = GrantTimes::decided(now, lasting);
    let mut due = now;
    if world.row.observed.phase() == Phase::Present {
        times = times.started(now).succeeded(now);
        due = times.ends_at();
    }
    world.row.grants.push(times);
    world.touch_due(due);
}

fn revoke(world: &mut World, nth: usize) {
    world.left.revocations -= 1;
    let now = world.tick();
    if let Ok(revoked) = world.row.grants[nth].revoked(now) {
        world.row.grants[nth] = revoked;
        world.touch_due(now);
    }
}

fn crash(world: &mut World, who: Who) {
    match who {
        Who::Owner => {
            world.owner = None;
            world.lease.until = Some(world.now + LEASE_LASTS);
        }
        Who::Former => world.former = None,
    }
    world.aws_forgets();
}

fn pause(world: &mut World) {
    let until = world.now + LEASE_LASTS;
    world.lease.until = Some(until);
    world.former = world.owner.take().map(|owner| Process { is_paused: true, until: Some(until), ..owner });
}

/// One whose lease has not run out goes on as if nothing had been.
fn resume(world: &mut World, has_checked: bool) {
    let Some(paused) = world.former.take() else { return };
    let in_time = paused.until.is_some_and(|until| world.now < until) && world.lease.fence == paused.fence;
    let process = Process { is_paused: false, has_checked, ..paused };
    if in_time {
        world.lease.until = None;
        world.owner = Some(Process { until: None, has_checked: false, ..process });
    } else {
        world.former = Some(process);
    }
}

fn take_lease(world: &mut World) {
    world.lease.fence += 1;
    world.lease.until = None;
    world.owner = Some(Process::new(world.lease.fence));
}
