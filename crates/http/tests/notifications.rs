//! What a person is told, over the whole router: the pages of an inbox are the contract's own.
#![expect(clippy::unwrap_used, reason = "a test may end at what it did not expect")]

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use curfew_app::notify::Notifier;
use curfew_app::testing::{TestApp, TestTenant};
use curfew_domain::audit::{AuditAction, NewEntry};
use curfew_domain::{Actor, PlatformMode};
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

impl Server {
    async fn start() -> Self {
        let store = TestStore::sqlite().await;
        let test = TestApp::new(&store.store);
        let tenant = test.set_up(PlatformMode::Single).await;
        let settings = EdgeSettings { requests_a_minute: None, ..EdgeSettings::default() };
        let router = curfew_http::router(test.app.clone(), &settings, MetricsPage::install().unwrap());
        Self { router, test, tenant, _store: store }
    }

    /// Tells the admin of so many events.
    async fn tell(&self, count: u8) {
        let app = &self.test.app;
        let unit = app.store.tenant(self.tenant.tenant.id).write().await.unwrap();
        for number in 0..count {
            let entry = NewEntry::new(Actor::System, AuditAction::DriftDetected, "drift", number);
            unit.record(entry, app.now(), app.entropy.as_ref()).await.unwrap();
        }
        unit.commit().await.unwrap();
        Notifier::new(Arc::clone(app)).pass().await.unwrap();
    }

    async fn ask(&self, method: &str, path: &str) -> (u16, Value) {
        let request = Request::builder()
            .method(method)
            .uri(format!("/v1/users/me/notifications{path}"))
            .header("authorization", format!("Bearer {}", self.tenant.token))
            .header("x-tenant-id", self.tenant.tenant.id.to_string());
        let response = self.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }

    async fn get(&self, path: &str) -> Value {
        let (status, body) = self.ask("GET", path).await;
        assert_eq!(status, 200, "{body}");
        body
    }
}

#[tokio::test]
async fn an_inbox_is_walked_read_and_counted() {
    let server = Server::start().await;
    assert_eq!(
        server.get("").await,
        json!({ "items": [], "unread_count": 0, "has_more": false, "next_cursor": null })
    );
    server.tell(23).await;
    let first = server.get("").await;
    assert_eq!(first["items"].as_array().unwrap().len(), 20, "the contract's own default");
    assert_eq!((&first["unread_count"], &first["has_more"]), (&json!(23), &json!(true)));
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = server.get(&format!("?cursor={cursor}")).await;
    assert_eq!((rest["items"].as_array().unwrap().len(), &rest["has_more"]), (3, &json!(false)));
    assert_eq!(
        server.ask("GET", &format!("?unread_only=true&cursor={cursor}")).await.0,
        400,
        "another list's"
    );
    let one = &first["items"][0];
    for (field, value) in
        [("event_type", json!("drift.detected")), ("resource_type", json!("drift")), ("read_at", Value::Null)]
    {
        assert_eq!(one[field], value, "{one}");
    }
    let (status, read) = server.ask("POST", &format!("/{}/read", one["id"].as_str().unwrap())).await;
    assert_eq!((status, &read["id"]), (200, &one["id"]));
    assert!(read["read_at"].is_string());
    let unread = server.get("?unread_only=true&limit=100").await;
    assert_eq!((unread["items"].as_array().unwrap().len(), &unread["unread_count"]), (22, &json!(22)));
    assert_eq!(server.ask("POST", "/read-all").await, (200, json!({ "read": 22 })));
    assert_eq!(server.get("?unread_only=true").await["unread_count"], 0);
    assert_eq!(server.get("").await["items"].as_array().unwrap().len(), 20);
    for nobodys in ["0192f0c1-7a3b-7c4d-8e5f-0123456789ab", "nonsense"] {
        assert_eq!(server.ask("POST", &format!("/{nobodys}/read")).await.0, 404);
    }
}
