//! Users.

use curfew_app::testing::PASSWORD;
use serde_json::{Value, json};

use crate::support::Edge;

pub(crate) fn dana(password: &str) -> Value {
    json!({ "email": "dana@acme.example", "name": "Dana Ruiz", "password": password, "roles": ["user"] })
}

#[tokio::test]
async fn a_user_is_made_once_however_often_the_same_is_asked() {
    let edge = Edge::start().await;
    let admin = edge.set_up("single").await;
    let once = admin.with("idempotency-key", "k-1");
    let made = edge.post(&once, "/v1/users", dana(PASSWORD)).await;
    assert!(made.headers.get("idempotency-replayed").is_none());
    let made = made.is(201);
    let replayed = edge.post(&once, "/v1/users", dana(PASSWORD)).await;
    assert_eq!(replayed.headers["idempotency-replayed"], "true");
    assert_eq!(replayed.is(201), made);
    edge.post(&once, "/v1/users", dana("another-good-phrase")).await.refused(409, "conflict");
    edge.post(&admin, "/v1/users", dana(PASSWORD)).await.refused(409, "conflict");
    assert!(!made.to_string().contains(PASSWORD));
    let uri = format!("/v1/users/{}", made["id"].as_str().unwrap());
    assert_eq!(edge.get(&admin, &uri).await.is(200), made);
    let users = edge.get(&admin, "/v1/users?limit=1").await.is(200);
    assert_eq!((&users["data"][0], &users["has_more"]), (&made, &json!(true)));
    edge.login("dana@acme.example", "acme").await;
}

#[tokio::test]
async fn a_user_that_is_not_sound_is_refused_field_by_field() {
    let edge = Edge::start().await;
    let admin = edge.set_up("single").await;
    let wrong = [
        ("email", json!("dana")),
        ("name", json!("")),
        ("password", json!("dana.ruiz")),
        ("roles", json!([])),
        ("roles", json!(["no such role"])),
        ("roles", json!(["owner"])),
        ("auth_provider", json!("ldap")),
        ("surprise", json!(1)),
    ];
    for (field, value) in wrong {
        let mut body = dana(PASSWORD);
        body[field] = value;
        let refused = edge.post(&admin, "/v1/users", body).await;
        refused.refused(400, "invalid_request");
        assert!(refused.body.to_string().contains(field), "{field}: {}", refused.body);
    }
}

#[tokio::test]
async fn suspending_and_activating_go_over_the_wire() {
    let edge = Edge::start().await;
    let admin = edge.set_up("single").await;
    let made = edge.post(&admin, "/v1/users", dana(PASSWORD)).await.is(201);
    let theirs = edge.login("dana@acme.example", "acme").await;
    let uri = format!("/v1/users/{}", made["id"].as_str().unwrap());
    let suspended = edge.ask(&admin, "POST", &format!("{uri}/suspend"), None).await.is(200);
    assert_eq!(suspended["active"], false);
    edge.get(&theirs, "/v1/users/me").await.refused(401, "unauthenticated");
    let active = edge.ask(&admin, "POST", &format!("{uri}/activate"), None).await.is(200);
    assert_eq!(active["active"], true);
    let renamed = edge.ask(&admin, "PUT", &uri, Some(json!({ "name": "Dana R." }))).await.is(200);
    assert_eq!((&renamed["name"], &renamed["roles"]), (&json!("Dana R."), &json!(["user"])));
    edge.ask(&theirs, "POST", &format!("{uri}/suspend"), None).await.refused(401, "unauthenticated");
}
