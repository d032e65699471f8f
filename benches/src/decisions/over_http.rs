//! The same as people meet it: `POST /v1/policies/evaluate`, with the whole explanation, on a server with few and with many
//! rules; and the first answer after a rule has changed.

use std::time::{Duration, Instant};

use curfew_tests::{Acme, Backend, Client, Cloud, Json, Server};
use serde_json::{Value, json};

use crate::figures::{Times, against, milliseconds};

const SIZES: [usize; 2] = [10, 10_000];
const RULES_OF_A_POLICY: usize = 100;
const QUESTIONS: usize = 500;
const CHANGES: usize = 50;

pub(crate) async fn run() {
    println!("POST /v1/policies/evaluate on SQLite:");
    let mut at_ten = None;
    for rules in SIZES {
        let (cloud, server) = (Cloud::start().await, Server::on(Backend::Sqlite));
        let server = server.aws(&cloud.url()).env("LOG_LEVEL", "warn").start().await;
        let admin = server.set_up().await;
        let acme = cloud.connect(&admin).await;
        let policy = save(&admin, rules).await;
        let question = question(&acme);
        let steady = asked(&admin, &question).await;
        let (p50, p99) = (milliseconds(steady.median()), milliseconds(steady.quantile(0.99)));
        println!("  {rules:>6} rules: p50 {p50:.2} ms, p99 {p99:.2} ms");
        let growth = p50 / *at_ten.get_or_insert(p50);
        if rules > SIZES[0] {
            println!("  {growth:.2} times the answer at {} ({})", SIZES[0], against(growth, 3.0, false));
            tell_change(&after_changes(&admin, &policy, &question).await, steady.median());
        }
    }
}

fn question(acme: &Acme) -> Value {
    json!({
        "principal": "admin@acme.example", "resource": format!("aws_account:{}", Acme::DEV), "action": "read",
        "duration_seconds": 3_600, "context": { "permission_set_arn": acme.set("ReadOnly") },
    })
}

/// Saves so many rules, a hundred to a policy. Answers the last policy.
async fn save(admin: &Client, rules: usize) -> Value {
    let mut last = Value::Null;
    for first in (0..rules).step_by(RULES_OF_A_POLICY) {
        let numbers = first..rules.min(first + RULES_OF_A_POLICY);
        let policy = json!({
            "name": format!("rules from {first}"), "max_duration_seconds": 28_800, "approval_mode": "auto",
            "cedar_policy_set": numbers.map(statement).collect::<Vec<_>>().join("\n"),
        });
        last = admin.post("/v1/policies", policy).await.is(201);
    }
    last
}

/// By account and role, by unit on conditions, by person, and forbids; few speak of what is asked for.
fn statement(number: usize) -> String {
    let account = if number % 1_000 < 2 { Acme::DEV.to_owned() } else { format!("6{number:011}") };
    match number % 5 {
        0 | 1 => format!(
            "permit (principal in Role::\"admin\", action == Action::\"read\", resource == AwsAccount::\"{account}\");"
        ),
        2 => format!(
            "permit (principal in Role::\"user\", action == Action::\"write\", \
             resource in AwsOrganizationalUnit::\"ou-ab12-{number:08}\") when {{ context.hour >= 8 }};"
        ),
        3 => format!(
            "permit (principal == User::\"admin@acme.example\", action, resource == AwsAccount::\"{account}\");"
        ),
        _ => format!(
            "forbid (principal, action, resource == AwsAccount::\"{account}\") when {{ context.mfa }};"
        ),
    }
}

async fn asked(admin: &Client, question: &Value) -> Times {
    let mut times = Times::default();
    // The first one compiles.
    once(admin, question).await;
    for _ in 0..QUESTIONS {
        times.add(once(admin, question).await);
    }
    times
}

async fn once(admin: &Client, question: &Value) -> Duration {
    let begun = Instant::now();
    let answer = admin.post("/v1/policies/evaluate", question.clone()).await.ok();
    let took = begun.elapsed();
    assert_eq!(answer["permitted"], true, "{answer:#}");
    took
}

/// The first answer after each change of one rule.
async fn after_changes(admin: &Client, policy: &Value, question: &Value) -> Times {
    let (id, rule) = (policy.text("id"), policy["rules"][0].text("id"));
    let mut times = Times::default();
    for turn in 0..CHANGES {
        let change = json!({ "conditions": format!("when {{ context.hour >= {} }}", turn % 24) });
        admin.patch(&format!("/v1/policies/{id}/rules/{rule}"), change).await.ok();
        times.add(once(admin, question).await);
    }
    times
}

fn tell_change(after: &Times, steady: Duration) {
    let more = milliseconds(after.median()) - milliseconds(steady);
    println!(
        "  the first answer after one rule changed takes {more:.2} ms more ({})",
        against(more, 5.0, false)
    );
}
