//! The contract's conventions, over the whole router and a real store.
#![expect(clippy::unwrap_used, reason = "a test may end at what it did not expect")]

use std::collections::BTreeSet;
use std::num::NonZeroU32;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request};
use curfew_app::testing::{ORIGIN, TestApp, TestTenant};
use curfew_domain::{NodeId, PlatformMode, Seconds};
use curfew_http::{EdgeSettings, MetricsPage};
use curfew_store::testing::TestStore;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

struct Server {
    router: Router,
    test: TestApp,
    tenant: TestTenant,
    _store: TestStore,
}

struct Reply {
    status: u16,
    headers: HeaderMap,
    body: Value,
}

impl Server {
    async fn start() -> Self {
        Self::with(EdgeSettings { requests_a_minute: None, ..EdgeSettings::default() }).await
    }

    async fn with(settings: EdgeSettings) -> Self {
        let store = TestStore::sqlite().await;
        let test = TestApp::new(&store.store);
        let tenant = test.set_up(PlatformMode::Single).await;
        let metrics = MetricsPage::install().unwrap();
        let router = curfew_http::router(test.app.clone(), &settings, metrics);
        Self { router, test, tenant, _store: store }
    }

    async fn ask(&self, method: &str, uri: &str, headers: &[(&str, &str)], body: Option<Value>) -> Reply {
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = match body {
            None => Body::empty(),
            Some(body) => {
                request = request.header("content-type", "application/json");
                Body::from(body.to_string())
            }
        };
        let response = self.router.clone().oneshot(request.body(body).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Reply { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    /// As the admin.
    async fn get(&self, uri: &str) -> Reply {
        self.as_admin("GET", uri, None).await
    }

    async fn as_admin(&self, method: &str, uri: &str, body: Option<Value>) -> Reply {
        let (bearer, tenant) = (format!("Bearer {}", self.tenant.token), self.tenant.tenant.id.to_string());
        self.ask(method, uri, &[("authorization", &bearer), ("x-tenant-id", &tenant)], body).await
    }
}

impl Reply {
    #[track_caller]
    fn refused(&self, status: u16, code: &str) {
        assert_eq!((self.status, self.body["code"].as_str()), (status, Some(code)), "{}", self.body);
    }
}

#[tokio::test]
async fn credential_and_tenant_are_checked_in_the_contracts_order() {
    let server = Server::start().await;
    let bearer = format!("Bearer {}", server.tenant.token);
    let (own, other) = (server.tenant.tenant.id.to_string(), uuid::Uuid::from_u128(7).to_string());
    let ask = async |headers: &[(&str, &str)]| server.ask("GET", "/v1/audit-log", headers, None).await;
    ask(&[]).await.refused(401, "unauthenticated");
    ask(&[("x-tenant-id", "nonsense")]).await.refused(401, "unauthenticated");
    ask(&[("authorization", "Bearer nonsense"), ("x-tenant-id", &own)]).await.refused(401, "unauthenticated");
    ask(&[("authorization", &bearer), ("authorization", &bearer), ("x-tenant-id", &own)])
        .await
        .refused(401, "unauthenticated");
    ask(&[("authorization", &bearer)]).await.refused(400, "invalid_tenant_id");
    ask(&[("authorization", &bearer), ("x-tenant-id", "nonsense")]).await.refused(400, "invalid_tenant_id");
    ask(&[("authorization", &bearer), ("x-tenant-id", &own), ("x-tenant-id", &own)])
        .await
        .refused(400, "invalid_tenant_id");
    ask(&[("authorization", &bearer), ("x-tenant-id", &other)]).await.refused(403, "tenant_mismatch");
    ask(&[("authorization", &bearer), ("x-api-key", "cfw_x"), ("x-tenant-id", &own)])
        .await
        .refused(400, "invalid_request");
    assert_eq!(ask(&[("authorization", &bearer), ("x-tenant-id", &own)]).await.status, 200);
}

#[tokio::test]
async fn a_stranger_is_not_told_which_parameters_there_are() {
    let server = Server::start().await;
    server.ask("GET", "/v1/audit-log?nonsense=1", &[], None).await.refused(401, "unauthenticated");
    let known = server.get("/v1/audit-log?nonsense=1").await;
    known.refused(400, "invalid_request");
    assert_eq!(known.body["details"]["fields"]["nonsense"], "is not a parameter of this operation");
    server.get("/v1/audit-log/verify?nonsense=1").await.refused(400, "invalid_request");
}

#[tokio::test]
async fn what_is_no_id_answers_as_an_id_that_never_existed() {
    let server = Server::start().await;
    for id in ["nonsense", "0192f0c17a3b7c4d8e5f0123456789ab", "%00", "0192f0c1-7a3b-7c4d-8e5f-0123456789ab"]
    {
        server.get(&format!("/v1/audit-log/{id}")).await.refused(404, "not_found");
    }
}

#[tokio::test]
async fn a_list_is_walked_page_by_page_and_a_foreign_cursor_is_refused() {
    let server = Server::start().await;
    for _ in 0..4 {
        server.test.token_of("acme", "root@acme.example").await;
    }
    let whole = server.get("/v1/audit-log?limit=250").await;
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
        let page = server.get(&uri).await;
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
        let refused = server.get(&uri).await;
        refused.refused(400, "invalid_request");
        assert!(refused.body["details"]["fields"].is_object(), "{uri}: {}", refused.body);
    }
}

#[tokio::test]
async fn the_audit_log_is_sealed_when_it_is_read_and_proves_sound() {
    let server = Server::start().await;
    let log = server.get("/v1/audit-log").await;
    let entries = log.body["data"].as_array().unwrap();
    assert!(
        entries.iter().all(|entry| entry["sequence"].is_u64() && entry["hash"].is_string()),
        "{}",
        log.body
    );
    let first = server.get(&format!("/v1/audit-log/{}", entries[0]["id"].as_str().unwrap())).await;
    assert_eq!(first.body, entries[0]);
    let verified = server.get("/v1/audit-log/verify").await;
    assert_eq!(verified.body["sound"], true, "{}", verified.body);
    assert_eq!(verified.body["sealed"].as_u64(), Some(entries.len() as u64));
}

#[tokio::test]
async fn a_credential_has_its_own_limit() {
    let settings = EdgeSettings { requests_a_minute: NonZeroU32::new(3), ..EdgeSettings::default() };
    let server = Server::with(settings).await;
    for _ in 0..3 {
        assert_eq!(server.get("/v1/audit-log").await.status, 200);
    }
    let refused = server.get("/v1/audit-log").await;
    refused.refused(429, "rate_limited");
    assert!(refused.headers.contains_key("retry-after"));
    assert_eq!(server.ask("GET", "/healthz", &[], None).await.status, 200);
}

#[tokio::test]
async fn a_node_is_ready_once_its_reconciler_runs_and_while_its_clock_is_right() {
    let server = Server::start().await;
    assert_eq!(server.ask("GET", "/healthz", &[], None).await.body, json!({ "status": "ok" }));
    server.ask("GET", "/readyz", &[], None).await.refused(503, "unavailable");
    // Whoever asks within a second gets the same answer.
    let later = || server.test.clock.advance(Seconds::of(1));
    server.test.app.health.reconciler_is_alive(server.test.app.now());
    later();
    assert_eq!(server.ask("GET", "/readyz", &[], None).await.status, 200);
    server.test.app.health.clock_is_ahead(true);
    later();
    server.ask("GET", "/readyz", &[], None).await.refused(503, "unavailable");
    server.test.app.health.clock_is_ahead(false);
    server.test.app.store.close().await;
    later();
    server.ask("GET", "/healthz", &[], None).await.refused(503, "unavailable");
}

#[tokio::test]
async fn a_database_that_is_away_is_told_without_its_details() {
    let server = Server::start().await;
    server.test.app.store.close().await;
    let reply = server.get("/v1/audit-log").await;
    reply.refused(503, "unavailable");
    assert_eq!(reply.headers["retry-after"], "1");
    assert!(!reply.body.to_string().contains("pool"), "{}", reply.body);
}

#[tokio::test]
async fn metrics_and_description_are_served() {
    let server = Server::start().await;
    server.get("/v1/audit-log").await;
    let described = server.ask("GET", "/openapi.json", &[], None).await;
    assert_eq!(described.body["openapi"], "3.1.0");
    assert_eq!(described.body, serde_json::from_str::<Value>(&curfew_http::openapi()).unwrap());
    let docs = server.ask("GET", "/docs/", &[], None).await;
    assert_eq!(docs.headers["content-type"], "text/html");
    let metrics = server.ask("GET", "/metrics", &[], None).await;
    assert_eq!(
        (metrics.status, &metrics.headers["content-type"]),
        (200, &"text/plain; version=0.0.4".parse().unwrap())
    );
}

/// Every operation of the description, by path and method.
fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let paths = document["paths"].as_object().unwrap();
    paths
        .iter()
        .flat_map(|(path, item)| {
            item.as_object()
                .unwrap()
                .iter()
                .map(|(method, operation)| (path.clone(), method.clone(), operation.clone()))
        })
        .collect()
}

fn is_public(operation: &Value) -> bool {
    operation["security"].as_array().is_some_and(|schemes| schemes.contains(&json!({})))
}

fn references(within: &Value) -> Vec<&str> {
    match within {
        Value::Object(fields) => {
            let own = fields.get("$ref").and_then(Value::as_str);
            own.into_iter().chain(fields.values().flat_map(references)).collect()
        }
        Value::Array(items) => items.iter().flat_map(references).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn whatever_the_description_refers_to_is_in_it() {
    let document: Value = serde_json::from_str(&curfew_http::openapi()).unwrap();
    let lacking: BTreeSet<&str> = references(&document)
        .into_iter()
        .filter(|reference| document.pointer(reference.trim_start_matches('#')).is_none())
        .collect();
    assert_eq!(lacking, BTreeSet::new());
}

#[test]
fn the_description_says_of_every_operation_what_a_client_needs() {
    let document: Value = serde_json::from_str(&curfew_http::openapi()).unwrap();
    let mut ids = BTreeSet::new();
    for (path, method, operation) in operations(&document) {
        let at = format!("{method} {path}");
        assert!(ids.insert(operation["operationId"].as_str().unwrap().to_owned()), "{at}: its id is taken");
        assert!(operation["summary"].is_string(), "{at}: no summary");
        let responses = operation["responses"].as_object().unwrap();
        assert!(responses.keys().any(|status| status.starts_with('2')), "{at}: no success");
        for (status, response) in responses {
            assert!(response["description"].is_string(), "{at} {status}: no description");
            if !status.starts_with('2') {
                let schema = &response["content"]["application/json"]["schema"]["$ref"];
                assert_eq!(schema, "#/components/schemas/ErrorBody", "{at} {status}");
            }
        }
        let mut expected = vec!["400", "413", "429", "500", "503"];
        if !is_public(&operation) {
            expected.extend(["401", "403"]);
            let names: Vec<_> = operation["parameters"]
                .as_array()
                .unwrap()
                .iter()
                .map(|parameter| &parameter["name"])
                .collect();
            assert!(names.contains(&&json!("X-Tenant-ID")), "{at}: {names:?}");
        }
        if path.contains('{') {
            expected.push("404");
        }
        if operation.get("requestBody").is_some() {
            expected.push("415");
        }
        for status in expected {
            assert!(responses.contains_key(status), "{at}: no {status}");
        }
    }
}

#[tokio::test]
async fn every_operation_but_the_public_ones_turns_strangers_away() {
    let server = Server::start().await;
    let document: Value = serde_json::from_str(&curfew_http::openapi()).unwrap();
    let id = NodeId::from_uuid(uuid::Uuid::from_u128(7)).to_string();
    for (path, method, operation) in operations(&document) {
        if is_public(&operation) {
            continue;
        }
        let path: String = path
            .split('/')
            .map(|part| if part.starts_with('{') { &id } else { part })
            .collect::<Vec<_>>()
            .join("/");
        let method = method.to_uppercase();
        for headers in [
            vec![],
            vec![("x-api-key", "cfw_nonsense")],
            vec![("authorization", "Bearer x")],
            vec![("cookie", "__Host-curfew=x"), ("origin", ORIGIN)],
        ] {
            let reply = server.ask(&method, &path, &headers, Some(json!({ "nonsense": 1 }))).await;
            assert_eq!(
                (reply.status, reply.body["code"].as_str()),
                (401, Some("unauthenticated")),
                "{method} {path}"
            );
            assert_eq!(reply.headers["www-authenticate"], "Bearer realm=\"curfew\"");
        }
    }
}

#[tokio::test]
async fn every_list_refuses_bad_limits_and_cursors() {
    let server = Server::start().await;
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
        assert_eq!(server.get(&format!("/v1/{list}")).await.status, 200, "{list}");
        for query in ["limit=0", "limit=251", "limit=x", "cursor=", "cursor=nonsense", "nonsense=1"] {
            server.get(&format!("/v1/{list}?{query}")).await.refused(400, "invalid_request");
        }
    }
}

#[tokio::test]
async fn bodies_of_policies_and_requests_are_held_to_their_description() {
    let server = Server::start().await;
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
        let reply = server.as_admin("POST", uri, Some(body)).await;
        reply.refused(400, "invalid_request");
        assert!(reply.body["details"]["fields"][field].is_string(), "{uri} {field}: {}", reply.body);
    }
    let broken = with(&policy, "cedar_policy_set", json!("permit ("));
    server.as_admin("POST", "/v1/policies", Some(broken)).await.refused(422, "policy_invalid");
    server.as_admin("POST", &approve, Some(review)).await.refused(404, "not_found");
    server.as_admin("POST", "/v1/policies/evaluate", Some(evaluate)).await.refused(409, "not_configured");
    assert_eq!(server.as_admin("POST", "/v1/policies", Some(policy)).await.status, 201);
}

#[tokio::test]
async fn who_and_what_are_asked_as_they_are_described() {
    let server = Server::start().await;
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
        let reply = server.as_admin("POST", uri, Some(body)).await;
        reply.refused(400, "invalid_request");
        assert!(reply.body["details"]["fields"][field].is_string(), "{uri} {field}: {}", reply.body);
    }
    server.as_admin("POST", "/v1/policies/who-can-access", Some(who)).await.refused(409, "not_configured");
}

/// A policy of two rules, and its path.
async fn policy(server: &Server) -> (Value, String) {
    let rules = "@notice(\"one\") permit (principal, action, resource);\nforbid (principal, action, resource) when { false };";
    let body = json!({ "name": "Prod \u{22} write", "max_duration_seconds": 60, "cedar_policy_set": rules });
    let made = server.as_admin("POST", "/v1/policies", Some(body)).await;
    assert_eq!((made.status, &made.headers["etag"]), (201, &"\"1\"".parse().unwrap()), "{}", made.body);
    let path = format!("/v1/policies/{}", made.body["id"].as_str().unwrap());
    (made.body, path)
}

#[tokio::test]
async fn a_policy_is_changed_by_whoever_has_read_it_last() {
    let server = Server::start().await;
    let (made, path) = policy(&server).await;
    let (bearer, tenant) = (format!("Bearer {}", server.tenant.token), server.tenant.tenant.id.to_string());
    let ask = async |method: &str, uri: &str, version: &str, body: Value| {
        let headers = [("authorization", bearer.as_str()), ("x-tenant-id", &tenant), ("if-match", version)];
        server.ask(method, uri, &headers, Some(body)).await
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
        let read = server.get(&path).await;
        assert_eq!(
            (&read.body["version"], &read.headers["etag"]),
            (&json!(version), &passed.headers["etag"])
        );
    }
    ask("DELETE", &path, "\"1\"", json!({})).await.refused(409, "conflict");
    assert_eq!(ask("DELETE", &path, "*", json!({})).await.status, 204);
    let versions = server.get(&format!("{path}/versions")).await;
    assert_eq!(versions.body["data"][0]["change_reason"], "of no use");
    assert_eq!(versions.body["data"][0]["changed"], json!(["rules"]));
    assert_eq!(versions.body["data"].as_array().unwrap().len(), 7);
    let first = server.get(&format!("{path}/versions/1")).await;
    assert_eq!(first.body["policy"], without_warnings(made));
    let restored = server.as_admin("POST", &format!("{path}/versions/1/restore"), None).await;
    assert_eq!((restored.status, &restored.body["enabled"]), (200, &json!(false)), "{}", restored.body);
    for nothing in ["0", "-1", "x", "99999999999"] {
        server.get(&format!("{path}/versions/{nothing}")).await.refused(404, "not_found");
    }
}

fn without_warnings(saved: Value) -> Value {
    let fields = saved.as_object().cloned().unwrap_or_default();
    fields.into_iter().filter(|(field, _)| !field.starts_with("warnings")).collect()
}

#[tokio::test]
async fn what_is_saved_is_answered_with_its_warnings() {
    let server = Server::start().await;
    let (made, path) = policy(&server).await;
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
    assert_eq!(codes(&server.as_admin("PATCH", &rule, Some(mended)).await.body), [""; 0]);
    let added = json!({ "policy_text": "permit (principal, action, resource) when { context.mfa };" });
    let added = server.as_admin("POST", &format!("{path}/rules"), Some(added)).await;
    assert_eq!((added.status, codes(&added.body)), (201, vec!["permit_for_everyone".to_owned()]));
    let order = json!({ "ids": [made["id"]] });
    assert_eq!(codes(&server.as_admin("PATCH", "/v1/policies/reorder", Some(order)).await.body), [""; 0]);
    let restored = server.as_admin("POST", &format!("{path}/versions/1/restore"), None).await;
    assert_eq!(codes(&restored.body), codes(&made));
    assert_eq!(server.get(&path).await.body["warnings"], restored.body["warnings"]);
    let old = server.get(&format!("{path}/versions/1")).await.body;
    assert!(old["policy"].get("warnings").is_none(), "a version that was is not looked at: {old}");
}

#[tokio::test]
async fn a_rule_is_read_and_written_by_its_fields() {
    let server = Server::start().await;
    let (_, path) = policy(&server).await;
    let rules = format!("{path}/rules");
    let wanted = json!({
        "effect": "permit", "principal_scope_type": "is", "principal_entity_type": "User",
        "action_scope_type": "in", "action_ids": ["read"], "ordinal": 0, "notice": "hello", "audit_session": false,
    });
    let made = server.as_admin("POST", &rules, Some(wanted)).await;
    assert_eq!((made.status, &made.body["ordinal"]), (201, &json!(0)), "{}", made.body);
    // Only where it is saved it is looked through.
    let made = Reply { body: without_warnings(made.body), ..made };
    let listed = server.get(&format!("{rules}?limit=2")).await;
    assert_eq!((&listed.body["data"][0], &listed.body["has_more"]), (&made.body, &json!(true)));
    let one = format!("{rules}/{}", made.body["id"].as_str().unwrap());
    assert_eq!(server.get(&one).await.body, made.body);
    let changed = server.as_admin("PATCH", &one, Some(json!({ "effect": "forbid", "ordinal": 9 }))).await;
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
        let refused = server.as_admin(method, uri, Some(body)).await;
        refused.refused(400, "invalid_request");
        assert!(refused.body["details"]["fields"][field].is_string(), "{field}: {}", refused.body);
    }
    let broken = server.as_admin("POST", &rules, Some(json!({ "policy_text": "permit (" }))).await;
    broken.refused(422, "policy_invalid");
    for query in ["limit=0", "cursor=nonsense", "nonsense=1"] {
        server.get(&format!("{rules}?{query}")).await.refused(400, "invalid_request");
        server.get(&format!("{path}/versions?{query}")).await.refused(400, "invalid_request");
    }
}

#[tokio::test]
async fn policies_are_put_into_an_order_by_a_list_of_all_of_them() {
    let server = Server::start().await;
    let (one, two) = (policy(&server).await.0, policy(&server).await.0);
    let order = async |body: Value| server.as_admin("PATCH", "/v1/policies/reorder", Some(body)).await;
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
    let server = Server::start().await;
    let (_, path) = policy(&server).await;
    let file = server.get(&format!("{path}/cedar")).await;
    assert_eq!(file.headers["content-type"], "text/plain; charset=utf-8");
    assert_eq!(file.headers["content-disposition"], "attachment; filename=\"prod-write.cedar\"");
    assert_eq!(file.headers["etag"], "\"1\"");
    let plain = server.get("/v1/policies/schema").await;
    assert_eq!(plain.headers["content-type"], "text/plain; charset=utf-8");
    let json = server.get("/v1/policies/schema?format=json").await;
    assert_eq!(json.headers["content-type"], "application/json");
    assert!(json.body.to_string().contains("AwsPermissionSet"));
    server.get("/v1/policies/schema?format=xml").await.refused(400, "invalid_request");
}

#[tokio::test]
async fn a_draft_of_policies_is_held_to_its_description() {
    let server = Server::start().await;
    let new = json!({ "name": "p", "max_duration_seconds": 60, "cedar_policy_set": "permit (principal, action, resource);" });
    let made = server.as_admin("POST", "/v1/policies", Some(new.clone())).await.body;
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
        let reply = server.as_admin("POST", "/v1/policies/simulate", Some(body.clone())).await;
        reply.refused(400, "invalid_request");
        assert!(reply.body["details"]["fields"][field].is_string(), "{field}: {}", reply.body);
    }
    let simulate = async |body| server.as_admin("POST", "/v1/policies/simulate", Some(body)).await;
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
    let server = Server::start().await;
    let analyze = async |body| server.as_admin("POST", "/v1/policies/analyze", Some(body)).await;
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

#[tokio::test]
async fn what_the_documentation_does_not_have_is_refused_in_the_one_error_body() {
    let server = Server::start().await;
    for path in ["/docs/nothing", "/docs/%FF", "/docs/../../etc/passwd"] {
        server.get(path).await.refused(404, "not_found");
    }
    assert_eq!(server.get("/docs/").await.status, 200);
}

#[tokio::test]
async fn a_token_and_a_key_that_have_expired_open_nothing() {
    let server = Server::start().await;
    let (bearer, tenant) = (format!("Bearer {}", server.tenant.token), server.tenant.tenant.id.to_string());
    let admin = [("authorization", bearer.as_str()), ("x-tenant-id", tenant.as_str())];
    let end = (server.test.app.now() + Seconds::of(60)).to_string();
    let ask = json!({ "name": "terraform", "scopes": ["users:read"], "expires_at": end });
    let made = server.ask("POST", "/v1/api-keys", &admin, Some(ask)).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let key = [("x-api-key", made.body["raw_key"].as_str().unwrap()), ("x-tenant-id", tenant.as_str())];
    assert_eq!(server.ask("GET", "/v1/users/me", &key, None).await.status, 200);
    server.test.clock.advance(Seconds::of(60));
    server.ask("GET", "/v1/users/me", &key, None).await.refused(401, "unauthenticated");
    assert_eq!(server.get("/v1/users/me").await.status, 200);
    server.test.clock.advance(Seconds::of(3_600));
    server.get("/v1/users/me").await.refused(401, "unauthenticated");
}

#[tokio::test]
async fn no_operation_takes_a_field_that_it_does_not_describe() {
    let server = Server::start().await;
    let document: Value = serde_json::from_str(&curfew_http::openapi()).unwrap();
    let (bearer, tenant) = (format!("Bearer {}", server.tenant.token), server.tenant.tenant.id.to_string());
    let admin = [("authorization", bearer.as_str()), ("x-tenant-id", tenant.as_str())];
    let settings = server.get("/v1/settings").await.body;
    let setting = settings["data"][0]["key"].as_str().unwrap();
    let mut tried = 0;
    for (path, method, operation) in operations(&document) {
        if operation.get("requestBody").is_none() {
            continue;
        }
        let path: Vec<&str> = path
            .split('/')
            .map(|part| match part {
                "{key}" => setting,
                id if id.starts_with('{') => tenant.as_str(),
                part => part,
            })
            .collect();
        let (method, path) = (method.to_uppercase(), path.join("/"));
        let reply = server.ask(&method, &path, &admin, Some(json!({ "no_such_field": 1 }))).await;
        assert_eq!((reply.status, &reply.body["code"]), (400, &json!("invalid_request")), "{method} {path}");
        let problem = reply.body["details"]["fields"]["no_such_field"].as_str();
        assert!(problem.is_some(), "{method} {path}: {}", reply.body);
        tried += 1;
    }
    assert!(tried > 20, "{tried}");
}
