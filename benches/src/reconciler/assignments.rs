//! Many assignments at AWS's limits, against the shortest time in which they can be made there.
//!
//! What AWS bears (`Limits::published`) sets the floor: the longest of
//! - calls: for each assignment its creation and one asking how that went, and one list for each account and permission
//!   set, at 20 a second but for the 20 that AWS lets through at once;
//! - 15 creations outstanding, each for as long as AWS works on one;
//! - one change of an account at a time, each for as long.
//!
//! Nothing of it is Curfew's: no time between calls, no second asking.

use std::time::{Duration, Instant};

use curfew_sim::Limits;
use curfew_tests::Backend;

use super::calls::{count, is_turned_away, told, until};
use super::{name, real, scaled};
use crate::figures::against;
use crate::requests::{Size, Town, drive_from};

const ACCOUNTS: usize = 60;
const AWS_TAKES: Duration = Duration::from_secs(1);
const RATE: f64 = 20.0;
const BURST: f64 = 20.0;
const OUTSTANDING: f64 = 15.0;
const SETS: usize = 2;

pub(super) async fn run(backend: &Backend) {
    let accounts = scaled(ACCOUNTS, 6);
    let people = scaled(10, 2);
    let assignments = accounts * SETS * people;
    println!(
        "{assignments} assignments in {accounts} accounts on {}, at AWS's limits, of which AWS takes {AWS_TAKES:?} each:",
        name(backend)
    );
    let (town, server) = Town::build_as(backend, 1, Size { people, accounts, holders: 0 }).await;
    let aws = town.cloud.control();
    aws.behave(|behaviour| {
        behaviour.limits = Limits::published();
        behaviour.assignment_ms = i64::try_from(AWS_TAKES.as_millis()).expect("it fits");
    });
    aws.clear_calls();
    let begun = Instant::now();
    drive_from(server.port(), &town, 0..assignments).await;
    let asked = begun.elapsed();
    let within = Duration::from_mins(10);
    until("all assignments", within, || {
        count(aws, "CreateAccountAssignment") >= assignments && aws.assignments().len() >= assignments
    })
    .await;
    let took = begun.elapsed();
    let floor = floor(assignments, accounts);
    let ratio = took.as_secs_f64() / floor.as_secs_f64();
    println!(
        "  {:.1} s (asked for within {:.1} s), floor {:.1} s: {ratio:.2} times ({})",
        took.as_secs_f64(),
        asked.as_secs_f64(),
        floor.as_secs_f64(),
        against(ratio, 1.1, false)
    );
    let turned_away = aws.calls().iter().filter(|call| is_turned_away(call)).count();
    println!("  calls: {}; turned away {turned_away}", told(aws));
}

fn floor(assignments: usize, accounts: usize) -> Duration {
    let calls = real(assignments * 2 + accounts * SETS);
    let at_that_rate = (calls - BURST) / RATE;
    let outstanding = real(assignments) / OUTSTANDING * AWS_TAKES.as_secs_f64();
    let in_turn = real(assignments / accounts) * AWS_TAKES.as_secs_f64();
    Duration::from_secs_f64(at_that_rate.max(outstanding).max(in_turn))
}
