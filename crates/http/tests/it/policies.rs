//! Policies and their rules.

use serde_json::{Value, json};

use crate::support::{Acme, Reply};

/// A policy of two rules, and its path.
async fn policy(acme: &Acme) -> (Value, String) {
    let rules = "@notice(\"one\") permit (principal, action, resource);\nforbid (principal, action, resource) when { false };";
    let body = json!({ "name": "Prod \u{22} write", "max_duration_seconds": 60, "cedar_policy_set": rules });
    let made = acme.ask("POST", "/v1/policies", Some(body)).await;
    assert_eq!((made.status, &made.headers["etag"]), (201, &"\"1\"".parse().unwrap()), "{}", made.body);
    let path = format!("/v1/policies/{}", made.body["id"].as_str().unwrap());
    (made.body, path)
}

#[tokio::test]
async fn a_policy_is_changed_by_whoever_has_read_it_last() {
    let acme = Acme::start().await;
    let (made, path) = policy(&acme).await;
    let ask = async |method: &str, uri: &str, version: &str, body: Value| {
        acme.edge.ask(&acme.admin.with("if-match", version), method, uri, Some(body)).await
    };
    let rule = format!("{path}/rules/{}", made["rules"][0]["id"].as_str().unwrap());
    let turned = json!({ "ids": [made["rules"][1]["id"], made["rules"][0]["id"]] });
    let writes = [
        ("PATCH", path.clone(), json!({ "name": "other" }), 200),
        ("POST", format!("{path}/rules"), json!({ "effect": "permit" }), 201),
        ("PATCH", rule.clone(), json!({ "notice": "two" }), 200),
        ("POST", format!("{path}/versions/1/restore"), json!({ "change_reason": "back" }), 200),
        ("PATCH", format!("{path}/rules/reorder"), turned, 200),
        ("DELETE", rule, json!({ "change_reason": "of no use" }), 204),
    ];
    let mut version = 1;
    for (method, uri, body, success) in &writes {
        for wrong in ["3", "W/\"1\"", "\"\"", "*, \"1\""] {
            let refused = ask(method, uri, wrong, body.clone()).await;
            refused.refused(400, "invalid_request");
            assert!(refused.body["details"]["fields"]["If-Match"].is_string(), "{}", refused.body);
        }
        let stale = ask(method, uri, "\"77\", \"0\"", body.clone()).await;
        stale.refused(409, "conflict");
        assert_eq!(stale.body["details"]["version"], version);
        let passed = ask(method, uri, &format!("\"77\", \"{version}\""), body.clone()).await;
        version += 1;
        assert_eq!(passed.status, *success, "{method} {uri}: {}", passed.body);
        assert_eq!(passed.headers["etag"], format!("\"{version}\""), "{method} {uri}");
        let read = acme.get(&path).await;
        assert_eq!(
            (&read.body["version"], &read.headers["etag"]),
            (&json!(version), &passed.headers["etag"])
        );
    }
    ask("DELETE", &path, "\"1\"", json!({})).await.refused(409, "conflict");
    assert_eq!(ask("DELETE", &path, "*", json!({})).await.status, 204);
    let versions = acme.get(&format!("{path}/versions")).await;
    assert_eq!(versions.body["data"][0]["change_reason"], "of no use");
    assert_eq!(versions.body["data"][0]["changed"], json!(["rules"]));
    assert_eq!(versions.body["data"].as_array().unwrap().len(), 7);
    let first = acme.get(&format!("{path}/versions/1")).await;
    assert_eq!(first.body["policy"], without_warnings(made));
    let restored = acme.ask("POST", &format!("{path}/versions/1/restore"), None).await;
    assert_eq!((restored.status, &restored.body["enabled"]), (200, &json!(false)), "{}", restored.body);
    for nothing in ["0", "-1", "x", "99999999999"] {
        acme.get(&format!("{path}/versions/{nothing}")).await.refused(404, "not_found");
    }
}

fn without_warnings(saved: Value) -> Value {
    let fields = saved.as_object().cloned().unwrap_or_default();
    fields.into_iter().filter(|(field, _)| !field.starts_with("warnings")).collect()
}

#[tokio::test]
async fn what_is_saved_is_answered_with_its_warnings() {
    let acme = Acme::start().await;
    let (made, path) = policy(&acme).await;
    let codes = |body: &Value| {
        assert_eq!(body["warnings_left_out"], 0, "{body}");
        let warnings = body["warnings"].as_array().unwrap();
        warnings.iter().map(|warning| warning["code"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(codes(&made), ["permit_for_everyone", "never_matches"]);
    assert_eq!(made["warnings"][0]["policy_id"], made["id"]);
    assert_eq!(made["warnings"][0]["rule_id"], made["rules"][0]["id"]);
    let rule = format!("{path}/rules/{}", made["rules"][1]["id"].as_str().unwrap());
    let mended = json!({ "policy_text": "forbid (principal, action, resource) when { context.hour < 8 };" });
    assert_eq!(codes(&acme.ask("PATCH", &rule, Some(mended)).await.body), [""; 0]);
    let added = json!({ "policy_text": "permit (principal, action, resource) when { context.mfa };" });
    let added = acme.ask("POST", &format!("{path}/rules"), Some(added)).await;
    assert_eq!((added.status, codes(&added.body)), (201, vec!["permit_for_everyone".to_owned()]));
    let order = json!({ "ids": [made["id"]] });
    assert_eq!(codes(&acme.ask("PATCH", "/v1/policies/reorder", Some(order)).await.body), [""; 0]);
    let restored = acme.ask("POST", &format!("{path}/versions/1/restore"), None).await;
    assert_eq!(codes(&restored.body), codes(&made));
    assert_eq!(acme.get(&path).await.body["warnings"], restored.body["warnings"]);
    let old = acme.get(&format!("{path}/versions/1")).await.body;
    assert!(old["policy"].get("warnings").is_none(), "a version that was is not looked at: {old}");
}

#[tokio::test]
async fn a_rule_is_read_and_written_by_its_fields() {
    let acme = Acme::start().await;
    let (_, path) = policy(&acme).await;
    let rules = format!("{path}/rules");
    let wanted = json!({
        "effect": "permit", "principal_scope_type": "is", "principal_entity_type": "User",
        "action_scope_type": "in", "action_ids": ["read"], "ordinal": 0, "notice": "hello", "audit_session": false,
    });
    let made = acme.ask("POST", &rules, Some(wanted)).await;
    assert_eq!((made.status, &made.body["ordinal"]), (201, &json!(0)), "{}", made.body);
    // Only where it is saved it is looked through.
    let made = Reply { body: without_warnings(made.body), ..made };
    let listed = acme.get(&format!("{rules}?limit=2")).await;
    assert_eq!((&listed.body["data"][0], &listed.body["has_more"]), (&made.body, &json!(true)));
    let one = format!("{rules}/{}", made.body["id"].as_str().unwrap());
    assert_eq!(acme.get(&one).await.body, made.body);
    let changed = acme.ask("PATCH", &one, Some(json!({ "effect": "forbid", "ordinal": 9 }))).await;
    assert_eq!((&changed.body["effect"], &changed.body["ordinal"]), (&json!("forbid"), &json!(9)));
    assert_eq!((&changed.body["notice"], &changed.body["audit_session"]), (&json!("hello"), &json!(false)));
    for (method, uri, body, field) in [
        ("PATCH", &one, json!({ "principal_scope_type": "any" }), "principal_entity_type"),
        ("PATCH", &one, json!({ "principal_scope_type": "eq" }), "principal_entity_id"),
        ("PATCH", &one, json!({ "action_ids": [] }), "action_ids"),
        ("PATCH", &one, json!({ "ordinal": 1_000_001 }), "ordinal"),
        ("PATCH", &one, json!({ "effect": null }), "effect"),
        ("POST", &rules, json!({ "principal_scope_type": "any" }), "effect"),
        ("POST", &rules, json!({ "effect": "permit", "principal_entity_id": "x" }), "principal_entity_id"),
        ("POST", &rules, json!({ "effect": "permit", "ordinal": -1 }), "ordinal"),
    ] {
        let refused = acme.ask(method, uri, Some(body)).await;
        refused.refused(400, "invalid_request");
        assert!(refused.body["details"]["fields"][field].is_string(), "{field}: {}", refused.body);
    }
    let broken = acme.ask("POST", &rules, Some(json!({ "policy_text": "permit (" }))).await;
    broken.refused(422, "policy_invalid");
    for query in ["limit=0", "cursor=nonsense", "nonsense=1"] {
        acme.get(&format!("{rules}?{query}")).await.refused(400, "invalid_request");
        acme.get(&format!("{path}/versions?{query}")).await.refused(400, "invalid_request");
    }
}

#[tokio::test]
async fn policies_are_put_into_an_order_by_a_list_of_all_of_them() {
    let acme = Acme::start().await;
    let (one, two) = (policy(&acme).await.0, policy(&acme).await.0);
    let order = async |body: Value| acme.ask("PATCH", "/v1/policies/reorder", Some(body)).await;
    let ordered = order(json!({ "ids": [two["id"], one["id"]], "change_reason": "because" })).await;
    let data = ordered.body["data"].as_array().unwrap();
    assert_eq!((&data[0]["id"], &data[0]["priority"]), (&two["id"], &json!(20)), "{}", ordered.body);
    assert_eq!((&data[1]["priority"], &data[1]["rule_count"]), (&json!(10), &json!(2)));
    let stale = order(json!({ "ids": [one["id"], uuid::Uuid::from_u128(7)] })).await;
    stale.refused(409, "conflict");
    assert_eq!(stale.body["details"]["missing"], json!([two["id"]]));
    assert_eq!(stale.body["details"]["unknown"], json!([uuid::Uuid::from_u128(7)]));
    order(json!({ "ids": [one["id"], one["id"]] })).await.refused(400, "invalid_request");
    order(json!({ "ids": vec![one["id"].clone(); 1_001] })).await.refused(400, "invalid_request");
    order(json!({})).await.refused(400, "invalid_request");
}

#[tokio::test]
async fn a_policy_is_downloaded_as_cedar_and_the_schema_in_both_forms() {
    let acme = Acme::start().await;
    let (_, path) = policy(&acme).await;
    let file = acme.get(&format!("{path}/cedar")).await;
    assert_eq!(file.headers["content-type"], "text/plain; charset=utf-8");
    assert_eq!(file.headers["content-disposition"], "attachment; filename=\"prod-write.cedar\"");
    assert_eq!(file.headers["etag"], "\"1\"");
    let plain = acme.get("/v1/policies/schema").await;
    assert_eq!(plain.headers["content-type"], "text/plain; charset=utf-8");
    let json = acme.get("/v1/policies/schema?format=json").await;
    assert_eq!(json.headers["content-type"], "application/json");
    assert!(json.body.to_string().contains("AwsPermissionSet"));
    acme.get("/v1/policies/schema?format=xml").await.refused(400, "invalid_request");
}
