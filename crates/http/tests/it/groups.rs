//! Groups.

use curfew_app::testing::PASSWORD;
use serde_json::{Value, json};

use crate::support::Edge;
use crate::users::dana;

#[tokio::test]
async fn a_group_is_shown_with_who_is_in_it_and_what_it_gives() {
    let edge = Edge::start().await;
    let admin = edge.set_up("single").await;
    let dana = edge.post(&admin, "/v1/users", dana(PASSWORD)).await.is(201);
    let once = admin.with("idempotency-key", "k-1");
    let body = || json!({ "name": "Engineering" });
    let group = edge.post(&once, "/v1/groups", body()).await.is(201);
    for (field, value) in
        [("source", json!("local")), ("description", Value::Null), ("member_count", json!(0))]
    {
        assert_eq!(group[field], value, "{field}: {group}");
    }
    assert_eq!(edge.post(&once, "/v1/groups", body()).await.is(201), group, "and nothing is made twice");
    let uri = format!("/v1/groups/{}", group["id"].as_str().unwrap());
    let (members, roles) = (format!("{uri}/members"), format!("{uri}/roles"));
    let member = edge.post(&admin, &members, json!({ "user_id": dana["id"] })).await.is(201);
    assert_eq!((&member["id"], &member["membership_source"]), (&dana["id"], &json!("local")), "{member}");
    assert_eq!(edge.get(&admin, &members).await.is(200), json!({ "data": [member] }));
    let given = edge.post(&admin, &roles, json!({ "role": "approver" })).await.is(201);
    assert_eq!(given["role"], "approver");
    assert!(given["created_at"].is_string());
    let shown = edge.get(&admin, "/v1/groups?source=local").await.is(200);
    assert_eq!(
        (&shown["data"][0]["member_count"], &shown["data"][0]["role_mappings"]),
        (&json!(1), &json!(["approver"]))
    );
    assert_eq!(edge.get(&admin, "/v1/groups?source=scim").await.is(200)["data"], json!([]));
    let caller = edge.login("dana@acme.example", "acme").await;
    let me = edge.get(&caller, "/v1/users/me").await.is(200);
    assert_eq!((&me["roles"], &me["group_roles"]), (&json!(["user"]), &json!(["approver"])), "{me}");
    assert!(me["scopes"].as_array().unwrap().contains(&json!("requests:approve")));
    let described =
        edge.ask(&admin, "PATCH", &uri, Some(json!({ "description": "who builds" }))).await.is(200);
    assert_eq!(
        (&described["description"], &described["name"]),
        (&json!("who builds"), &json!("Engineering"))
    );
    edge.ask(&admin, "DELETE", &format!("{roles}/approver"), None).await.is(204);
    edge.ask(&admin, "DELETE", &format!("{roles}/approver"), None).await.refused(404, "not_found");
    edge.ask(&admin, "DELETE", &format!("{roles}/No-Slug"), None).await.refused(404, "not_found");
    let member = format!("{members}/{}", dana["id"].as_str().unwrap());
    edge.ask(&admin, "DELETE", &member, None).await.is(204);
    edge.ask(&admin, "DELETE", &member, None).await.refused(404, "not_found");
    edge.ask(&admin, "DELETE", &uri, None).await.is(204);
    edge.get(&admin, &uri).await.refused(404, "not_found");
}

#[tokio::test]
async fn bodies_of_groups_are_held_to_their_description() {
    let edge = Edge::start().await;
    let admin = edge.set_up("single").await;
    let group = edge.post(&admin, "/v1/groups", json!({ "name": "ops" })).await.is(201);
    let uri = format!("/v1/groups/{}", group["id"].as_str().unwrap());
    let id = uuid::Uuid::from_u128(7);
    for (method, path, body, field) in [
        ("POST", "/v1/groups", json!({}), "name"),
        ("POST", "/v1/groups", json!({ "name": " ops" }), "name"),
        ("POST", "/v1/groups", json!({ "name": id }), "name"),
        ("POST", "/v1/groups", json!({ "name": "x".repeat(201) }), "name"),
        ("POST", "/v1/groups", json!({ "name": "x", "description": "x".repeat(10_001) }), "description"),
        ("POST", "/v1/groups", json!({ "name": "x", "source": "scim" }), "source"),
        ("PATCH", &uri, json!({ "name": null }), "name"),
        ("POST", &format!("{uri}/members"), json!({ "user_id": "dana@acme.example" }), "user_id"),
        ("POST", &format!("{uri}/members"), json!({ "user_id": id }), "user_id"),
        ("POST", &format!("{uri}/roles"), json!({ "role": "Owner" }), "role"),
        ("POST", &format!("{uri}/roles"), json!({ "role": "owner" }), "role"),
    ] {
        edge.ask(&admin, method, path, Some(body)).await.wrong(field);
    }
    edge.get(&admin, "/v1/groups?source=okta").await.wrong("source");
    edge.post(&admin, "/v1/groups", json!({ "name": "OPS" })).await.refused(409, "conflict");
}
