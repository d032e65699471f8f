//! Lists and ids.

use serde_json::{Value, json};

use crate::support::{Acme, Reply};

#[tokio::test]
async fn a_list_is_walked_page_by_page_and_a_foreign_cursor_is_refused() {
    let acme = Acme::start().await;
    for _ in 0..4 {
        acme.edge.test.token_of("acme", "root@acme.example").await;
    }
    let whole = acme.get("/v1/audit-log?limit=250").await;
    let ids = |reply: &Reply| -> Vec<String> {
        reply.body["data"].as_array().unwrap().iter().map(|entry| entry["id"].to_string()).collect()
    };
    let all = ids(&whole);
    assert!(all.len() >= 5, "{}", whole.body);
    assert_eq!((&whole.body["has_more"], &whole.body["next_cursor"]), (&json!(false), &Value::Null));

    let mut walked = Vec::new();
    let mut uri = "/v1/audit-log?limit=2".to_owned();
    let mut cursor = String::new();
    loop {
        let page = acme.get(&uri).await;
        walked.extend(ids(&page));
        let Some(next) = page.body["next_cursor"].as_str() else { break };
        assert_eq!(page.body["has_more"], true);
        cursor = next.to_owned();
        uri = format!("/v1/audit-log?limit=2&cursor={next}");
    }
    assert_eq!(walked, all);

    for uri in [
        format!("/v1/audit-log?action=user.created&cursor={cursor}"),
        format!("/v1/audit-log?cursor={cursor}x"),
        "/v1/audit-log?cursor=".to_owned(),
        "/v1/audit-log?limit=0".to_owned(),
        "/v1/audit-log?limit=251".to_owned(),
        "/v1/audit-log?limit=-1".to_owned(),
        "/v1/audit-log?limit=2&limit=2".to_owned(),
        "/v1/audit-log?action=nothing.done".to_owned(),
        "/v1/audit-log?from=yesterday".to_owned(),
    ] {
        let refused = acme.get(&uri).await;
        refused.refused(400, "invalid_request");
        assert!(refused.body["details"]["fields"].is_object(), "{uri}: {}", refused.body);
    }
}

#[tokio::test]
async fn every_list_refuses_bad_limits_and_cursors() {
    let acme = Acme::start().await;
    for list in [
        "requests",
        "grants",
        "policies",
        "api-keys",
        "tenants",
        "settings",
        "users",
        "groups",
        "notification-channels",
    ] {
        assert_eq!(acme.get(&format!("/v1/{list}")).await.status, 200, "{list}");
        for query in ["limit=0", "limit=251", "limit=x", "cursor=", "cursor=nonsense", "nonsense=1"] {
            acme.get(&format!("/v1/{list}?{query}")).await.refused(400, "invalid_request");
        }
    }
}

#[tokio::test]
async fn what_is_no_id_answers_as_an_id_that_never_existed() {
    let acme = Acme::start().await;
    for id in ["nonsense", "0192f0c17a3b7c4d8e5f0123456789ab", "%00", "0192f0c1-7a3b-7c4d-8e5f-0123456789ab"]
    {
        acme.get(&format!("/v1/audit-log/{id}")).await.refused(404, "not_found");
    }
}
