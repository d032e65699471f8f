//! Lockdowns, and people who are deleted, over the whole router and a real store.

#![expect(clippy::unwrap_used, reason = "a test may end at what it did not expect")]

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use curfew_app::testing::{TestApp, TestTenant};
use curfew_domain::PlatformMode;
use curfew_http::{EdgeSettings, MetricsPage};
use curfew_store::testing::TestStore;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

struct Server {
    router: Router,
    acme: TestTenant,
    token: String,
    _store: TestStore,
}

impl Server {
    async fn start() -> Self {
        let store = TestStore::sqlite().await;
        let test = TestApp::new(&store.store);
        let acme = test.set_up(PlatformMode::Single).await;
        let token = test.token_of(acme.tenant.slug.as_str(), acme.admin.email.as_str()).await;
        let settings = EdgeSettings { requests_a_minute: None, ..EdgeSettings::default() };
        let router = curfew_http::router(test.app, &settings, MetricsPage::install().unwrap());
        Self { router, acme, token, _store: store }
    }

    /// What the admin is answered.
    async fn ask(&self, method: &str, uri: &str, body: Option<Value>) -> (u16, Value) {
        let request = Request::builder()
            .method(method)
            .uri(uri)
            .header("Authorization", format!("Bearer {}", self.token))
            .header("X-Tenant-ID", self.acme.tenant.id.to_string())
            .header("Content-Type", "application/json")
            .body(body.map_or_else(Body::empty, |body| Body::from(body.to_string())))
            .unwrap();
        let reply = self.router.clone().oneshot(request).await.unwrap();
        let status = reply.status().as_u16();
        let bytes = reply.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&bytes).unwrap_or_default())
    }

    async fn lock_down(&self, body: Value) -> (u16, Value) {
        self.ask("POST", "/v1/lockdowns", Some(body)).await
    }
}

#[tokio::test]
async fn a_lockdown_is_started_read_listed_and_lifted() {
    let server = Server::start().await;
    let ask = json!({ "scope": "account", "id": "123456789012", "reason": "INC-7" });
    let (status, started) = server.lock_down(ask.clone()).await;
    assert_eq!(status, 201, "{started}");
    let id = started["id"].as_str().unwrap();
    for (field, value) in [
        ("scope", json!("account")),
        ("subject_id", json!("123456789012")),
        ("reason", json!("INC-7")),
        ("in_force", json!(true)),
        ("grants_revoked", json!(0)),
        ("created_by", json!(server.acme.admin.id)),
        ("lifted_at", Value::Null),
    ] {
        assert_eq!(started[field], value, "{field}");
    }
    let (status, refused) = server.lock_down(ask).await;
    assert_eq!((status, &refused["code"]), (409, &json!("conflict")));
    assert_eq!(refused["details"]["lockdown_id"], id);
    let one = format!("/v1/lockdowns/{id}");
    assert_eq!(server.ask("GET", &one, None).await, (200, started));
    let (_, listed) = server.ask("GET", "/v1/lockdowns?in_force=true", None).await;
    assert_eq!(listed["data"].as_array().unwrap().len(), 1);
    let (status, ended) = server.ask("DELETE", &one, None).await;
    assert_eq!((status, &ended["in_force"]), (200, &json!(false)));
    let (status, refused) = server.ask("DELETE", &one, None).await;
    assert_eq!((status, &refused["details"]["state"]), (409, &json!("lifted")));
    let (_, listed) = server.ask("GET", "/v1/lockdowns?in_force=true", None).await;
    assert!(listed["data"].as_array().unwrap().is_empty());
}

#[tokio::test]
async fn a_lockdown_that_is_not_sound_is_refused_field_by_field() {
    let server = Server::start().await;
    let user = server.acme.admin.id;
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
        let (status, refused) = server.lock_down(body.clone()).await;
        assert_eq!((status, &refused["code"]), (400, &json!("invalid_request")), "{body}: {refused}");
        let fields = refused["details"]["fields"].as_object().unwrap();
        assert!(field.is_empty() || fields.contains_key(field), "{body}: {refused}");
    }
    for id in ["nonsense", "0192f0c1-7a3b-7c4d-8e5f-0123456789ab"] {
        for method in ["GET", "DELETE"] {
            let (status, _) = server.ask(method, &format!("/v1/lockdowns/{id}"), None).await;
            assert_eq!(status, 404, "{method} {id}");
        }
    }
}

#[tokio::test]
async fn whoever_is_asked_for_during_a_lockdown_is_told_which_and_not_why() {
    let server = Server::start().await;
    let (_, started) = server.lock_down(json!({ "scope": "tenant", "reason": "Dana is suspected" })).await;
    let wanted = json!({
        "resource": { "type": "aws_account", "id": "123456789012" }, "action": "read",
        "permission_set_arn": "arn:aws:sso:::permissionSet/ssoins-1234567890abcdef/ps-aaaaaaaaaaaaaaaa",
    });
    // AWS is not connected here: what comes first is of no importance, but never why there is a lockdown.
    let (status, refused) = server.ask("POST", "/v1/requests", Some(wanted)).await;
    assert!(status == 423 || status == 409, "{refused}");
    assert!(!refused.to_string().contains("suspected"), "{refused}");
    assert_eq!(started["subject_id"], Value::Null);
}

#[tokio::test]
async fn a_deleted_user_is_no_longer_there() {
    let server = Server::start().await;
    let dana = json!({ "email": "dana@acme.example", "name": "Dana", "roles": ["user"], "password": "granite-otter-lamp" });
    let (status, made) = server.ask("POST", "/v1/users", Some(dana.clone())).await;
    assert_eq!(status, 201, "{made}");
    let one = format!("/v1/users/{}", made["id"].as_str().unwrap());
    assert_eq!(server.ask("DELETE", &one, None).await, (204, Value::Null));
    assert_eq!(server.ask("GET", &one, None).await.0, 404);
    assert_eq!(server.ask("DELETE", &one, None).await.0, 404);
    assert_eq!(server.ask("POST", "/v1/users", Some(dana)).await.0, 201, "the address is free");
    let oneself = format!("/v1/users/{}", server.acme.admin.id);
    let (status, refused) = server.ask("DELETE", &oneself, None).await;
    assert_eq!((status, &refused["code"]), (403, &json!("forbidden")));
}
