//! Drafts of policies, and what is proved of them.

use serde_json::{Value, json};

use crate::support::Acme;

#[tokio::test]
async fn a_draft_of_policies_is_held_to_its_description() {
    let acme = Acme::start().await;
    let new = json!({ "name": "p", "max_duration_seconds": 60, "cedar_policy_set": "permit (principal, action, resource);" });
    let made = acme.ask("POST", "/v1/policies", Some(new.clone())).await.body;
    let id = &made["id"];
    let request =
        json!({ "requester": "root@acme.example", "resource": "aws_account:111111111111", "action": "read" });
    let with = |body: &Value, field: &str, value: Value| {
        let mut body = body.clone();
        body[field] = value;
        body
    };
    let of = |change: Value| json!({ "changes": [change] });
    let asking = |request: Value| json!({ "changes": [new], "requests": [request] });
    let permit = json!("permit (principal, action, resource);");
    for (body, field) in [
        (json!({}), "changes"),
        (json!({ "changes": [] }), "changes"),
        (json!({ "changes": vec![new.clone(); 1_001] }), "changes"),
        (of(json!({ "name": "p" })), "changes[0].max_duration_seconds"),
        (of(json!({ "max_duration_seconds": 60 })), "changes[0].name"),
        (of(with(&new, "nonsense", json!(1))), "changes[0].nonsense"),
        (of(with(&new, "priority", json!("high"))), "changes[0].priority"),
        (of(with(&new, "approvals_required", json!(0))), "changes[0].approvals_required"),
        (
            of(with(&new, "rules", json!([{ "effect": "permit", "principal_entity_id": "x" }]))),
            "changes[0].rules[0].principal_entity_id",
        ),
        (of(json!({ "delete": true })), "changes[0].policy_id"),
        (of(json!({ "policy_id": id, "delete": true, "name": "q" })), "changes[0].delete"),
        (of(json!({ "policy_id": "nonsense" })), "changes[0].policy_id"),
        (with(&of(new.clone()), "limit", json!(0)), "limit"),
        (with(&of(new.clone()), "limit", json!(10_001)), "limit"),
        (with(&of(new.clone()), "from", json!("yesterday")), "from"),
        (with(&of(new.clone()), "kinds", json!([])), "kinds"),
        (with(&of(new.clone()), "kinds", json!(["more"])), "kinds[0]"),
        (with(&of(new.clone()), "requests", json!([])), "requests"),
        (with(&of(new.clone()), "requests", json!(vec![request.clone(); 1_001])), "requests"),
        (with(&asking(request.clone()), "limit", json!(10)), "limit"),
        (asking(with(&request, "requester", json!("root"))), "requests[0].requester"),
        (asking(with(&request, "resource", json!("aws_account:1"))), "requests[0].resource"),
        (asking(with(&request, "break_glass", json!("yes"))), "requests[0].break_glass"),
    ] {
        let reply = acme.ask("POST", "/v1/policies/simulate", Some(body.clone())).await;
        reply.refused(400, "invalid_request");
        assert!(reply.body["details"]["fields"][field].is_string(), "{field}: {}", reply.body);
    }
    let simulate = async |body| acme.ask("POST", "/v1/policies/simulate", Some(body)).await;
    let broken = simulate(of(with(&new, "cedar_policy_set", json!("permit (")))).await;
    broken.refused(422, "policy_invalid");
    assert_eq!(broken.body["details"]["errors"][0]["change"], 0);
    let nowhere = json!({ "policy_id": uuid::Uuid::from_u128(7), "delete": true });
    simulate(of(nowhere)).await.refused(404, "not_found");
    simulate(asking(request)).await.refused(409, "not_configured");
    let altered = json!({ "policy_id": id, "rules": [{ "policy_text": permit }], "description": null });
    let found = simulate(with(&of(altered), "limit", json!(10_000))).await;
    assert_eq!(found.status, 200, "{}", found.body);
    let nothing = json!({
        "replayed": 0, "unreplayable": 0, "unchanged": 0, "complete": true, "oldest_requested_at": null,
        "differences": [], "differences_total": 0, "has_more": false, "faults": [],
        "summary": { "wider": 0, "narrower": 0, "other": 0, "people": [] },
    });
    assert_eq!(found.body, nothing);
}

#[tokio::test]
async fn an_analysis_is_held_to_its_description() {
    let acme = Acme::start().await;
    let analyze = async |body| acme.ask("POST", "/v1/policies/analyze", Some(body)).await;
    let new = json!({ "name": "p", "max_duration_seconds": 60, "cedar_policy_set": "permit (principal, action, resource);" });
    for (body, field) in [
        (json!({}), "changes"),
        (json!({ "changes": [] }), "changes"),
        (json!({ "changes": vec![new.clone(); 1_001] }), "changes"),
        (json!({ "changes": [{ "name": "p" }] }), "changes[0].max_duration_seconds"),
        (json!({ "reach": {} }), "reach.account_id"),
        (json!({ "reach": { "account_id": "1" } }), "reach.account_id"),
        (json!({ "reach": { "account_id": "111111111111", "action": "jump" } }), "reach.action"),
        (json!({ "reach": { "account_id": "111111111111", "who": "me" } }), "reach.who"),
        (json!({ "rules": { "policy_id": "nonsense" } }), "rules.policy_id"),
        (json!({ "rules": {}, "nonsense": 1 }), "nonsense"),
    ] {
        let reply = analyze(body.clone()).await;
        reply.refused(400, "invalid_request");
        assert!(reply.body["details"]["fields"][field].is_string(), "{field}: {}", reply.body);
    }
    analyze(json!({ "rules": { "policy_id": uuid::Uuid::from_u128(7) } })).await.refused(404, "not_found");
    analyze(json!({ "reach": { "account_id": "111111111111" } })).await.refused(409, "not_configured");
    let mut broken = new.clone();
    broken["cedar_policy_set"] = json!("permit (");
    analyze(json!({ "changes": [broken] })).await.refused(422, "policy_invalid");
    // This server has no solver.
    let told = analyze(json!({ "changes": [new], "rules": {} })).await;
    assert_eq!((told.status, &told.body["solver"]), (200, &json!("absent")), "{}", told.body);
    assert_eq!(told.body["narrows"]["answer"], "unknown");
    assert!(told.body["narrows"]["reason"].is_string() && told.body["rules"]["reason"].is_string());
    assert!(told.body["narrows"]["counterexample"].is_null() && told.body["reach"].is_null());
}
