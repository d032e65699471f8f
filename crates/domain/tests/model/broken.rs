//! Rules that are broken on purpose, each in one place: the model tells each of them, and by which promise it breaks.

use std::collections::BTreeSet;

use curfew_domain::Timestamp;
use curfew_domain::assignment::{CallKind, CallOutcome, Desired, Observed, Step, next_step};
use stateright::{Checker, HasDiscoveries, Model};

use super::LEAST;
use super::aws::Order;
use super::model::Stories;
use super::promises::{
    CREATED_BY_OWNER, CREATED_FOR_SOMEBODY, ENDS_WELL, GONE_IS_GONE, NEEDED_IS_NOT_DELETED,
    NOTHING_OVERLOOKED, STANDING_STAYS, WRITTEN_BY_OWNER,
};
use super::rules::Rules;
use super::walk::{Finding, walk};
use super::world::Bounds;

const REVOKED: Bounds = Bounds { revocations: 1, ..LEAST };
const MISHAP: Bounds = Bounds { mishaps: 1, ..LEAST };
const REVOKED_WITH_MISHAP: Bounds = Bounds { revocations: 1, mishaps: 1, order: Order::Any, ..LEAST };
const BY_HAND: Bounds = Bounds { by_hand: 1, ..LEAST };

/// Explores until `promise` is seen to be broken, and prints the shortest story of it.
fn breaks(rules: impl Rules, bounds: Bounds, promise: &'static str) {
    let seen = HasDiscoveries::AllOf(BTreeSet::from([promise]));
    let checker = Stories { rules, bounds }.checker().finish_when(seen).spawn_bfs().join();
    let story = checker.discovery(promise);
    println!("{bounds}: {} states", checker.unique_state_count());
    assert!(story.is_some(), "nobody sees that it is broken: {promise}");
    println!("broken: {promise}");
    for action in story.unwrap().into_actions() {
        println!("  {action:?}");
    }
}

/// `next_step` with one answer exchanged for another.
macro_rules! next_step_but {
    ($(#[$doc:meta])* $name:ident, |$step:ident, $desired:ident, $observed:ident| $instead:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        struct $name;

        impl Rules for $name {
            fn next_step(&self, $desired: Desired, $observed: &Observed, now: Timestamp) -> Step {
                let $step = next_step($desired, $observed, now);
                $instead
            }
        }
    };
}

next_step_but!(
    /// A deletion's success is proof enough.
    ConcludesWithoutLooking,
    |step, _desired, observed| match step {
        Step::Look if observed.deleted_at.is_some() && observed.gone_at.is_none() => Step::ConcludeGone,
        step => step,
    }
);

#[test]
fn to_conclude_gone_without_a_look_breaks_gone_is_gone() {
    breaks(ConcludesWithoutLooking, REVOKED_WITH_MISHAP, GONE_IS_GONE);
}

next_step_but!(
    /// It creates, and takes no baseline.
    CreatesWithoutBaseline,
    |step, _desired, observed| match step {
        Step::Look if observed.baseline.is_none() => Step::Create,
        step => step,
    }
);

#[test]
fn to_create_without_a_baseline_leaves_access_behind() {
    breaks(CreatesWithoutBaseline, LEAST, ENDS_WELL);
}

next_step_but!(
    /// What AWS refuses to delete is left.
    GivesUpDeleting,
    |step, _desired, observed| match step {
        Step::Look if observed.deletion_unproved => Step::Done,
        step => step,
    }
);

#[test]
fn to_give_up_a_refused_deletion_leaves_access_behind() {
    breaks(GivesUpDeleting, MISHAP, ENDS_WELL);
}

next_step_but!(
    /// One look after Gone has to do.
    LooksOnceAfterGone,
    |step, _desired, observed| match step {
        Step::Look | Step::WaitUntil(_) if observed.gone_at.is_some() && observed.looks > 0 => Step::EndEpisode,
        step => step,
    }
);

#[test]
fn to_look_once_after_gone_leaves_what_is_sent_late() {
    breaks(LooksOnceAfterGone, MISHAP, ENDS_WELL);
}

next_step_but!(
    /// It looks where nothing is left to do.
    LooksForEver,
    |step, _desired, _observed| if step == Step::Done { Step::Look } else { step }
);

#[test]
fn to_look_for_ever_is_a_circle() {
    let finding = walk(&Stories { rules: LooksForEver, bounds: LEAST }).unwrap_err();
    assert!(matches!(finding, Finding::Circle(states) if states.len() > 1));
}

/// Lost calls are forgotten at once, whether they have settled or not.
#[derive(Debug, Clone, Copy)]
struct DoesNotSettle;

impl Rules for DoesNotSettle {
    fn next_step(&self, desired: Desired, observed: &Observed, now: Timestamp) -> Step {
        next_step(desired, &Observed { in_flight: Vec::new(), ..observed.clone() }, now)
    }
}

#[test]
fn to_ignore_the_settle_time_breaks_gone_is_gone() {
    breaks(DoesNotSettle, REVOKED_WITH_MISHAP, GONE_IS_GONE);
}

/// What a deletion took was made by all creations.
#[derive(Debug, Clone, Copy)]
struct TakesOneLandingForAll;

impl Rules for TakesOneLandingForAll {
    fn answered(
        &self,
        observed: &mut Observed,
        kind: CallKind,
        sent_at: Timestamp,
        outcome: &CallOutcome,
        at: Timestamp,
    ) {
        observed.answered(kind, sent_at, outcome, at);
        if (kind, outcome) == (CallKind::Delete, &CallOutcome::Succeeded) {
            observed.in_flight.retain(|call| call.kind != CallKind::Create);
        }
    }
}

#[test]
fn to_take_one_landing_for_all_breaks_gone_is_gone() {
    breaks(TakesOneLandingForAll, REVOKED_WITH_MISHAP, GONE_IS_GONE);
}

/// What is there before the first creation is Curfew's own.
#[derive(Debug, Clone, Copy)]
struct TakesAllForItsOwn;

impl Rules for TakesAllForItsOwn {
    fn looked(&self, observed: &mut Observed, at: Timestamp, present: bool) {
        observed.looked(at, present && observed.baseline.is_some());
    }
}

#[test]
fn to_take_all_for_its_own_deletes_standing_access() {
    breaks(TakesAllForItsOwn, BY_HAND, STANDING_STAYS);
}

/// What it claims stays others'.
#[derive(Debug, Clone, Copy)]
struct ClaimsInName;

impl Rules for ClaimsInName {
    fn claim(&self, observed: &mut Observed, at: Timestamp) {
        observed.looked(at, true);
    }
}

#[test]
fn to_claim_in_name_alone_leaves_access_behind() {
    breaks(ClaimsInName, Bounds { claims: 1, ..BY_HAND }, ENDS_WELL);
}

/// Any process writes what it has seen, whoever owns the connection.
#[derive(Debug, Clone, Copy)]
struct IgnoresFence;

impl Rules for IgnoresFence {
    fn lets_write(&self, _written_by: u32, _leased_by: u32, _fence: u32) -> bool {
        true
    }
}

#[test]
fn to_ignore_the_fence_lets_a_former_owner_write() {
    breaks(IgnoresFence, MISHAP, WRITTEN_BY_OWNER);
}

/// A former owner writes as long as the later one has not written the same row.
#[derive(Debug, Clone, Copy)]
struct FencesByRowAlone;

impl Rules for FencesByRowAlone {
    fn lets_write(&self, written_by: u32, _leased_by: u32, fence: u32) -> bool {
        written_by <= fence
    }
}

#[test]
fn to_fence_by_the_row_alone_leaves_an_episode_that_nobody_ends() {
    breaks(FencesByRowAlone, Bounds { mishaps: 1, ..REVOKED }, NOTHING_OVERLOOKED);
}

#[test]
fn to_fence_by_the_row_alone_deletes_standing_access() {
    breaks(FencesByRowAlone, Bounds { mishaps: 1, ..BY_HAND }, STANDING_STAYS);
}

/// A call is written down when its answer has come.
#[derive(Debug, Clone, Copy)]
struct WritesAfterwards;

impl Rules for WritesAfterwards {
    fn writes_before_sending(&self) -> bool {
        false
    }
}

#[test]
fn to_send_before_it_is_written_down_breaks_gone_is_gone() {
    breaks(WritesAfterwards, REVOKED_WITH_MISHAP, GONE_IS_GONE);
}

/// What was decided on is done, whatever has happened since.
#[derive(Debug, Clone, Copy)]
struct DecidesOnce;

impl Rules for DecidesOnce {
    fn decides_again(&self) -> bool {
        false
    }
}

#[test]
fn to_decide_once_creates_what_nobody_needs() {
    breaks(DecidesOnce, REVOKED, CREATED_FOR_SOMEBODY);
}

#[test]
fn to_decide_once_deletes_what_is_needed() {
    breaks(DecidesOnce, Bounds { grants: 2, ..LEAST }, NEEDED_IS_NOT_DELETED);
}

/// It does not look at its lease again before it sends.
#[derive(Debug, Clone, Copy)]
struct SendsWithoutLease;

impl Rules for SendsWithoutLease {
    fn checks_before_sending(&self) -> bool {
        false
    }
}

#[test]
fn to_send_without_a_look_at_the_lease_is_seen() {
    breaks(SendsWithoutLease, MISHAP, CREATED_BY_OWNER);
}

/// The owner writes when the row is due next, also where a grant has changed since it was read.
#[derive(Debug, Clone, Copy)]
struct OverwritesDue;

impl Rules for OverwritesDue {
    fn respects_generation(&self) -> bool {
        false
    }
}

#[test]
fn to_overwrite_when_it_is_due_overlooks_a_revocation() {
    breaks(OverwritesDue, REVOKED, NOTHING_OVERLOOKED);
}
