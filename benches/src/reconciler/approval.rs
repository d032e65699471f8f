//! From the decision to the access: when it was there, and when Curfew knew that, against what AWS itself took. AWS takes
//! another time for each.
//!
//! The first is Curfew's own time before the creation. The second has more in it: AWS does not tell of an end, and bears 20
//! askings a second, so whoever asks as often as that knows 50 ms later at worst.

use std::time::Duration;

use curfew_tests::{Backend, Database, Json};
use sea_orm::{ConnectionTrait, Statement, Value};
use uuid::Uuid;

use super::calls::{answered, first_asked, told};
use super::seed::connect;
use super::{name, scaled};
use crate::figures::{Times, against, milliseconds};
use crate::requests::{Size, Town};

/// What AWS takes is drawn from here, in milliseconds.
const AWS_TAKES: std::ops::Range<u64> = 300..900;

/// So many go by before it is measured: what AWS usually takes is learned from them.
const FIRST: usize = 10;

/// A grant's moments, in microseconds.
struct Moments {
    decided: i64,
    succeeded: Option<i64>,
}

pub(super) async fn run(backend: &Backend) {
    let requests = scaled(120, 20);
    println!("{requests} approvals in a row on {}, of which AWS takes {AWS_TAKES:?} ms each:", name(backend));
    let size = Size { people: 1, accounts: requests.div_ceil(2) + FIRST, holders: 0 };
    let (town, server) = Town::build_as(backend, 1, size).await;
    let (estate, aws) = (&town.estates[0], town.cloud.control());
    let (mut asked, mut known) = (Times::default(), Times::default());
    aws.clear_calls();
    for number in 0..requests + FIRST {
        let takes = drawn(number);
        aws.behave(|behaviour| behaviour.assignment_ms = i64::try_from(takes).expect("it fits"));
        let ask = estate.ask(number);
        let body = serde_json::from_str(&ask.body).expect("JSON");
        let grant = estate.people[0].post("/v1/requests", body).await.is(201).text("grant_id");
        answered(aws, "CreateAccountAssignment", number + 1, Duration::from_secs(30)).await;
        let moments = succeeded(server.database(), &grant).await;
        let sent = first_asked(aws, "CreateAccountAssignment").into_values().max().expect("a creation");
        if number >= FIRST {
            let there = sent + i64::try_from(takes * 1_000).expect("it fits");
            asked.add(since(moments.decided, sent));
            let seen = moments.succeeded.expect("it succeeded");
            known.add(since(moments.decided, sent) + since(there, seen));
        }
    }
    tell("there, past AWS's own time", &asked, 50.0);
    tell("known, past AWS's own time", &known, 100.0);
    println!("  calls: {}", told(aws));
}

fn tell(what: &str, times: &Times, goal: f64) {
    let (p50, p99) = (milliseconds(times.median()), milliseconds(times.quantile(0.99)));
    println!("  {what}: {p50:.0} ms (p50), {p99:.0} ms (p99; {})", against(p99, goal, false));
}

/// Some number of that range, another for each, and the same in every run.
fn drawn(number: usize) -> u64 {
    let number = u64::try_from(number).expect("it fits");
    AWS_TAKES.start + number.wrapping_mul(2_654_435_761) % (AWS_TAKES.end - AWS_TAKES.start)
}

fn since(before: i64, after: i64) -> Duration {
    Duration::from_micros(u64::try_from(after - before).unwrap_or_default())
}

async fn succeeded(database: &Database, grant: &str) -> Moments {
    let connection = connect(database).await;
    let id: Value = grant.parse::<Uuid>().expect("a UUID").into();
    let sql = "SELECT decided_at, succeeded_at FROM access_grant WHERE id = $1";
    let statement = Statement::from_sql_and_values(connection.get_database_backend(), sql, [id]);
    for _ in 0..3_000 {
        let row = connection.query_one_raw(statement.clone()).await.expect("an answer").expect("a grant");
        let moments = Moments {
            decided: row.try_get("", "decided_at").expect("a moment"),
            succeeded: row.try_get("", "succeeded_at").expect("a moment"),
        };
        if moments.succeeded.is_some() {
            connection.close().await.expect("closed");
            return moments;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the grant {grant} does not succeed");
}
