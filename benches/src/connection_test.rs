//! What testing a connection costs beside the calls to AWS that it makes.

use std::time::Instant;

use curfew_sim::world::ACME_DELEGATED_ROLE;
use curfew_sim::{Fault, FaultKind};
use curfew_tests::{Backend, Client, Cloud, Server};

use crate::bare_aws::BareAws;
use crate::figures::{Times, against, milliseconds};

const ROUNDS: usize = 200;
const PATH: &str = "/v1/integrations/aws-identity-center/test";
/// What AWS takes from where Curfew usually runs: the same region.
const AWS_AWAY_MS: u64 = 10;

pub(crate) async fn run() {
    println!("POST …/test against the bare AWS calls that it makes (same SDK, connections kept):");
    let cloud = Cloud::start().await;
    let server = Server::on(Backend::Sqlite).aws(&cloud.url()).env("LOG_LEVEL", "info").start().await;
    let admin = server.set_up_as("multi").await;
    let acme = cloud.connect(&admin).await;
    cloud.control().clear_calls();
    admin.order(PATH).await.ok();
    let calls: Vec<String> = cloud.control().calls().into_iter().map(|call| call.operation).collect();
    println!("  {} calls: {}", calls.len(), calls.join(", "));
    let trust = cloud.control().world().role(ACME_DELEGATED_ROLE).expect("Acme's role").trust.clone();
    let bare = BareAws::new(&cloud.url(), &acme, &trust.external_ids[0]).await;

    compare("AWS on loopback", &admin, &bare, &calls, ROUNDS).await;
    cloud.control().inject(Fault::on("*", FaultKind::DelayReply { ms: AWS_AWAY_MS }));
    compare("AWS 10 ms away ", &admin, &bare, &calls, ROUNDS / 4).await;
}

async fn compare(what: &str, admin: &Client, bare: &BareAws, calls: &[String], rounds: usize) {
    let (mut curfew, mut floor) = (Times::default(), Times::default());
    // The first rounds warm both up.
    for round in 0..rounds + 10 {
        let begun = Instant::now();
        let test = admin.order(PATH).await.ok();
        let tested = begun.elapsed();
        assert_eq!(test["success"], true, "{test:#}");
        let begun = Instant::now();
        bare.make(calls).await;
        let made = begun.elapsed();
        if round >= 10 {
            curfew.add(tested);
            floor.add(made);
        }
    }
    let (test, bare) = (milliseconds(curfew.median()), milliseconds(floor.median()));
    let ratio = test / bare;
    println!(
        "  {what}: test {test:.2} ms, bare {bare:.2} ms, ratio {ratio:.3} ({})",
        against(ratio, 1.1, false)
    );
}
