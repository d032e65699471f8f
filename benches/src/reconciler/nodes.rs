//! Two nodes against one, with many tenants on PostgreSQL.
//!
//! AWS is slow here, so that both nodes wait for it and not for the machine's few cores: what is compared is how much
//! waiting they do side by side.

use std::time::{Duration, Instant};

use curfew_sim::{Fault, FaultKind};
use curfew_tests::{Backend, Server};

use super::calls::{answered, told};
use super::scaled;
use crate::figures::against;
use crate::requests::{Size, Town, drive_from};

const TENANTS: usize = 40;
/// How long AWS takes for each call.
const AWS_AWAY_MS: u64 = 1_500;

pub(super) async fn run(backend: &Backend) {
    let tenants = scaled(TENANTS, 4);
    println!("{tenants} tenants on PostgreSQL, each call to AWS taking {AWS_AWAY_MS} ms:");
    let (town, server) = Town::build_as(backend, tenants, Size { people: 1, accounts: 20, holders: 0 }).await;
    let each = scaled(20, 4);
    let alone = work(&town, &server, 0, each * tenants).await;
    let mut second = server.beside();
    second.start_again().await;
    // Both take what the other leaves them.
    tokio::time::sleep(Duration::from_secs(20)).await;
    let together = work(&town, &server, each * tenants, each * tenants).await;
    let ratio = alone.as_secs_f64() / together.as_secs_f64();
    println!(
        "  {} assignments: {:.1} s by one node, {:.1} s by two: {ratio:.2} times as fast ({})",
        each * tenants,
        alone.as_secs_f64(),
        together.as_secs_f64(),
        against(ratio, 1.8, true)
    );
    println!("  calls: {}", told(town.cloud.control()));
}

/// How long so many requests take until AWS has all of them, after those that were before.
async fn work(town: &Town, server: &Server, before: usize, requests: usize) -> Duration {
    let aws = town.cloud.control();
    aws.clear_calls();
    aws.inject(Fault::on("sso:*", FaultKind::DelayReply { ms: AWS_AWAY_MS }));
    let begun = Instant::now();
    drive_from(server.port(), town, before..before + requests).await;
    answered(aws, "CreateAccountAssignment", requests, Duration::from_mins(5)).await;
    let took = begun.elapsed();
    aws.clear_faults();
    took
}
