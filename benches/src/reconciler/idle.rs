//! What a server costs for which nothing is to be done, but for looking whether something differs.

use std::time::{Duration, Instant};

use curfew_tests::Backend;

use super::calls::told;
use super::seed::{Seed, connect, finish};
use super::{name, scaled};
use crate::figures::against;
use crate::process::{cpu_seconds, resident_bytes};
use crate::requests::{Size, Town};

const LIVE: usize = 10_000;
const ENDED: usize = 990_000;
const ACCOUNTS: usize = 60;
const SETS: usize = 2;
/// The first rounds of everything that goes on by itself are over then: the first pass over all places takes half a minute.
const SETTLES: Duration = Duration::from_mins(1);
const MEASURED: Duration = Duration::from_mins(1);

pub(super) async fn run(backend: &Backend) {
    let (live, ended, accounts) = (scaled(LIVE, 100), scaled(ENDED, 1_000), scaled(ACCOUNTS, 5));
    println!("An idle server with {} grants on {}, {live} of which live:", live + ended, name(backend));
    let holders = live.div_ceil(accounts * SETS);
    let (town, mut server) = Town::build_as(backend, 1, Size { people: 1, accounts, holders }).await;
    let aws = town.cloud.control();
    let connection = connect(server.database()).await;
    let seed = Seed::plant(&connection, &town.estates[0], 0).await;
    server.terminate();
    seed.live(aws, live).await;
    seed.ended(ended).await;
    finish(&connection, backend).await;
    server.start_again().await;
    tokio::time::sleep(SETTLES).await;
    aws.clear_calls();
    let (begun, before) = (Instant::now(), cpu_seconds(server.process_id()));
    tokio::time::sleep(MEASURED).await;
    let used = cpu_seconds(server.process_id()) - before;
    let share = used / begun.elapsed().as_secs_f64();
    println!(
        "  {:.2} % of a core, within {} s ({} at share); {:.1} MiB resident",
        share * 100.0,
        MEASURED.as_secs(),
        against(share, 0.01, false),
        resident_bytes(server.process_id()) / 1_048_576.0
    );
    println!("  calls meanwhile: {}", told(aws));
}
