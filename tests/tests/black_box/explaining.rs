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

    async fn who_and_what_are_answered_as_evaluate_answers_each(backend: Backend) {
        let cloud = Cloud::start().await;
        let server = Server::on(backend).aws(&cloud.url()).start().await;
        let admin = server.set_up().await;
        let acme = cloud.connect(&admin).await;
        let alice = admin.person("alice@acme.example", &["user"]).await;
        let reading = json!({ "name": "Read in Dev", "approval_mode": "auto", "max_duration_seconds": 3_600 });
        make(&admin, reading, "**1. Reading", "Dev").await;
        let everyone = json!({
            "name": "Everybody, with a ticket", "max_duration_seconds": 3_600, "approvals_required": 2,
            "cedar_policy_set": "permit (principal, action, resource is AwsAccount) when { context has ticket };",
        });
        admin.post("/v1/policies", everyone).await.is(201);
        let accounts = admin.get("/v1/aws/accounts").await.ok().list("data");
        let context = json!({ "ticket": "OPS-7" });
        let set = acme.set("ReadOnly");
        let what = json!({ "principal": "alice@acme.example", "action": "read", "context": context });
        let what = admin.post("/v1/policies/what-can-access", what).await.ok();
        let mut permitted = 0;
        for account in accounts.iter().map(|account| account.text("id")) {
            let alone = json!({
                "principal": "alice@acme.example", "resource": format!("aws_account:{account}"), "action": "read",
                "context": { "ticket": "OPS-7", "permission_set_arn": set },
            });
            let alone = admin.post("/v1/policies/evaluate", alone).await;
            let who = json!({ "account_id": account, "permission_set_arn": set, "action": "read", "context": context });
            let who = admin.post("/v1/policies/who-can-access", who).await;
            let given = what.list("access").into_iter().find(|one| one["account_id"] == account && one["permission_set_arn"] == set);
            if alone.status != 200 {
                assert_eq!((who.status, given), (alone.status, None));
                continue;
            }
            let (alone, who) = (alone.ok(), who.ok());
            assert_eq!(who["checked"], 2, "alice and the admin: {who:#}");
            let given = given.expect("everybody is permitted");
            for field in ["approval_mode", "duration_seconds", "max_duration_seconds", "approvals", "determining"] {
                assert_eq!(given[field], alone[field], "{field}");
                assert!(who.list("people").iter().any(|one| one[field] == alone[field]), "{field}: {who:#}");
            }
            permitted += 1;
        }
        assert!(permitted > 2);

        let herself = json!({ "principal": alice.id().await, "action": "read", "context": context });
        let told = alice.post("/v1/policies/what-can-access", herself).await.ok();
        assert_eq!((&told["found"], &told["checked"]), (&what["found"], &what["checked"]));
        let waits = told.list("access").into_iter().filter(|one| one["approval_mode"] == "require");
        assert!(waits.clone().count() > 2 && waits.clone().all(|one| one["approvals_required"] == 2), "{told:#}");
        for policy in admin.get("/v1/policies").await.ok().list("data") {
            assert!(!told.to_string().contains(&policy.text("id")), "a policy is named: {told:#}");
        }
    }
}
