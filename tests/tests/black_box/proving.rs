//! What is true of policies for every request: the worked example of the documentation.

use curfew_tests::{Cloud, Server, on_both_databases};
use serde_json::{Value, json};

use crate::explaining::{block, documented_cedar, make, says};

/// The documented answer behind `title`.
fn answer(title: &str) -> Value {
    serde_json::from_str(block(title, "```json\n", "```")).expect("it is JSON")
}

on_both_databases! {
    async fn a_change_is_proved_and_refuted_as_documented(backend: Backend) {
        let cloud = Cloud::start().await;
        let server = Server::on(backend).aws(&cloud.url()).start().await;
        let admin = server.set_up().await;
        let acme = cloud.connect(&admin).await;
        let reading = json!({ "name": "Read in Dev", "approval_mode": "auto", "max_duration_seconds": 3_600 });
        let made = make(&admin, reading, "**1. Reading", "Dev").await;
        for title in ["**Proved.**", "**Refuted.**"] {
            let cedar = documented_cedar(&admin, title, "Dev").await;
            let draft = json!({ "changes": [{ "policy_id": made["id"], "cedar_policy_set": cedar }] });
            let told = admin.post("/v1/policies/analyze", draft).await.ok();
            assert!(says(&told, &answer(title)), "{told:#}");
        }
        let reach = json!({ "reach": { "account_id": "100000000004" }, "rules": {} });
        let told = admin.post("/v1/policies/analyze", reach).await.ok();
        assert!(says(&told, &answer("**Who gets in, and what never matters.**")), "{told:#}");
        let others = json!({ "reach": { "account_id": "100000000005", "permission_set_arn": acme.set("ReadOnly") } });
        let told = admin.post("/v1/policies/analyze", others).await.ok();
        assert_eq!(told["reach"]["answer"], "refuted", "{told:#}");
        assert_eq!(told["reach"]["counterexample"]["action"], "read");
        admin.person("alice@acme.example", &["user"]).await.post("/v1/policies/analyze", json!({ "rules": {} })).await
            .refused(403, "forbidden");
    }
}
