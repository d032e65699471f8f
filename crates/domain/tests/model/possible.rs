//! What may happen next: what must, sooner or later; what people may do; and what may go wrong.

use curfew_domain::Timestamp;
use curfew_domain::assignment::Step;

use super::aws::{End, Maker};
use super::model::{Action, Stories};
use super::reconciler::{Fate, Who};
use super::rules::Rules;
use super::time::{instant_after, jump};
use super::world::{Doing, Process, World};

impl<R: Rules> Stories<R> {
    /// What goes its way, sooner or later, by itself.
    pub(crate) fn must(&self, world: &World, actions: &mut Vec<Action>) {
        if let Some(owner) = &world.owner {
            if !owner.is_idle() {
                self.goes_on(world, Who::Owner, owner, actions);
            } else if world.row.due.is_some_and(|due| due <= world.now) {
                actions.push(self.attends(world));
            }
        } else if world.former.is_none() || world.lease.until.is_none_or(|until| until <= world.now) {
            actions.push(Action::TakeLease);
        }
        match &world.former {
            Some(paused) if paused.is_paused => resumptions(paused, actions),
            Some(former) => self.goes_on(world, Who::Former, former, actions),
            None => {}
        }
        if aws_matters(world) {
            let working = world.aws.changes.iter().enumerate().filter(|(_, change)| change.is_working());
            actions.extend(working.map(|(nth, _)| Action::End(nth, End::Done)));
        }
        actions.extend(time_passes_until(world).map(Action::TimePasses));
    }

    /// What the owner does about a row that is due.
    fn attends(&self, world: &World) -> Action {
        let now = instant_after(world.now);
        if world.is_noteworthy(now) {
            return Action::Attend;
        }
        if world.row.claim_wanted.is_some() {
            return Action::LookToClaim { present: world.aws.has.is_some() };
        }
        match world.step(&self.rules, now) {
            Step::Look => Action::Look { present: world.aws.has.is_some() },
            Step::Poll { kind, sent_at, aws_request_id } => match world.told(&aws_request_id) {
                Some(outcome) => Action::Poll(kind, sent_at, outcome),
                None => Action::Attend,
            },
            _ => Action::Attend,
        }
    }

    /// What a process does next that is in the middle of something.
    fn goes_on(&self, world: &World, who: Who, process: &Process, actions: &mut Vec<Action>) {
        actions.push(match process.doing {
            Doing::About(_) => Action::CarryOut(who),
            Doing::WrittenDown { .. } if !world.sends(&self.rules, process) => Action::DoNotSend(who),
            Doing::WrittenDown { .. } if world.aws.is_busy() => Action::Send(who, Fate::RefusedForNow),
            Doing::WrittenDown { .. } => Action::Send(who, Fate::Answered),
            Doing::Nothing
            | Doing::Heard { .. }
            | Doing::Looked { .. }
            | Doing::LookedToClaim { .. }
            | Doing::Settling { .. } => Action::WriteBack(who),
        });
    }

    /// What goes wrong.
    pub(crate) fn mishaps(&self, world: &World, actions: &mut Vec<Action>) {
        if let Some(owner) = &world.owner {
            if owner.is_idle() && world.row.due.is_some_and(|due| due <= world.now) {
                self.asks_in_vain(world, actions);
            }
            self.goes_wrong(world, Who::Owner, owner, actions);
            if !owner.is_idle() && world.former.is_none() {
                actions.push(Action::Pause);
            }
        }
        if let Some(former) = &world.former {
            self.goes_wrong(world, Who::Former, former, actions);
        }
        let working = world
            .aws
            .changes
            .iter()
            .enumerate()
            .filter(|(_, change)| change.is_working() && aws_matters(world));
        for (nth, change) in working {
            // Nobody hears how those end whose answer was lost.
            let ends: &[End] = if change.id.is_some() {
                &[End::DoneUnsaid, End::FailedForNow, End::FailedForGood]
            } else {
                &[End::FailedForNow]
            };
            actions.extend(ends.iter().map(|end| Action::End(nth, *end)));
        }
        if matches!(world.aws.has, Some(Maker::Curfew { .. })) && aws_matters(world) {
            actions.push(Action::RemoveByHand);
        }
    }

    fn asks_in_vain(&self, world: &World, actions: &mut Vec<Action>) {
        let now = instant_after(world.now);
        if world.is_noteworthy(now) {
            return;
        }
        if world.row.claim_wanted.is_some() {
            actions.push(Action::LookInVain);
            if world.left.lies == 0 && world.aws.lists_may_lie(now) {
                actions.push(Action::LookToClaim { present: world.aws.has.is_none() });
            }
            return;
        }
        match world.step(&self.rules, now) {
            Step::Look => {
                actions.push(Action::LookInVain);
                if world.left.lies == 0 && world.aws.lists_may_lie(now) {
                    actions.push(Action::Look { present: world.aws.has.is_none() });
                }
            }
            Step::Poll { kind, sent_at, .. } => {
                actions.push(Action::PollInVain);
                if world.row.observed.attempts > 0 {
                    actions.push(Action::PollRefused(kind, sent_at));
                }
            }
            _ => {}
        }
    }

    fn goes_wrong(&self, world: &World, who: Who, process: &Process, actions: &mut Vec<Action>) {
        if process.is_idle() {
            return;
        }
        actions.push(Action::Crash(who));
        if process.is_paused || !matches!(process.doing, Doing::WrittenDown { .. }) {
            return;
        }
        if world.sends(&self.rules, process) {
            let lost: &[Fate] = if world.aws.is_busy() {
                &[Fate::RequestLost]
            } else {
                &[Fate::AnswerLost, Fate::RequestLost, Fate::RefusedForNow, Fate::RefusedForGood]
            };
            actions.extend(lost.iter().map(|fate| Action::Send(who, *fate)));
        }
    }

    /// What lists may show that was, where that is no mishap.
    pub(crate) fn lies(&self, world: &World, actions: &mut Vec<Action>) {
        let asks = world.owner.as_ref().is_some_and(Process::is_idle)
            && world.row.due.is_some_and(|due| due <= world.now);
        if world.left.lies == 0 || !asks || !world.aws.lists_may_lie(instant_after(world.now)) {
            return;
        }
        match self.attends(world) {
            Action::Look { present } => actions.push(Action::Look { present: !present }),
            Action::LookToClaim { present } => actions.push(Action::LookToClaim { present: !present }),
            _ => {}
        }
    }

    /// What people may do.
    pub(crate) fn chances(&self, world: &World, actions: &mut Vec<Action>) {
        if !grants_matter(world) {
            return;
        }
        if world.left.grants > 0 {
            actions.extend(self.bounds.lasting.iter().map(|lasting| Action::Grant(*lasting)));
        }
        if world.left.revocations > 0 {
            let live = world.row.grants.iter().enumerate().filter(|(_, grant)| grant.is_live(world.now));
            actions.extend(live.map(|(nth, _)| Action::Revoke(nth)));
        }
        let is_wanted = world.row.claim_wanted.is_some();
        if world.left.claims > 0 && !is_wanted && world.aws.has == Some(Maker::Others) {
            actions.push(Action::WantClaim);
        }
        if world.left.given_by_hand > 0
            && world.aws.has.is_none()
            && !world.aws.works()
            && is_between_episodes(world)
        {
            actions.push(Action::GiveByHand);
        }
    }
}

/// An episode begins with the look that becomes its baseline, also where that look is not written down yet; unless it
/// can't be any more, for the connection has another owner.
fn is_between_episodes(world: &World) -> bool {
    let begins = |process: &Process| match process.doing {
        Doing::Looked { .. } => process.fence >= world.lease.fence,
        Doing::WrittenDown { .. } => true,
        _ => false,
    };
    world.row.observed.baseline.is_none() && !world.owner.iter().chain(&world.former).any(begins)
}

pub(crate) fn is_mishap(world: &World, action: &Action) -> bool {
    match action {
        Action::Look { present } | Action::LookToClaim { present } => *present != world.aws.has.is_some(),
        Action::Send(_, Fate::Answered) => false,
        Action::Send(_, Fate::RefusedForNow) => !world.aws.is_busy(),
        Action::End(_, end) => *end != End::Done,
        Action::Send(..)
        | Action::LookInVain
        | Action::PollInVain
        | Action::PollRefused(..)
        | Action::Crash(_)
        | Action::Pause
        | Action::RemoveByHand => true,
        _ => false,
    }
}

fn resumptions(paused: &Process, actions: &mut Vec<Action>) {
    actions.push(Action::Resume { has_checked: true });
    if matches!(paused.doing, Doing::About(_) | Doing::WrittenDown { .. }) {
        actions.push(Action::Resume { has_checked: false });
    }
}

/// The next moment at which something turns, when nothing is left to do before.
fn time_passes_until(world: &World) -> Option<Timestamp> {
    let is_due = |due: &Timestamp| *due <= world.now;
    let busy = match &world.owner {
        Some(owner) => !owner.is_idle() || world.row.due.as_ref().is_some_and(is_due),
        None => world.lease.until.as_ref().is_none_or(is_due),
    };
    let awake = world.former.as_ref().is_some_and(|former| !former.is_paused);
    // A pause is over before the last look after Gone: nobody takes back what is sent later than that.
    let paused_for_long = world.former.is_some() && world.row.observed.looks >= 3;
    let deadline = world.aws.next_deadline();
    if busy || awake || paused_for_long || deadline.as_ref().is_some_and(is_due) {
        return None;
    }
    let next = if world.owner.is_some() { world.row.due } else { world.lease.until };
    next.into_iter().chain(deadline).min().map(|moment| jump(world.now, moment))
}

/// What AWS does by itself makes a difference only to who is about to call it: anywhere else it may as well come later.
fn aws_matters(world: &World) -> bool {
    let calls = |process: &Process| {
        process.is_paused || matches!(process.doing, Doing::Nothing | Doing::WrittenDown { .. })
    };
    world.owner.iter().chain(&world.former).all(calls)
}

/// What people do makes a difference only to who is about to read or write: not between writing a call down and hearing
/// of it.
fn grants_matter(world: &World) -> bool {
    let calls = |process: &Process| matches!(process.doing, Doing::WrittenDown { .. }) && !process.is_paused;
    !world.owner.iter().chain(&world.former).any(calls)
}

/// All is over, and the owner looks again now and then.
pub(crate) fn rests(world: &World) -> bool {
    world.aws.has.is_none()
        && world.aws.changes.is_empty()
        && world.former.is_none()
        && world.row.observed.gone_at.is_some()
        && !world.row.grants.iter().any(|grant| grant.is_live(world.now))
}
