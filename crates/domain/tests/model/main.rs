//! Every story of one assignment, within bounds: a model checker goes through all that people, reconcilers, AWS and
//! crashes can do, in every order, by the very functions of `curfew-domain` that the reconciler runs.
//!
//! `docs/architecture.md` ("The model") says what is explored, and how to explore more of it.
#![expect(clippy::unwrap_used, reason = "a test may end at what it did not expect")]
#![expect(clippy::print_stdout, reason = "what was explored is for whoever wants to read it")]

mod aws;
mod broken;
mod grants;
mod later;
mod model;
mod possible;
mod promises;
mod reconciler;
mod rules;
mod sameness;
mod time;
mod walk;
mod world;

use curfew_domain::Seconds;
use stateright::{Checker, Model};

use self::aws::Order;
use self::model::Stories;
use self::rules::AsItIs;
use self::world::Bounds;

/// Longer than the settle time, and than a start may take.
const LONG: Seconds = Seconds::of(1_200);

/// Shorter than a pause after a failure.
const SHORT: Seconds = Seconds::of(30);

/// One grant, and nothing goes wrong.
const LEAST: Bounds = Bounds {
    order: Order::InTurn,
    after_gone: false,
    lies: 0,
    by_hand: 0,
    claims: 0,
    grants: 1,
    revocations: 0,
    mishaps: 0,
    lasting: &[LONG],
};

#[test]
fn one_grant_and_any_two_mishaps() {
    explore(Bounds { mishaps: 2, by_hand: 1, ..LEAST }, 120_000);
}

#[test]
fn one_grant_after_another_is_gone_and_any_mishap_and_a_list_that_shows_what_was() {
    let bounds =
        Bounds { order: Order::Any, after_gone: true, lies: 1, mishaps: 1, lasting: &[SHORT], ..LEAST };
    explore(bounds, 75_000);
}

#[test]
fn one_grant_that_may_be_revoked_and_any_mishap_while_aws_works_in_any_order() {
    let bounds = Bounds {
        order: Order::Any,
        revocations: 1,
        mishaps: 1,
        by_hand: 1,
        lasting: &[SHORT, LONG],
        ..LEAST
    };
    explore(bounds, 65_000);
}

#[test]
fn two_grants_and_any_mishap() {
    explore(Bounds { grants: 2, mishaps: 1, ..LEAST }, 60_000);
}

#[test]
fn two_grants_and_any_mishap_while_aws_works_in_any_order() {
    explore(Bounds { order: Order::Any, grants: 2, mishaps: 1, by_hand: 1, ..LEAST }, 90_000);
}

#[test]
fn three_grants_of_which_one_may_be_revoked() {
    explore(Bounds { grants: 3, revocations: 1, by_hand: 1, ..LEAST }, 25_000);
}

#[test]
fn one_grant_and_a_claim_of_what_others_gave_and_any_mishap() {
    let bounds = Bounds { by_hand: 1, claims: 1, mishaps: 1, ..LEAST };
    explore(bounds, 55_000);
}

#[test]
fn a_claim_and_a_grant_that_may_be_revoked_while_aws_works_in_any_order() {
    let bounds = Bounds { order: Order::Any, by_hand: 1, claims: 1, revocations: 1, lies: 1, ..LEAST };
    explore(bounds, 7_000);
}

/// Explores all there is within `bounds`, or within wider ones where the environment says so.
fn explore(bounds: Bounds, at_least: usize) {
    let bounds = Bounds {
        grants: bounds.grants + more("CURFEW_MODEL_MORE_GRANTS"),
        revocations: bounds.revocations + more("CURFEW_MODEL_MORE_REVOCATIONS"),
        mishaps: bounds.mishaps + more("CURFEW_MODEL_MORE_MISHAPS"),
        ..bounds
    };
    let checker = Stories { rules: AsItIs, bounds }.checker().threads(1).spawn_bfs().join();
    let (unique, depth) = (checker.unique_state_count(), checker.max_depth());
    println!("{bounds}: {unique} states ({} ways into them), {depth} steps at most", checker.state_count());
    for property in checker.model().properties() {
        println!("  {:?}: {}", property.expectation, property.name);
    }
    checker.assert_properties();
    assert!(unique >= at_least, "{unique} states: the model does not come to what it is about");
}

fn more(name: &str) -> u8 {
    std::env::var(name).map_or(0, |more| more.parse().unwrap())
}

#[test]
fn no_story_goes_in_a_circle_and_what_is_taken_for_the_same_goes_on_the_same_way() {
    let one = Bounds { order: Order::Any, revocations: 1, mishaps: 1, by_hand: 1, ..LEAST };
    let claim = Bounds { by_hand: 1, claims: 1, mishaps: 1, ..LEAST };
    let two = Bounds { grants: 2, revocations: 1, ..LEAST };
    for (bounds, at_least) in [(one, 40_000), (claim, 55_000), (two, 4_000)] {
        let states = walk::walk(&Stories { rules: AsItIs, bounds }).unwrap();
        println!("{bounds}: {states} states, no circle, none unlike those it is taken for");
        assert!(states >= at_least, "{states}");
    }
}
