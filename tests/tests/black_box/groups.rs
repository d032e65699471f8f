//! Groups, from the first member to the assignment in AWS.

use curfew_tests::{Acme, Client, Cloud, Json, Server, on_both_databases};
use serde_json::{Value, json};

/// A group with these people in it, as the path below which it is.
async fn group(admin: &Client, name: &str, members: &[&Client]) -> (String, String) {
    let made = admin.post("/v1/groups", json!({ "name": name })).await.is(201);
    let path = format!("/v1/groups/{}", made.text("id"));
    for member in members {
        let who = json!({ "user_id": member.id().await });
        admin.post(&format!("{path}/members"), who).await.is(201);
    }
    (made.text("id"), path)
}

fn policy(name: &str, cedar: &str, approvers: &[&str]) -> Value {
    let mode = if approvers.is_empty() { "auto" } else { "require" };
    json!({
        "name": name, "max_duration_seconds": 3_600, "approval_mode": mode, "approver_groups": approvers,
        "cedar_policy_set": cedar,
    })
}

on_both_databases! {
    async fn who_is_in_the_group_gets_in_and_who_has_left_does_not(backend: Backend) {
        let cloud = Cloud::start().await;
        let server = Server::on(backend).aws(&cloud.url()).start().await;
        let admin = server.set_up().await;
        let acme = cloud.connect(&admin).await;
        let alice = admin.person("alice@acme.example", &["user"]).await;
        let (_, engineers) = group(&admin, "Engineering", &[&alice]).await;
        let cedar = r#"permit (principal in Group::"engineering", action == Action::"read", resource is AwsAccount);"#;
        let saved = admin.post("/v1/policies", policy("Engineers read", cedar, &[])).await.is(201);
        assert_eq!(saved.list("rules")[0]["policy_text"], cedar);
        let ask = || acme.ask(Acme::DEV, "ReadOnly", "read", 900);
        alice.post("/v1/requests", ask()).await.is(201);
        cloud.holds_in_the_end(&[&format!("alice@acme.example ReadOnly {}", Acme::DEV)]).await;
        let refused = admin.delete(&engineers).await.refused(409, "conflict");
        assert_eq!(refused["details"]["policies"], json!([saved.text("id")]));
        admin.delete(&format!("{engineers}/members/{}", alice.id().await)).await.is(204);
        alice.post("/v1/requests", ask()).await.refused(403, "forbidden");
    }

    async fn seniors_approve_and_a_group_makes_them_approvers(backend: Backend) {
        let cloud = Cloud::start().await;
        let server = Server::on(backend).aws(&cloud.url()).start().await;
        let admin = server.set_up().await;
        let acme = cloud.connect(&admin).await;
        let alice = admin.person("alice@acme.example", &["user"]).await;
        let bob = admin.person("bob@acme.example", &["user"]).await;
        let (seniors, path) = group(&admin, "Seniors", &[]).await;
        let cedar = r#"permit (principal, action == Action::"read", resource is AwsAccount);"#;
        admin.post("/v1/policies", policy("By seniors", cedar, &[&seniors])).await.is(201);
        let request = alice.post("/v1/requests", acme.ask(Acme::DEV, "ReadOnly", "read", 900)).await.is(201);
        assert!(request.list("notices")[0].as_str().is_some_and(|notice| notice.contains("can't be approved")));
        let approve = format!("/v1/requests/{}/approve", request.text("id"));
        admin.post(&approve, json!({})).await.refused(403, "forbidden");
        admin.post(&format!("{path}/members"), json!({ "user_id": bob.id().await })).await.is(201);
        bob.post(&approve, json!({})).await.refused(403, "forbidden");
        admin.post(&format!("{path}/roles"), json!({ "role": "approver" })).await.is(201);
        let approved = bob.post(&approve, json!({})).await.ok();
        assert_eq!(approved["status"], "approved", "{approved:#}");
        cloud.holds_in_the_end(&[&format!("alice@acme.example ReadOnly {}", Acme::DEV)]).await;
    }
}
