//! A draft of 1,000 rules, tried on 10,000 past requests through the API, against reading and parsing the same rows and
//! deciding nothing.

mod draft;
mod floor;

use std::time::{Duration, Instant};

use curfew_tests::{Backend, Client, Json};
use serde_json::{Value, json};

use crate::figures::{Times, against};
use crate::requests::{Town, drive, gather_statistics};
use draft::Rules;

const REQUESTS: usize = 10_000;
const RULES: usize = 1_000;
/// How many policies they are in.
const POLICIES: usize = 10;
const TURNS: usize = 3;
/// What is promised.
const GOAL: Duration = Duration::from_secs(5);

pub(crate) async fn run() {
    println!("A draft of {RULES} rules tried on {REQUESTS} past requests on SQLite:");
    let (town, server) = Town::build(&Backend::Sqlite, 1).await;
    drive(server.port(), &town, REQUESTS).await;
    gather_statistics(server.database()).await;
    let estate = &town.estates[0];
    let rules = Rules::of(estate);
    let changed = save(&estate.admin, &rules).await;
    let body = rules.draft(&changed);
    let (mut simulated, mut bare) = (Times::default(), Times::default());
    for _ in 0..TURNS {
        let begun = Instant::now();
        let answer = estate.admin.post("/v1/policies/simulate", body.clone()).await.ok();
        simulated.add(begun.elapsed());
        check(&answer);
        let begun = Instant::now();
        floor::read(server.database(), estate.admin.tenant(), REQUESTS).await;
        bare.add(begun.elapsed());
    }
    let (simulated, bare) = (simulated.median(), bare.median());
    tell("simulate", simulated);
    tell("floor   ", bare);
    println!(
        "  {:.1} times the floor's; {:.2} s ({})",
        simulated.as_secs_f64() / bare.as_secs_f64(),
        simulated.as_secs_f64(),
        against(simulated.as_secs_f64(), GOAL.as_secs_f64(), false)
    );
}

/// The policies as they are before the draft. Answers the one that it changes.
async fn save(admin: &Client, rules: &Rules) -> String {
    let mut last = String::new();
    for number in 0..POLICIES {
        let policy = rules.policy(number, POLICIES, RULES);
        last = admin.post("/v1/policies", policy).await.is(201).text("id");
    }
    last
}

/// Whoever answers fast because not all was asked, or because nothing differs, is not measured.
fn check(answer: &Value) {
    let number = |field: &str| answer[field].as_u64().expect("a number");
    let asked = number("replayed");
    assert_eq!(
        usize::try_from(asked).expect("it fits"),
        REQUESTS,
        "it was broken off: {}",
        answer["oldest_requested_at"]
    );
    let differ = answer["summary"]["narrower"].as_u64().expect("a number");
    assert!(differ > 0 && differ < asked, "{}", answer["summary"]);
    assert_eq!(answer["faults"], json!([]));
}

fn tell(who: &str, took: Duration) {
    #[expect(clippy::cast_precision_loss, reason = "thousands")]
    let per_second = REQUESTS as f64 / took.as_secs_f64();
    println!("  {who} {:.2} s, {per_second:.0} requests/s (median of {TURNS})", took.as_secs_f64());
}
