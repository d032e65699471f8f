//! What tests and the demo hold in their hands: the world, its time, what goes wrong, and what was called.

mod http;
mod patch;
mod portal;
mod view;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};

pub(crate) use http::routes;
pub use patch::{Patch, PatchError};
pub use view::{AssignmentView, ChangeView};

use crate::{
    clock::ClockView,
    faults::Fault,
    log::CallRecord,
    server::Shared,
    state::{Ending, State},
    world::{Assignment, Behaviour, Role, Trust, World, WorldError},
};

/// The hand that moves a running stand-in. Cheap to clone; all clones move the same one.
#[derive(Clone)]
pub struct SimControl {
    shared: Arc<Shared>,
}

impl SimControl {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Begins another world: sessions, changes, faults and counts end with the old one.
    pub fn set_world(&self, world: World) -> Result<(), WorldError> {
        world.check()?;
        self.with(|state| state.begin(world));
        Ok(())
    }

    /// The world as it is now, with what is assigned.
    pub fn world(&self) -> World {
        self.look(|state| {
            state.settled_now();
            state.snapshot()
        })
    }

    /// Changes the world by hand, all at once; refused, and undone, when it no longer fits together.
    pub fn edit<T>(&self, change: impl FnOnce(&mut World) -> T) -> Result<T, WorldError> {
        self.try_edit(|world| Ok(change(world)))
    }

    /// Applies one change that the control endpoint knows as well.
    pub fn apply(&self, patch: Patch) -> Result<(), PatchError> {
        self.apply_all(vec![patch])
    }

    /// Applies all of these changes, or none.
    pub fn apply_all(&self, patches: Vec<Patch>) -> Result<(), PatchError> {
        self.try_edit(|world| patches.into_iter().try_for_each(|patch| patch.apply(world)))
    }

    fn try_edit<T, E: From<WorldError>>(
        &self,
        change: impl FnOnce(&mut World) -> Result<T, E>,
    ) -> Result<T, E> {
        self.with(|state| {
            let now = state.settled_now();
            let mut world = state.snapshot();
            let answer = change(&mut world)?;
            world.check()?;
            state.take_over(world, now);
            Ok(answer)
        })
    }

    /// Replaces the rules of play.
    pub fn set_behaviour(&self, behaviour: Behaviour) {
        self.with(|state| {
            state.world.behaviour = behaviour;
            state.buckets.fill();
        });
    }

    /// Changes the rules of play.
    pub fn behave(&self, change: impl FnOnce(&mut Behaviour)) {
        self.with(|state| {
            change(&mut state.world.behaviour);
            state.buckets.fill();
        });
    }

    /// Replaces whom a role trusts.
    pub fn set_trust(&self, role_arn: &str, trust: Trust) -> Result<(), PatchError> {
        self.apply(Patch::SetTrust { role: role_arn.to_owned(), trust })
    }

    /// Adds a role, or replaces the one with the same ARN.
    pub fn put_role(&self, role: Role) -> Result<(), PatchError> {
        self.apply(Patch::PutRole { role })
    }

    /// Assigns by hand, past all checks of the service.
    pub fn assign(&self, instance: &str, assignment: &Assignment) {
        self.with(|state| {
            let now = state.settled_now();
            state.book.add(instance, assignment, now);
        });
    }

    /// Takes an assignment away by hand; false when it wasn't there.
    pub fn unassign(&self, instance: &str, assignment: &Assignment) -> bool {
        self.with(|state| {
            let now = state.settled_now();
            state.book.remove(instance, assignment, now)
        })
    }

    /// What is assigned now in all instances, in truth: no lag.
    pub fn assignments(&self) -> Vec<AssignmentView> {
        self.look(|state| {
            state.settled_now();
            view::assignments(state)
        })
    }

    /// What is assigned now in one instance.
    pub fn assignments_of(&self, instance: &str) -> Vec<Assignment> {
        self.look(|state| {
            state.settled_now();
            state.book.held(instance)
        })
    }

    /// Creations and deletions that are in progress.
    pub fn changes_in_progress(&self) -> Vec<ChangeView> {
        self.look(|state| {
            state.settled_now();
            view::changes_in_progress(state)
        })
    }

    /// Ends all creations and deletions in progress now, held ones too.
    pub fn settle_all(&self) {
        self.with(|state| {
            let now = state.clock.now();
            for change in state.changes.open_mut() {
                match &mut change.ending {
                    Ending::Fails(at, _) => *at = now,
                    ending @ (Ending::Due(_) | Ending::Held) => *ending = Ending::Due(now),
                }
            }
            state.settle(now);
        });
    }

    /// Lets a fault wait for its calls.
    pub fn inject(&self, fault: Fault) {
        self.with(|state| state.faults.add(fault));
    }

    /// Forgets all faults that wait.
    pub fn clear_faults(&self) {
        self.with(|state| state.faults.clear());
    }

    /// Faults that wait, with what is left of their counts.
    pub fn faults(&self) -> Vec<Fault> {
        self.look(|state| state.faults.waiting().to_vec())
    }

    /// The stand-in's present instant.
    pub fn now(&self) -> Timestamp {
        self.clock().now
    }

    /// The stand-in's clock.
    pub fn clock(&self) -> ClockView {
        self.look(|state| state.clock.view())
    }

    /// Skips time; what falls due by then happens. Callers may sign with the machine's time or with this.
    pub fn advance(&self, by: SignedDuration) {
        self.with(|state| {
            state.clock.advance(by);
            state.settled_now();
        });
    }

    /// Runs AWS's clock this far from the machine's: a caller off by more than 5 minutes is refused.
    pub fn run_clock_at_offset(&self, offset: SignedDuration) {
        self.with(|state| state.clock.run_at_offset(offset));
    }

    /// Stops the clock, here or at an instant.
    pub fn freeze_clock(&self, at: Option<Timestamp>) {
        self.with(|state| state.clock.freeze(at));
    }

    /// Lets the clock run on.
    pub fn thaw_clock(&self) {
        self.with(|state| state.clock.thaw());
    }

    /// The calls that are remembered (the last 20,000), oldest first.
    pub fn calls(&self) -> Vec<CallRecord> {
        self.look(|state| state.log.records().cloned().collect())
    }

    /// The remembered calls of one operation.
    pub fn calls_of(&self, operation: &str) -> Vec<CallRecord> {
        self.look(|state| state.log.records().filter(|call| call.operation == operation).cloned().collect())
    }

    /// How often each operation (`sso:CreateAccountAssignment`) ended in each way.
    pub fn counts(&self) -> BTreeMap<String, BTreeMap<String, u64>> {
        self.look(|state| state.log.counts().clone())
    }

    /// Forgets calls and counts.
    pub fn clear_calls(&self) {
        self.with(|state| state.log.clear());
    }

    /// Begins the world of the start again.
    pub fn reset(&self) {
        let world = self.shared.first_world.clone();
        self.with(|state| {
            state.clock.run_at_offset(SignedDuration::ZERO);
            state.begin(world);
        });
    }

    /// Waits until an operation was called so many times (as far as remembered), whether or not it has ended;
    /// false when that did not come within the deadline.
    pub async fn called(&self, operation: &str, times: usize, deadline: Duration) -> bool {
        self.until(deadline, |control| control.calls_of(operation).len() >= times).await
    }

    /// As [`called`](Self::called), but until so many have ended: whatever they began is under way by then, though
    /// their callers may be gone.
    pub async fn handled(&self, operation: &str, times: usize, deadline: Duration) -> bool {
        let ended = |control: &Self| {
            control.calls_of(operation).iter().filter(|call| call.outcome.is_some()).count() >= times
        };
        self.until(deadline, ended).await
    }

    /// Waits until what is assigned satisfies a condition; false when that did not come within the deadline.
    pub async fn assigned(&self, deadline: Duration, holds: impl Fn(&[AssignmentView]) -> bool) -> bool {
        self.until(deadline, |control| holds(&control.assignments())).await
    }

    async fn until(&self, deadline: Duration, holds: impl Fn(&Self) -> bool) -> bool {
        /// Changes end by the clock alone, without anybody calling.
        const LOOK: Duration = Duration::from_millis(10);
        let mut moved = self.shared.moved.subscribe();
        let waited = async {
            while !holds(self) {
                let _ = tokio::time::timeout(LOOK, moved.changed()).await;
            }
        };
        tokio::time::timeout(deadline, waited).await.is_ok()
    }

    fn look<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.shared.state.lock())
    }

    /// As `look`, but wakes those who wait for a change.
    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        let answer = self.look(work);
        self.shared.moved.send_modify(|count| *count += 1);
        answer
    }
}
