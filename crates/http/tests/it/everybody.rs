//! Every operation, by everybody who must get nothing from it.

use std::collections::BTreeSet;

use curfew_app::testing::PASSWORD;
use serde_json::{Value, json};

use crate::description::{is_public, operations};
use crate::support::{Acme, Caller};
use crate::users::dana;

/// Nobody's id, in every place where one is named.
const NOBODY: &str = "00000000-0000-7000-8000-000000000007";

/// What anybody may ask who is let in at all: who they are, and what they were told as far as their scopes go.
const FOR_EVERYBODY: [&str; 4] = [
    "GET /v1/users/me",
    "GET /v1/users/me/notification-preferences",
    "GET /v1/users/me/notifications",
    "POST /v1/users/me/notifications/read-all",
];

/// Every operation that takes a credential: its method, and its path with nobody's ids in it.
fn kept_operations() -> Vec<(String, String)> {
    let document: Value = serde_json::from_str(&curfew_http::openapi()).unwrap();
    let kept = operations(&document).into_iter().filter(|(_, _, operation)| !is_public(operation));
    let named = |part: &str| if part.starts_with('{') { NOBODY.to_owned() } else { part.to_owned() };
    let path = |path: String| path.split('/').map(named).collect::<Vec<_>>().join("/");
    kept.map(|(at, method, _)| (method.to_uppercase(), path(at))).collect()
}

async fn refuses(acme: &Acme, caller: &Caller, status: u16, code: &str) {
    for (method, path) in kept_operations() {
        let reply = acme.edge.ask(caller, &method, &path, Some(json!({ "nonsense": 1 }))).await;
        let said = (reply.status, reply.body["code"].as_str());
        assert_eq!(said, (status, Some(code)), "{method} {path}: {}", reply.body);
    }
}

#[tokio::test]
async fn no_operation_takes_a_credential_without_its_tenant() {
    let acme = Acme::start().await;
    let bearer = acme.admin.value("authorization").to_owned();
    let alone = Caller::nobody().with("authorization", bearer);
    refuses(&acme, &alone, 400, "invalid_tenant_id").await;
    refuses(&acme, &alone.with("x-tenant-id", "acme"), 400, "invalid_tenant_id").await;
    refuses(&acme, &alone.with("x-tenant-id", NOBODY), 403, "tenant_mismatch").await;
}

#[tokio::test]
async fn no_operation_takes_the_credentials_of_whoever_was_suspended() {
    let acme = Acme::start().await;
    let made = acme.post("/v1/users", dana(PASSWORD)).await.is(201);
    let dana = acme.signed_in("dana@acme.example").await;
    let uri = format!("/v1/users/{}/suspend", made["id"].as_str().unwrap());
    acme.ask("POST", &uri, None).await.is(200);
    refuses(&acme, &dana, 401, "unauthenticated").await;
}

#[tokio::test]
async fn no_operation_takes_a_key_that_was_revoked() {
    let acme = Acme::start().await;
    let made = acme.post("/v1/api-keys", json!({ "name": "ci", "scopes": ["users:read"] })).await.is(201);
    let key = acme.admin.by_key(made["raw_key"].as_str().unwrap());
    let uri = format!("/v1/api-keys/{}", made["id"].as_str().unwrap());
    acme.ask("DELETE", &uri, None).await.is(204);
    refuses(&acme, &key, 401, "unauthenticated").await;
}

#[tokio::test]
async fn a_key_that_may_nothing_gets_nothing_but_what_everybody_may() {
    let acme = Acme::start().await;
    let made = acme.post("/v1/api-keys", json!({ "name": "ci", "scopes": [] })).await.is(201);
    let key = acme.admin.by_key(made["raw_key"].as_str().unwrap());
    let mut answered = BTreeSet::new();
    for (method, path) in kept_operations() {
        let body = (method != "GET" && method != "DELETE").then(|| json!({}));
        let reply = acme.edge.ask(&key, &method, &path, body).await;
        match reply.status {
            200..=299 => drop(answered.insert(format!("{method} {path}"))),
            // What is asked for is looked at before who may.
            400 | 403 | 404 | 409 | 415 => {}
            other => panic!("{method} {path}: {other} {}", reply.body),
        }
    }
    let expected = FOR_EVERYBODY.map(ToString::to_string).into();
    assert_eq!(answered, expected);
}
