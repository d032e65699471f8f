//! How soon after its end access is taken back: from `expires_at` to the arrival of the deletion at AWS, with many grants
//! live and many ending in one second.

use std::collections::BTreeMap;
use std::time::Duration;

use curfew_sim::{CallRecord, Limits, Service};
use curfew_tests::{Backend, Server};
use serde_json::Value;

use super::calls::{Key, answered, first_asked, is_turned_away, told};
use super::seed::{Seed, connect, finish};
use super::{name, real, scaled};
use crate::figures::{Times, against, milliseconds};
use crate::requests::{Estate, Size, Town};

/// How long the server knows of the ends before they come.
const AHEAD: Duration = Duration::from_secs(12);

/// What AWS bears of one tenant in a second.
const LIMIT: f64 = 20.0;

/// A second.
const MICROS: i64 = 1_000_000;

/// When others ask for access: then theirs waits as well.
const SHORTLY_BEFORE: Duration = Duration::from_millis(700);

/// How much is live, and what of it ends in the same second.
#[derive(Clone, Copy)]
struct Load {
    tenants: usize,
    live: usize,
    ending: usize,
}

pub(super) async fn run(backend: &Backend) {
    unlimited(backend).await;
    limited(backend).await;
}

/// Each ending grant is in an account of its own: what waits waits for Curfew alone.
async fn unlimited(backend: &Backend) {
    let tenants = scaled(50, 2);
    let load = Load { tenants, live: scaled(100_000, 200), ending: scaled(1_000, 20) };
    let (town, server) = settle(backend, load).await;
    let lag = lags(backend, &town, &server, load, 0).await;
    let (p50, p99, worst) = (at(&lag, 0.5), at(&lag, 0.99), at(&lag, 1.0));
    println!(
        "  AWS without limits: deletion sent {p50:.0} ms (p50), {p99:.0} ms (p99), {worst:.0} ms (worst) after the end ({})",
        against(p99, 250.0, false)
    );
    println!("    calls meanwhile: {}", told(town.cloud.control()));
}

/// Few tenants, with so much to take back that each is at its limit for a while, and asks for new access meanwhile. All that is
/// live in one is one person's, who may have a thousand grants.
async fn limited(backend: &Backend) {
    let load = Load { tenants: 2, live: scaled(1_600, 200), ending: scaled(400, 120) };
    let (town, server) = settle(backend, load).await;
    town.cloud.control().behave(|behaviour| behaviour.limits = Limits::published());
    let each = load.ending / load.tenants;
    lags(backend, &town, &server, load, each / 4).await;
    let shares: Vec<Share> = town.estates.iter().map(|estate| Share::of(&town, estate)).collect();
    let mean = |of: fn(&Share) -> f64| shares.iter().map(of).sum::<f64>() / real(shares.len());
    let used = mean(|share| share.used);
    let turned_away = mean(|share| share.turned_away);
    let overtaken = mean(|share| share.overtaken);
    println!(
        "  20 calls/s for each tenant, {} of {} tenants' grants end in a second:",
        load.ending, load.tenants
    );
    println!(
        "    {:.1} % of the limit used while there was work ({})",
        used * 100.0,
        against(used, 0.95, true)
    );
    println!(
        "    {:.2} % of the calls turned away ({})",
        turned_away * 100.0,
        against(turned_away, 0.01, false)
    );
    println!(
        "    {:.2} % of the calls before the last deletion gave access ({})",
        overtaken * 100.0,
        against(overtaken, 0.01, false)
    );
}

/// What one tenant's calls were to the last deletion, from when all that ends had ended: what was saved up for a moment of
/// much work was used up by then.
struct Share {
    used: f64,
    turned_away: f64,
    overtaken: f64,
}

impl Share {
    fn of(town: &Town, estate: &Estate) -> Self {
        let mut calls = town.cloud.control().calls();
        calls.retain(|call| {
            let instance = call.parameters.get("InstanceArn").and_then(Value::as_str);
            call.service == Service::SsoAdmin && instance == Some(estate.instance())
        });
        let at = |call: &CallRecord| call.at.as_microsecond();
        let deletions = || calls.iter().filter(|call| call.operation == "DeleteAccountAssignment").map(at);
        let first = deletions().min().expect("a deletion") + MICROS;
        let last = deletions().max().expect("a deletion");
        assert!(last > first, "a second was enough for all: there is too little to take back");
        calls.retain(|call| (first..=last).contains(&at(call)));
        let turned_away = calls.iter().filter(|call| is_turned_away(call)).count();
        let gave = calls.iter().filter(|call| call.operation.contains("Creat")).count();
        let seconds = Duration::from_micros(u64::try_from(last - first).expect("above 0")).as_secs_f64();
        Self {
            used: real(calls.len() - turned_away) / (LIMIT * seconds),
            turned_away: real(turned_away) / real(calls.len()),
            overtaken: real(gave) / real(calls.len()),
        }
    }
}

async fn settle(backend: &Backend, load: Load) -> (Town, Server) {
    let Load { tenants, live, ending } = load;
    println!(
        "{live} live grants of {tenants} tenants on {}, {ending} of which end in one second:",
        name(backend)
    );
    let accounts = ending.div_ceil(tenants) + 5;
    let holders = live.div_ceil(tenants * accounts * 2) + 1;
    Town::build_as(backend, tenants, Size { people: 1, accounts, holders }).await
}

/// Lets them end, and so many requests of each tenant's come a moment before.
async fn lags(backend: &Backend, town: &Town, server: &Server, load: Load, requests: usize) -> Times {
    let (aws, connection) = (town.cloud.control(), connect(server.database()).await);
    let mut seeds = Vec::new();
    for (number, estate) in town.estates.iter().enumerate() {
        let seed = Seed::plant(&connection, estate, number).await;
        seed.live(aws, load.live / load.tenants).await;
        seeds.push(seed);
    }
    finish(&connection, backend).await;
    let second = aws.now().as_microsecond() + i64::try_from(AHEAD.as_micros()).expect("it fits");
    let mut expected: BTreeMap<Key, i64> = BTreeMap::new();
    let each = load.ending / load.tenants;
    for (tenant, seed) in seeds.iter().enumerate() {
        let end = |number: usize| {
            let nth = i64::try_from(number * load.tenants + tenant).expect("it fits");
            second + nth * MICROS / i64::try_from(load.ending).expect("it fits")
        };
        let ends: Vec<(usize, i64)> = (0..each).map(|number| (number, end(number))).collect();
        seed.end_at(&ends).await;
        for (number, end) in ends {
            let held = seed.held(number);
            expected.insert((held.account, held.set, held.principal), end);
        }
    }
    let left = second - aws.now().as_microsecond();
    assert!(left > 2_000_000, "seeding ended {left} µs before the first end");
    let left = Duration::from_micros(u64::try_from(left).expect("above 0"));
    tokio::time::sleep(left.saturating_sub(SHORTLY_BEFORE)).await;
    aws.clear_calls();
    ask(town, requests).await;
    answered(aws, "DeleteAccountAssignment", each * load.tenants, Duration::from_mins(2)).await;
    let asked = first_asked(aws, "DeleteAccountAssignment");
    let mut lag = Times::default();
    for (key, end) in &expected {
        let late = asked.get(key).unwrap_or_else(|| panic!("nobody took back {key:?}")) - end;
        lag.add(Duration::from_micros(u64::try_from(late).expect("nobody takes it back early")));
    }
    lag
}

/// Each tenant's people ask for so much.
async fn ask(town: &Town, requests: usize) {
    let mut asked = tokio::task::JoinSet::new();
    for estate in &town.estates {
        for number in 1..=requests {
            let (person, ask) = (estate.people[0].clone(), estate.ask(number));
            let body = serde_json::from_str(&ask.body).expect("JSON");
            asked.spawn(async move { person.post("/v1/requests", body).await.is(201) });
        }
    }
    while let Some(answer) = asked.join_next().await {
        answer.expect("it does not panic");
    }
}

fn at(lag: &Times, share: f64) -> f64 {
    milliseconds(lag.quantile(share))
}
