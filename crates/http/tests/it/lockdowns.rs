//! Lockdowns, and people who are deleted.

use serde_json::{Value, json};

use crate::support::{Acme, Reply};

async fn lock_down(acme: &Acme, body: Value) -> Reply {
    acme.post("/v1/lockdowns", body).await
}

#[tokio::test]
async fn a_lockdown_is_started_read_listed_and_lifted() {
    let acme = Acme::start().await;
    let ask = json!({ "scope": "account", "id": "123456789012", "reason": "INC-7" });
    let started = lock_down(&acme, ask.clone()).await.is(201);
    let id = started["id"].as_str().unwrap();
    for (field, value) in [
        ("scope", json!("account")),
        ("subject_id", json!("123456789012")),
        ("reason", json!("INC-7")),
        ("in_force", json!(true)),
        ("grants_revoked", json!(0)),
        ("created_by", json!(acme.tenant.admin.id)),
        ("lifted_at", Value::Null),
    ] {
        assert_eq!(started[field], value, "{field}");
    }
    let refused = lock_down(&acme, ask).await;
    refused.refused(409, "conflict");
    assert_eq!(refused.body["details"]["lockdown_id"], id);
    let one = format!("/v1/lockdowns/{id}");
    assert_eq!(acme.get(&one).await.is(200), started);
    let listed = acme.get("/v1/lockdowns?in_force=true").await.is(200);
    assert_eq!(listed["data"].as_array().unwrap().len(), 1);
    let ended = acme.ask("DELETE", &one, None).await.is(200);
    assert_eq!(ended["in_force"], false);
    let refused = acme.ask("DELETE", &one, None).await;
    refused.refused(409, "invalid_state");
    assert_eq!(refused.body["details"]["state"], "lifted");
    let listed = acme.get("/v1/lockdowns?in_force=true").await.is(200);
    assert!(listed["data"].as_array().unwrap().is_empty());
}

#[tokio::test]
async fn a_lockdown_that_is_not_sound_is_refused_field_by_field() {
    let acme = Acme::start().await;
    let user = acme.tenant.admin.id;
    for (body, field) in [
        (json!({ "scope": "tenant", "id": user, "reason": "x" }), "id"),
        (json!({ "scope": "account", "reason": "x" }), "id"),
        (json!({ "scope": "account", "id": "12345678901", "reason": "x" }), "id"),
        (json!({ "scope": "user", "id": "123456789012", "reason": "x" }), "id"),
        (json!({ "scope": "user", "id": "0192f0c1-7a3b-7c4d-8e5f-0123456789ab", "reason": "x" }), "id"),
        (json!({ "scope": "planet", "reason": "x" }), "scope"),
        (json!({ "scope": "tenant", "reason": "" }), "reason"),
        (json!({ "scope": "tenant" }), ""),
        (json!({ "scope": "tenant", "reason": "x", "until": "noon" }), ""),
    ] {
        let refused = lock_down(&acme, body).await;
        if field.is_empty() {
            refused.refused(400, "invalid_request");
            assert!(refused.body["details"]["fields"].is_object(), "{}", refused.body);
        } else {
            refused.wrong(field);
        }
    }
    for id in ["nonsense", "0192f0c1-7a3b-7c4d-8e5f-0123456789ab"] {
        for method in ["GET", "DELETE"] {
            acme.ask(method, &format!("/v1/lockdowns/{id}"), None).await.refused(404, "not_found");
        }
    }
}

#[tokio::test]
async fn whoever_is_asked_for_during_a_lockdown_is_told_which_and_not_why() {
    let acme = Acme::start().await;
    let ask = json!({ "scope": "tenant", "reason": "Dana is suspected" });
    let started = lock_down(&acme, ask).await.is(201);
    let wanted = json!({
        "resource": { "type": "aws_account", "id": "123456789012" }, "action": "read",
        "permission_set_arn": "arn:aws:sso:::permissionSet/ssoins-1234567890abcdef/ps-aaaaaaaaaaaaaaaa",
    });
    // AWS is not connected here: what comes first is of no importance, but never why there is a lockdown.
    let Reply { status, body, .. } = acme.post("/v1/requests", wanted).await;
    assert!(status == 423 || status == 409, "{body}");
    assert!(!body.to_string().contains("suspected"), "{body}");
    assert_eq!(started["subject_id"], Value::Null);
}

#[tokio::test]
async fn a_deleted_user_is_no_longer_there() {
    let acme = Acme::start().await;
    let dana = json!({ "email": "dana@acme.example", "name": "Dana", "roles": ["user"], "password": "granite-otter-lamp" });
    let made = acme.post("/v1/users", dana.clone()).await.is(201);
    let one = format!("/v1/users/{}", made["id"].as_str().unwrap());
    assert_eq!(acme.ask("DELETE", &one, None).await.is(204), Value::Null);
    acme.get(&one).await.refused(404, "not_found");
    acme.ask("DELETE", &one, None).await.refused(404, "not_found");
    // The address is free.
    acme.post("/v1/users", dana).await.is(201);
    let oneself = format!("/v1/users/{}", acme.tenant.admin.id);
    acme.ask("DELETE", &oneself, None).await.refused(403, "forbidden");
}
