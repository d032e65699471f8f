//! What testing a connection costs beside the calls to AWS that it makes.

use std::time::Instant;

use curfew_sim::world::ACME_DELEGATED_ROLE;
use curfew_sim::{CallRecord, Fault, FaultKind, SimControl};
use curfew_tests::{Backend, Client, Cloud, Server};
use serde_json::{Map, Value};

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
    let trust = cloud.control().world().role(ACME_DELEGATED_ROLE).expect("Acme's role").trust.clone();
    let bare = BareAws::new(&cloud.url(), &acme, &trust.external_ids[0]).await;
    let tested = made(cloud.control(), async { drop(admin.order(PATH).await.ok()) }).await;
    let floor = made(cloud.control(), bare.make()).await;
    assert_eq!(tested, floor, "the test makes other calls: make them in the floor too");
    println!("  {} calls by each, side by side where the test makes them so:", tested.len());
    for (operation, parameters) in &tested {
        println!("    {operation} {parameters}");
    }

    compare("AWS on loopback", &admin, &bare, ROUNDS).await;
    cloud.control().inject(Fault::on("*", FaultKind::DelayReply { ms: AWS_AWAY_MS }));
    compare("AWS 10 ms away ", &admin, &bare, ROUNDS / 4).await;
}

/// The calls that something makes as a test, in the order of their names, with their parameters. A test that passes is
/// followed by a reading of everything, under another name.
async fn made(aws: &SimControl, something: impl Future<Output = ()>) -> Vec<(String, String)> {
    aws.clear_calls();
    something.await;
    let trusted = aws.world().role(ACME_DELEGATED_ROLE).expect("Acme's role").trust.external_ids[0].clone();
    let of_a_test = |call: &CallRecord| {
        let own = call.parameters.get("RoleSessionName").and_then(Value::as_str);
        own.or(call.caller.as_deref()).is_some_and(|name| name.contains("curfew-test-"))
    };
    let calls = aws.calls().into_iter().filter(of_a_test);
    let mut calls: Vec<_> = calls.map(|call| told(call, &trusted)).collect();
    calls.sort();
    calls
}

/// A call without what each caller chooses for itself.
fn told(call: CallRecord, trusted: &str) -> (String, String) {
    let mut parameters: Map<String, Value> = call.parameters;
    if let Some(name) = parameters.get_mut("RoleSessionName") {
        *name = "…".into();
    }
    if let Some(external_id) = parameters.get_mut("ExternalId") {
        *external_id = if external_id == trusted { "the tenant's" } else { "another" }.into();
    }
    (call.operation, Value::from(parameters).to_string())
}

async fn compare(what: &str, admin: &Client, bare: &BareAws, rounds: usize) {
    let (mut curfew, mut floor) = (Times::default(), Times::default());
    // The first rounds warm both up.
    for round in 0..rounds + 10 {
        let begun = Instant::now();
        let test = admin.order(PATH).await.ok();
        let tested = begun.elapsed();
        assert_eq!(test["success"], true, "{test:#}");
        let begun = Instant::now();
        bare.make().await;
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
