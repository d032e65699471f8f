//! Auto-approved requests against a bare handler that inserts the same rows into the same database.
//!
//! Both are processes of their own, get the same bodies over the same number of connections, and keep what they are
//! given with the same durability. They take turns, so that the machine's moods and the database's growth hit both.

mod ask;
mod driver;
pub(crate) mod floor;
mod rows;
mod town;

use curfew_tests::Backend;

use crate::figures::{Times, against, milliseconds};
use driver::Driven;
use floor::Floor;

pub(crate) use driver::{drive, drive_from};
pub(crate) use rows::gather_statistics;
pub(crate) use town::{Estate, Size, Town};

const REQUESTS: usize = 10_000;
const TURNS: usize = 4;

/// Those of the comparisons that are named; where no database is, on both, and where no number of tenants is, with each.
pub(crate) async fn run(named: &[String]) {
    let backends = [("sqlite", Some(Backend::Sqlite)), ("postgresql", Backend::postgresql())];
    for backend in chosen(&backends, named).into_iter().flatten() {
        for tenants in chosen(&[("1", 1), ("50", 50)], named) {
            compare(backend, *tenants).await;
        }
    }
}

fn chosen<'a, T>(all: &'a [(&str, T)], named: &[String]) -> Vec<&'a T> {
    let is_named = |name: &str| named.iter().any(|one| one == name);
    let some: Vec<&T> = all.iter().filter(|(name, _)| is_named(name)).map(|(_, thing)| thing).collect();
    if some.is_empty() { all.iter().map(|(_, thing)| thing).collect() } else { some }
}

async fn compare(backend: &Backend, tenants: usize) {
    let name = match backend {
        Backend::Sqlite => "SQLite",
        Backend::Postgresql(_) => "PostgreSQL",
    };
    println!("{REQUESTS} auto-approved requests of {tenants} tenant(s) on {name}:");
    let (town, mut server) = Town::build(backend, tenants).await;
    let templates = rows::capture(&town, server.database()).await;
    rows::gather_statistics(server.database()).await;
    let (mut curfew, mut bare) = (Driven::default(), Driven::default());
    for _ in 0..TURNS {
        curfew.extend(drive(server.port(), &town, REQUESTS / TURNS).await);
        server.terminate();
        let floor = Floor::start(backend, server.database(), &templates).await;
        bare.extend(drive(floor.port(), &town, REQUESTS / TURNS).await);
        drop(floor);
        server.start_again().await;
    }
    tell("curfewd", &curfew);
    tell("floor  ", &bare);
    let ratio = curfew.per_second() / bare.per_second();
    let later = p99(&curfew.times) / p99(&bare.times);
    println!(
        "  throughput {ratio:.2} of the floor's ({}); p99 {later:.2} times the floor's",
        against(ratio, 0.5, true)
    );
}

fn tell(who: &str, driven: &Driven) {
    let (p50, p99) = (milliseconds(driven.times.median()), p99(&driven.times));
    println!("  {who} {:.0} requests/s, p50 {p50:.2} ms, p99 {p99:.2} ms", driven.per_second());
}

fn p99(times: &Times) -> f64 {
    milliseconds(times.quantile(0.99))
}
