//! Torture: real servers under all that may happen to them, and at the end AWS holds exactly what the grants say.
//!
//! The seed chooses what is done, and in which order; how it falls together with the servers' own work differs from run
//! to run. `CURFEW_TORTURE_SECONDS` (30 on each database), `CURFEW_TORTURE_SEED` (1), `CURFEW_TORTURE_ROUNDS` (1: with
//! more, each round takes the next seed) make it longer:
//!
//! ```sh
//! CURFEW_TORTURE_SECONDS=600 CURFEW_TORTURE_ROUNDS=12 tests/postgres.sh \
//!     cargo nextest run --workspace --all-targets --locked --run-ignored all -E 'binary(torture)' --no-capture
//! ```

mod chance;
mod misfortune;
mod people;
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

async fn torture(backend: Backend, nodes: usize, cluster: Option<&Cluster>) {
    let seconds = setting("CURFEW_TORTURE_SECONDS", 30);
    let first = setting("CURFEW_TORTURE_SEED", 1);
    for seed in first..first + setting("CURFEW_TORTURE_ROUNDS", 1) {
        let mut town = Town::found(backend.clone(), nodes, Chance::of(seed)).await;
        let until = Instant::now() + Duration::from_secs(seconds);
        while Instant::now() < until {
            town.something_happens(cluster).await;
        }
        let told = town.calms_down().await.judged().await;
        println!("seed {seed}, {nodes} node(s), {seconds} s: {told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_node_on_sqlite() {
    torture(Backend::Sqlite, 1, None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn three_nodes_on_postgresql() {
    if let Some(cluster) = Cluster::start() {
        torture(cluster.backend(), 3, Some(&cluster)).await;
    }
}
