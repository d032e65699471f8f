//! The audit log.

use curfew_app::testing::PASSWORD;
use serde_json::json;

use crate::support::{Acme, Edge};
use crate::users::dana;

#[tokio::test]
async fn the_audit_log_is_sealed_when_it_is_read_and_proves_sound() {
    let acme = Acme::start().await;
    let log = acme.get("/v1/audit-log").await;
    let entries = log.body["data"].as_array().unwrap();
    assert!(
        entries.iter().all(|entry| entry["sequence"].is_u64() && entry["hash"].is_string()),
        "{}",
        log.body
    );
    let first = acme.get(&format!("/v1/audit-log/{}", entries[0]["id"].as_str().unwrap())).await;
    assert_eq!(first.body, entries[0]);
    let verified = acme.get("/v1/audit-log/verify").await;
    assert_eq!(verified.body["sound"], true, "{}", verified.body);
    assert_eq!(verified.body["sealed"].as_u64(), Some(entries.len() as u64));
}

#[tokio::test]
async fn the_log_says_whose_rights_a_key_used() {
    let edge = Edge::start().await;
    let admin = edge.set_up("single").await;
    // Who makes a user gives them a role: one that they have, or could have by a policy of theirs.
    let scopes = json!(["users:create", "aws:read", "requests:create", "policies:write"]);
    let made =
        edge.post(&admin, "/v1/api-keys", json!({ "name": "terraform", "scopes": scopes })).await.is(201);
    let raw = made["raw_key"].as_str().unwrap();
    let key = admin.by_key(raw);
    edge.post(&key, "/v1/users", dana(PASSWORD)).await.is(201);
    let me = edge.get(&admin, "/v1/users/me").await.is(200);
    let log = edge.get(&admin, "/v1/audit-log?action=user.created").await.is(200);
    let entry = &log["data"][0];
    assert_eq!((&entry["actor_type"], &entry["actor_id"]), (&json!("api_key"), &made["id"]));
    assert_eq!(entry["metadata"]["on_behalf_of"], me["id"]);
    let own = edge.get(&admin, "/v1/audit-log?action=api_key.created").await.is(200);
    assert!(own["data"][0]["metadata"].get("on_behalf_of").is_none(), "{own}");
}
