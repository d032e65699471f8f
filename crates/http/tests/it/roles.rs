//! Roles, permissions and settings.

use curfew_app::testing::PASSWORD;
use serde_json::{Value, json};

use crate::support::Edge;
use crate::users::dana;

#[tokio::test]
async fn roles_permissions_and_settings_are_listed() {
    let edge = Edge::start().await;
    let admin = edge.set_up("single").await;
    let roles = edge.get(&admin, "/v1/roles").await.is(200);
    let slugs: Vec<_> = roles["data"].as_array().unwrap().iter().map(|role| &role["slug"]).collect();
    assert_eq!(slugs, ["user", "approver", "admin"]);
    assert_eq!(roles["data"][2]["user_count"], 1);
    let permissions = edge.get(&admin, "/v1/permissions").await.is(200);
    assert_eq!(permissions["data"][0]["resource"], "api_keys");
    let first = edge.get(&admin, "/v1/settings?limit=5").await.is(200);
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = edge.get(&admin, &format!("/v1/settings?limit=5&cursor={cursor}")).await.is(200);
    assert_eq!((&rest["data"][0]["key"], &rest["data"][0]["value"]), (&json!("time_zone"), &json!("UTC")));
    let uri = "/v1/settings/time_zone";
    let zone = json!({ "value": "Europe/Zurich" });
    assert_eq!(edge.ask(&admin, "PUT", uri, Some(zone)).await.is(200)["value"], "Europe/Zurich");
    edge.ask(&admin, "PUT", uri, Some(json!({ "value": 7 }))).await.wrong("value");
    edge.ask(&admin, "PUT", uri, Some(json!({}))).await.wrong("value");
    edge.ask(&admin, "PUT", "/v1/settings/nothing", Some(json!({ "value": 7 })))
        .await
        .refused(404, "not_found");
}

#[tokio::test]
async fn a_role_is_made_given_changed_and_deleted() {
    let edge = Edge::start().await;
    let admin = edge.set_up("single").await;
    let once = admin.with("idempotency-key", "k-1");
    let body =
        || json!({ "slug": "auditor", "name": "Auditor", "scopes": ["audit:read", "requests:create"] });
    let role = edge.post(&once, "/v1/roles", body()).await.is(201);
    assert_eq!((&role["is_system"], &role["user_count"]), (&json!(false), &json!(0)), "{role}");
    assert_eq!(role["blast_radius"]["level"], "medium");
    assert_eq!(edge.post(&once, "/v1/roles", body()).await.is(201), role, "and nothing is made twice");
    edge.post(&admin, "/v1/roles", body()).await.refused(409, "conflict");
    let uri = format!("/v1/roles/{}", role["id"].as_str().unwrap());
    assert_eq!(edge.get(&admin, &uri).await.is(200), role);
    assert_eq!(edge.get(&admin, "/v1/roles").await.is(200)["data"][3], role);
    let mut who = dana(PASSWORD);
    who["roles"] = json!(["auditor"]);
    edge.post(&admin, "/v1/users", who).await.is(201);
    let caller = edge.login("dana@acme.example", "acme").await;
    edge.get(&caller, "/v1/audit-log").await.is(200);
    edge.ask(&admin, "DELETE", &uri, None).await.refused(409, "conflict");
    let scopes = json!({ "scopes": ["requests:create"], "description": "nothing any more" });
    let changed = edge.ask(&admin, "PATCH", &uri, Some(scopes)).await.is(200);
    assert_eq!(
        (&changed["user_count"], &changed["blast_radius"]["level"]),
        (&json!(1), &json!("low")),
        "{changed}"
    );
    edge.get(&caller, "/v1/audit-log").await.refused(403, "forbidden");
    let system = edge.get(&admin, "/v1/roles").await.is(200)["data"][2].clone();
    let system = format!("/v1/roles/{}", system["id"].as_str().unwrap());
    edge.get(&admin, &system).await.is(200);
    edge.ask(&admin, "DELETE", &system, None).await.refused(409, "conflict");
    edge.ask(&admin, "PATCH", &system, Some(json!({ "name": "x" }))).await.refused(409, "conflict");
    for (field, value) in [
        ("slug", json!("Auditor")),
        ("name", json!("")),
        ("scopes", json!(["all:things"])),
        ("scopes", Value::Null),
        ("description", json!("x".repeat(10_001))),
        ("is_system", json!(true)),
    ] {
        let mut body = body();
        body[field] = value;
        let refused = edge.post(&admin, "/v1/roles", body).await;
        refused.refused(400, "invalid_request");
    }
}
