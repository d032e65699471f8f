//! Torture: real servers under all that may happen to them, and at the end AWS holds exactly what the grants say.
//!
//! The seed chooses what is done, and in which order; how it falls together with the servers' own work differs from run
//! to run. `CURFEW_TORTURE_SECONDS` (60 on each database), `CURFEW_TORTURE_SEED` (1), `CURFEW_TORTURE_ROUNDS` (1: with
//! more, each round takes the next seed) make it longer: see CONTRIBUTING.md.

mod chance;
mod clocks;
mod estate;
mod ledger;
mod misfortune;
mod people;
mod records;
mod report;
mod town;
mod verdict;

use std::time::{Duration, Instant};

use curfew_tests::{Backend, Cluster};

use chance::Chance;
use town::Town;

/// A number from the environment, or the usual one.
fn setting(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

/// Says how to have the same again, when a round is not survived.
struct Round {
    test: &'static str,
    seed: u64,
    seconds: u64,
}

impl Drop for Round {
    fn drop(&mut self) {
        let Self { test, seed, seconds } = self;
        if std::thread::panicking() {
            eprintln!(
                "seed {seed} was not survived; the same again:\n\
                 CURFEW_TORTURE_SEED={seed} CURFEW_TORTURE_SECONDS={seconds} tests/postgres.sh \
                 cargo nextest run --workspace --all-targets --locked \
                 -E 'binary(torture) and test({test})' --no-capture"
            );
        }
    }
}

async fn torture(test: &'static str, backend: Backend, nodes: usize, cluster: Option<&Cluster>) {
    let seconds = setting("CURFEW_TORTURE_SECONDS", 60);
    let (first, rounds) = (setting("CURFEW_TORTURE_SEED", 1), setting("CURFEW_TORTURE_ROUNDS", 1));
    for round in 0..rounds {
        let seed = first + round;
        let _told = Round { test, seed, seconds };
        let mut town = Town::found(backend.clone(), nodes, Chance::of(seed)).await;
        let until = Instant::now() + Duration::from_secs(seconds);
        while Instant::now() < until {
            town.something_happens(cluster).await;
        }
        let report = town.calms_down().await.judged().await;
        println!("{test}: seed {seed}, round {} of {rounds}, {seconds} s: {report}", round + 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_node_on_sqlite() {
    torture("one_node_on_sqlite", Backend::Sqlite, 1, None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn three_nodes_on_postgresql() {
    if let Some(cluster) = Cluster::start() {
        torture("three_nodes_on_postgresql", cluster.backend(), 3, Some(&cluster)).await;
    }
}
