//! Keys.

use curfew_app::testing::PASSWORD;
use serde_json::{Value, json};

use crate::support::Edge;
use crate::users::dana;

#[tokio::test]
async fn a_key_is_told_once_and_revoked() {
    let edge = Edge::start().await;
    let admin = edge.set_up("single").await;
    let once = admin.with("idempotency-key", "k-1");
    let body = || json!({ "name": "terraform", "scopes": ["users:read"] });
    let made = edge.post(&once, "/v1/api-keys", body()).await.is(201);
    let raw = made["raw_key"].as_str().unwrap();
    assert!(raw.starts_with("cfk_"));
    let replayed = edge.post(&once, "/v1/api-keys", body()).await.is(201);
    assert_eq!((&replayed["raw_key"], &replayed["id"]), (&Value::Null, &made["id"]));
    let listed = edge.get(&admin, "/v1/api-keys").await.is(200);
    assert!(!listed.to_string().contains("cfk_"));

    let key = admin.by_key(raw);
    let me = edge.get(&key, "/v1/users/me").await.is(200);
    assert_eq!((&me["email"], &me["scopes"]), (&json!("root@acme.example"), &json!(["users:read"])));
    edge.post(&key, "/v1/users", dana(PASSWORD)).await.refused(403, "forbidden");
    edge.ask(&key, "POST", "/v1/auth/logout", None).await.refused(403, "forbidden");
    let uri = format!("/v1/api-keys/{}", made["id"].as_str().unwrap());
    edge.ask(&admin, "DELETE", &uri, None).await.is(204);
    edge.get(&key, "/v1/users/me").await.refused(401, "unauthenticated");
    let refused = edge.post(&admin, "/v1/api-keys", json!({ "name": "x", "scopes": ["all:things"] })).await;
    refused.refused(400, "invalid_request");
}
