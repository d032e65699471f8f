//! How findings of drift are settled, over the whole router and a real store.

#![expect(clippy::unwrap_used, reason = "a test may end at what it did not expect")]

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use curfew_app::testing::{TestApp, TestTenant};
use curfew_domain::{DriftId, DriftKind, DriftOutcome, DriftPlace, PlatformMode};
use curfew_http::{EdgeSettings, MetricsPage};
use curfew_store::NewDrift;
use curfew_store::testing::TestStore;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

struct Server {
    router: Router,
    test: TestApp,
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
        let router = curfew_http::router(test.app.clone(), &settings, MetricsPage::install().unwrap());
        Self { router, test, acme, token, _store: store }
    }

    async fn found(&self, kind: DriftKind) -> DriftId {
        let (app, now) = (&self.test.app, self.test.app.now());
        let set = "arn:aws:sso:::permissionSet/ssoins-1234567890abcdef/ps-1234567890abcdef";
        let id = DriftId::new(now, app.entropy.as_ref());
        let place = DriftPlace {
            instance: "arn:aws:sso:::instance/ssoins-1234567890abcdef".parse().unwrap(),
            account: "123456789012".parse().unwrap(),
            permission_set: set.parse().unwrap(),
            principal: id.to_string().parse().unwrap(),
        };
        let outcome = DriftOutcome::LeftAlone;
        let finding = NewDrift { id, kind, place, assignment: None, outcome, found_at: now };
        let unit = app.store.tenant(self.acme.tenant.id).write().await.unwrap();
        unit.insert_drift(&finding).await.unwrap();
        unit.commit().await.unwrap();
        id
    }

    async fn resolve(&self, id: DriftId, body: Option<Value>) -> (u16, Value) {
        let request = Request::builder()
            .method("POST")
            .uri(format!("/v1/drift/{id}/resolve"))
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
}

#[tokio::test]
async fn a_remedy_that_is_not_sound_is_refused_field_by_field() {
    let server = Server::start().await;
    let id = server.found(DriftKind::UnmanagedUser).await;
    for (body, field) in [
        (json!({ "action": "remove" }), "reason"),
        (json!({ "action": "remove", "reason": "" }), "reason"),
        (json!({ "action": "remove", "reason": "x", "duration_seconds": 60 }), "duration_seconds"),
        (json!({ "duration_seconds": 60 }), "duration_seconds"),
        (json!({ "action": "adopt", "duration_seconds": 60 }), "reason"),
        (json!({ "action": "adopt", "reason": "x" }), "duration_seconds"),
        (json!({ "action": "delete", "reason": "x" }), "action"),
        (json!({ "remedy": "remove" }), ""),
    ] {
        let (status, refused) = server.resolve(id, Some(body.clone())).await;
        assert_eq!((status, &refused["code"]), (400, &json!("invalid_request")), "{body}: {refused}");
        let fields = refused["details"]["fields"].as_object().unwrap();
        assert!(field.is_empty() || fields.contains_key(field), "{body}: {refused}");
    }
    let (status, accepted) = server.resolve(id, None).await;
    assert_eq!((status, &accepted["outcome"], &accepted["open"]), (200, &json!("left_alone"), &json!(false)));
}

#[tokio::test]
async fn only_a_persons_access_is_removed_or_adopted() {
    let server = Server::start().await;
    for (kind, state) in [
        (DriftKind::UnmanagedGroup, "group"),
        (DriftKind::Removed, "managed"),
        (DriftKind::Reappeared, "managed"),
    ] {
        let id = server.found(kind).await;
        for body in [
            json!({ "action": "remove", "reason": "x" }),
            json!({ "action": "adopt", "reason": "x", "duration_seconds": 60 }),
        ] {
            let (status, refused) = server.resolve(id, Some(body)).await;
            assert_eq!((status, &refused["details"]["state"]), (409, &json!(state)), "{refused}");
        }
    }
    let id = server.found(DriftKind::UnmanagedUser).await;
    let (status, refused) = server.resolve(id, Some(json!({ "action": "remove", "reason": "x" }))).await;
    assert_eq!((status, &refused["code"]), (409, &json!("conflict")), "no connection leads there");
}
