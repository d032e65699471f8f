//! What Curfew costs, as ratios against a floor that is measured in the same run.
//!
//! `curfew-benches [connection-test] [start] [decisions] [requests [sqlite] [postgresql] [1] [50]] [simulate]
//! [expiry] [approval] [assignments] [drift] [idle] [nodes]`: all of them without a name, and all sizes of the requests
//! without one. `make bench` builds what is measured and starts a PostgreSQL that keeps what it is given.

mod bare_aws;
mod connection_test;
mod decisions;
mod figures;
mod process;
mod reconciler;
mod requests;
mod simulate;
mod start;

#[tokio::main]
async fn main() {
    let named: Vec<String> = std::env::args().skip(1).collect();
    if named.first().is_some_and(|first| first == "floor") {
        return requests::floor::serve(&named[1..]).await;
    }
    let wanted = |name: &str| named.is_empty() || named.iter().any(|one| one == name);
    if wanted("connection-test") {
        connection_test::run().await;
    }
    if wanted("start") {
        start::run().await;
    }
    if wanted("decisions") {
        decisions::run().await;
    }
    if wanted("requests") {
        requests::run(&named).await;
    }
    if wanted("simulate") {
        simulate::run().await;
    }
    reconciler::run(&named).await;
}
