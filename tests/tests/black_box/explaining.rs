//! Why a request would be denied: the worked example of the documentation.

use curfew_tests::{Client, Cloud, Json, Server, on_both_databases};
use serde_json::{Value, json};

const DOCUMENTED: &str = include_str!("../../../docs/policies.md");

/// What stands in a fenced block behind the first mention of `title`.
pub(crate) fn block(title: &str, fence: &str, end: &str) -> &'static str {
    let (_, behind) = DOCUMENTED.split_once(title).expect("the page has it");
    let (_, block) = behind.split_once(fence).expect("a block follows");
    block.split_once(end).expect("the block ends").0
}

/// Makes one of the documented policies, for the accounts that this organization has in `unit`.
pub(crate) async fn make(admin: &Client, mut terms: Value, title: &str, unit: &str) -> Value {
    terms["cedar_policy_set"] = documented_cedar(admin, title, unit).await.into();
    admin.post("/v1/policies", terms).await.is(201)
}

/// The documented Cedar behind `title`, for the accounts that this organization has in `unit`.
pub(crate) async fn documented_cedar(admin: &Client, title: &str, unit: &str) -> String {
    let units = admin.get("/v1/aws/organizational-units").await.ok().list("data");
    let unit = units.iter().find(|known| known["name"] == unit).expect("a unit of the demo's").text("id");
    let cedar = block(title, "<<'CEDAR'\n", "CEDAR\n");
    let (before, rest) = cedar.split_once("ou-").expect("it names a unit");
    let (_, after) = rest.split_once('"').expect("the id ends");
    format!("{before}{unit}\"{after}")
}

/// Whether `real` says all that `documented` says; what is cut there with `…` may be longer.
pub(crate) fn says(real: &Value, documented: &Value) -> bool {
    match (real, documented) {
        (Value::Object(real), Value::Object(documented)) => {
            documented.iter().all(|(name, value)| real.get(name).is_some_and(|real| says(real, value)))
        }
        (Value::Array(real), Value::Array(documented)) => {
            real.len() == documented.len()
                && real.iter().zip(documented).all(|(real, value)| says(real, value))
        }
        (Value::String(real), Value::String(documented)) => match documented.split_once("019ca…") {
            Some((before, after)) => real.starts_with(before) && real.ends_with(after),
            None => real == documented,
        },
        (real, documented) => real == documented,
    }
}

on_both_databases! {
    async fn a_denial_is_explained_as_documented(backend: Backend) {
        let cloud = Cloud::start().await;
        let server = Server::on(backend).aws(&cloud.url()).start().await;
        let admin = server.set_up().await;
        let acme = cloud.connect(&admin).await;
        let alice = admin.person("alice@acme.example", &["user"]).await;
        let reading = json!({ "name": "Read in Dev", "approval_mode": "auto", "max_duration_seconds": 3_600 });
        make(&admin, reading, "**1. Reading", "Dev").await;
        let terms = block("**2. Writing", "policy '", "' <<");
        make(&admin, serde_json::from_str(terms).expect("its terms are JSON"), "**2. Writing", "Prod").await;

        let mut wanted = json!({
            "principal": "alice@acme.example", "resource": "aws_account:100000000004", "action": "write",
            "context": {
                "permission_set_arn": acme.set("PowerUser"), "ticket": "OPS-7", "requested_at": "2026-03-02T07:30:00Z",
            },
        });
        let denied = admin.post("/v1/policies/evaluate", wanted.clone()).await.ok();
        let documented: Value =
            serde_json::from_str(block("## Why was this denied?", "```json\n", "```")).expect("it is JSON");
        assert!(says(&denied, &documented), "{denied:#}");

        wanted["context"]["requested_at"] = "2026-03-02T08:00:00Z".into();
        let permitted = admin.post("/v1/policies/evaluate", wanted.clone()).await.ok();
        assert_eq!((&permitted["permitted"], &permitted["approval_mode"]), (&json!(true), &json!("require")));
        assert_eq!(permitted["approvals"][0]["approvals_required"], 2, "{permitted:#}");
        alice.post("/v1/policies/evaluate", wanted).await.refused(403, "forbidden");
        assert_eq!(admin.get("/v1/requests").await.ok().list("data"), Vec::<Value>::new());
    }
}
