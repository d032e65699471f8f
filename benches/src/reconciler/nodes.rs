//! Two nodes against one, with many tenants on PostgreSQL, whose people ask the nodes in turn.
//!
//! AWS is slow here, so that the nodes wait for it and not for the machine's few cores: what is compared is how much
//! waiting goes on side by side. A connection belongs to the node that was asked first, and stays there; a node that is
//! started later is given what nobody owns.

use std::time::{Duration, Instant};

use curfew_sim::{Fault, FaultKind};
use curfew_tests::{Backend, Client};

use super::calls::{answered, told};
use super::scaled;
use crate::figures::against;
use crate::requests::{Size, Town};

const TENANTS: usize = 40;
const REQUESTS_OF_EACH: usize = 20;
/// How long AWS takes for each call.
const AWS_AWAY_MS: u64 = 1_500;
/// Leases of connections for which nothing is to be done run out by then.
const LEASES_LAST: Duration = Duration::from_secs(22);

pub(super) async fn run(backend: &Backend) {
    let (tenants, each) = (scaled(TENANTS, 4), scaled(REQUESTS_OF_EACH, 4));
    println!("{tenants} tenants on PostgreSQL, each call to AWS taking {AWS_AWAY_MS} ms:");
    let mut took = Vec::new();
    for nodes in [1, 2] {
        let one = work(backend, tenants, each, nodes).await;
        println!("  {} assignments by {nodes} node(s): {:.1} s", tenants * each, one.as_secs_f64());
        took.push(one.as_secs_f64());
    }
    let ratio = took[0] / took[1];
    println!("  {ratio:.2} times as fast ({})", against(ratio, 1.8, true));
}

/// How long it takes until AWS has all that `each` person of the tenants asks for.
async fn work(backend: &Backend, tenants: usize, each: usize, nodes: usize) -> Duration {
    let size = Size { people: 1, accounts: each.div_ceil(2) + 1, holders: 0 };
    let (town, server) = Town::build_as(backend, tenants, size).await;
    let mut others = Vec::new();
    for _ in 1..nodes {
        let mut other = server.beside();
        other.start_again().await;
        others.push(other);
    }
    tokio::time::sleep(LEASES_LAST).await;
    let aws = town.cloud.control();
    aws.clear_calls();
    aws.inject(Fault::on("sso:*", FaultKind::DelayReply { ms: AWS_AWAY_MS }));
    let begun = Instant::now();
    let mut asking = tokio::task::JoinSet::new();
    for (number, estate) in town.estates.iter().enumerate() {
        let person = match number % nodes {
            0 => estate.people[0].clone(),
            other => others[other - 1].asked_by(&estate.people[0]),
        };
        let bodies: Vec<String> = (0..each).map(|number| estate.ask(number).body).collect();
        asking.spawn(ask(person, bodies));
    }
    while let Some(asked) = asking.join_next().await {
        asked.expect("it does not panic");
    }
    answered(aws, "CreateAccountAssignment", tenants * each, Duration::from_mins(5)).await;
    let took = begun.elapsed();
    println!("    calls: {}", told(aws));
    took
}

async fn ask(person: Client, bodies: Vec<String>) {
    for body in bodies {
        person.post("/v1/requests", serde_json::from_str(&body).expect("JSON")).await.is(201);
    }
}
