//! Bodies of policies, requests and questions are held to their description.

use serde_json::{Value, json};

use crate::support::Acme;

#[tokio::test]
async fn bodies_of_policies_and_requests_are_held_to_their_description() {
    let acme = Acme::start().await;
    let id = uuid::Uuid::from_u128(7);
    let evaluate =
        json!({ "principal": "root@acme.example", "resource": "aws_account:111111111111", "action": "read" });
    let in_context =
        |field: &str, value: Value| Value::Object([(field.to_owned(), value)].into_iter().collect());
    let (request, policy, review) = (
        json!({ "resource": { "type": "aws_account", "id": "111111111111" }, "action": "read" }),
        json!({ "name": "p", "max_duration_seconds": 60, "cedar_policy_set": "permit (principal, action, resource);" }),
        json!({}),
    );
    let with = |body: &Value, field: &str, value: Value| {
        let mut body = body.clone();
        body[field] = value;
        body
    };
    let approve = format!("/v1/requests/{id}/approve");
    for (uri, body, field) in [
        ("/v1/requests", with(&request, "nonsense", json!(1)), "nonsense"),
        ("/v1/requests", with(&request, "action", json!("destroy")), "action"),
        ("/v1/requests", with(&request, "reason", json!("a\u{0}b")), "reason"),
        ("/v1/requests", with(&request, "duration_seconds", json!(-1)), "duration_seconds"),
        ("/v1/requests", with(&request, "break_glass", json!("yes")), "break_glass"),
        ("/v1/requests", with(&request, "break_glass", json!(true)), "reason"),
        ("/v1/policies", with(&policy, "nonsense", json!(1)), "nonsense"),
        ("/v1/policies", with(&policy, "name", json!("a\u{0}b")), "name"),
        ("/v1/policies", with(&policy, "priority", json!("high")), "priority"),
        (
            "/v1/policies",
            with(&policy, "break_glass_max_duration_seconds", json!(60)),
            "break_glass_max_duration_seconds",
        ),
        ("/v1/policies", with(&policy, "change_reason", json!("")), "change_reason"),
        ("/v1/policies", with(&policy, "approvals_required", json!(0)), "approvals_required"),
        ("/v1/policies/evaluate", with(&evaluate, "nonsense", json!(1)), "nonsense"),
        ("/v1/policies/evaluate", with(&evaluate, "principal", json!("root")), "principal"),
        ("/v1/policies/evaluate", with(&evaluate, "principal", json!("User::\"root")), "principal"),
        ("/v1/policies/evaluate", with(&evaluate, "principal", json!("x".repeat(401))), "principal"),
        ("/v1/policies/evaluate", with(&evaluate, "principal", json!("nobody@acme.example")), "principal"),
        ("/v1/policies/evaluate", with(&evaluate, "principal", json!(id)), "principal"),
        ("/v1/policies/evaluate", with(&evaluate, "groups", json!(["a", "User::\"a\""])), "groups[1]"),
        ("/v1/policies/evaluate", with(&evaluate, "groups", json!(vec![id; 101])), "groups"),
        ("/v1/policies/evaluate", with(&evaluate, "resource", json!("aws_account:1")), "resource"),
        ("/v1/policies/evaluate", with(&evaluate, "resource", json!("aws_moon:1")), "resource"),
        ("/v1/policies/evaluate", with(&evaluate, "resource", json!({ "type": "aws_account" })), "resource"),
        ("/v1/policies/evaluate", with(&evaluate, "action", json!("destroy")), "action"),
        ("/v1/policies/evaluate", with(&evaluate, "duration_seconds", json!(-1)), "duration_seconds"),
        ("/v1/policies/evaluate", with(&evaluate, "context", json!("home")), "context"),
        ("/v1/policies/evaluate", with(&evaluate, "context", in_context("hour", json!(3))), "context.hour"),
        (
            "/v1/policies/evaluate",
            with(&evaluate, "context", in_context("requested_at", json!("soon"))),
            "context.requested_at",
        ),
        (
            "/v1/policies/evaluate",
            with(&evaluate, "context", in_context("source_ip", json!("home"))),
            "context.source_ip",
        ),
        (
            "/v1/policies/evaluate",
            with(&evaluate, "context", in_context("ticket", json!("x".repeat(1_001)))),
            "context.ticket",
        ),
        (
            "/v1/policies/evaluate",
            with(&evaluate, "context", in_context("reason", json!("a\u{0}b"))),
            "context.reason",
        ),
        (
            "/v1/policies/evaluate",
            with(&evaluate, "context", in_context("account_id", json!("1"))),
            "context.account_id",
        ),
        (approve.as_str(), with(&review, "nonsense", json!(1)), "nonsense"),
        (approve.as_str(), with(&review, "reasoning", json!("a\u{0}b")), "reasoning"),
    ] {
        let reply = acme.ask("POST", uri, Some(body)).await;
        reply.refused(400, "invalid_request");
        assert!(reply.body["details"]["fields"][field].is_string(), "{uri} {field}: {}", reply.body);
    }
    let broken = with(&policy, "cedar_policy_set", json!("permit ("));
    acme.ask("POST", "/v1/policies", Some(broken)).await.refused(422, "policy_invalid");
    acme.ask("POST", &approve, Some(review)).await.refused(404, "not_found");
    acme.ask("POST", "/v1/policies/evaluate", Some(evaluate)).await.refused(409, "not_configured");
    assert_eq!(acme.ask("POST", "/v1/policies", Some(policy)).await.status, 201);
}

#[tokio::test]
async fn who_and_what_are_asked_as_they_are_described() {
    let acme = Acme::start().await;
    let set = "arn:aws:sso:::permissionSet/ssoins-1234567890abcdef/ps-1234567890abcdef";
    let who = json!({ "account_id": "111111111111", "permission_set_arn": set });
    let what = json!({ "principal": "nobody@acme.example" });
    let with = |body: &Value, field: &str, value: Value| {
        let mut body = body.clone();
        body[field] = value;
        body
    };
    let id = uuid::Uuid::from_u128(7);
    for (uri, body, field) in [
        ("/v1/policies/who-can-access", with(&who, "nonsense", json!(1)), "nonsense"),
        ("/v1/policies/who-can-access", with(&who, "account_id", json!("1")), "account_id"),
        ("/v1/policies/who-can-access", with(&who, "permission_set_arn", json!("arn")), "permission_set_arn"),
        ("/v1/policies/who-can-access", with(&who, "action", json!("destroy")), "action"),
        (
            "/v1/policies/who-can-access",
            with(&who, "context", json!({ "account_id": "111111111111" })),
            "context.account_id",
        ),
        ("/v1/policies/what-can-access", with(&what, "nonsense", json!(1)), "nonsense"),
        ("/v1/policies/what-can-access", with(&what, "principal", json!("root")), "principal"),
        ("/v1/policies/what-can-access", what.clone(), "principal"),
        ("/v1/policies/what-can-access", with(&what, "groups", json!(vec![id; 101])), "groups"),
        ("/v1/policies/what-can-access", with(&what, "duration_seconds", json!(-1)), "duration_seconds"),
    ] {
        let reply = acme.ask("POST", uri, Some(body)).await;
        reply.refused(400, "invalid_request");
        assert!(reply.body["details"]["fields"][field].is_string(), "{uri} {field}: {}", reply.body);
    }
    acme.ask("POST", "/v1/policies/who-can-access", Some(who)).await.refused(409, "not_configured");
}
