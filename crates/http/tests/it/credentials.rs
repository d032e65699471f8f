//! Who calls: credentials, the tenant that comes with them, and their limits.

use std::num::NonZeroU32;

use axum::body::Body;
use curfew_app::testing::PASSWORD;
use curfew_domain::Seconds;
use curfew_http::EdgeSettings;
use serde_json::json;
use tokio::sync::oneshot;

use crate::support::{Acme, Caller, Edge, Reply};
use crate::users::dana;

#[tokio::test]
async fn credential_and_tenant_are_checked_in_the_contracts_order() {
    let acme = Acme::start().await;
    let bearer = format!("Bearer {}", acme.tenant.token);
    let (own, other) = (acme.tenant.tenant.id.to_string(), uuid::Uuid::from_u128(7).to_string());
    let ask = async |headers: &[(&'static str, &str)]| {
        acme.edge.get(&Caller::showing(headers), "/v1/audit-log").await
    };
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
    let acme = Acme::start().await;
    acme.edge.get(&Caller::nobody(), "/v1/audit-log?nonsense=1").await.refused(401, "unauthenticated");
    let known = acme.get("/v1/audit-log?nonsense=1").await;
    known.refused(400, "invalid_request");
    assert_eq!(known.body["details"]["fields"]["nonsense"], "is not a parameter of this operation");
    acme.get("/v1/audit-log/verify?nonsense=1").await.refused(400, "invalid_request");
}

#[tokio::test]
async fn a_token_and_a_key_that_have_expired_open_nothing() {
    let acme = Acme::start().await;
    let end = (acme.edge.test.app.now() + Seconds::of(60)).to_string();
    let ask = json!({ "name": "terraform", "scopes": ["users:read"], "expires_at": end });
    let made = acme.post("/v1/api-keys", ask).await.is(201);
    let key = acme.admin.by_key(made["raw_key"].as_str().unwrap());
    acme.edge.get(&key, "/v1/users/me").await.is(200);
    acme.edge.test.clock.advance(Seconds::of(60));
    acme.edge.get(&key, "/v1/users/me").await.refused(401, "unauthenticated");
    assert_eq!(acme.get("/v1/users/me").await.status, 200);
    acme.edge.test.clock.advance(Seconds::of(3_600));
    acme.get("/v1/users/me").await.refused(401, "unauthenticated");
}

#[tokio::test]
async fn a_credential_has_its_own_limit() {
    let settings = EdgeSettings { requests_a_minute: NonZeroU32::new(3), ..EdgeSettings::default() };
    let acme = Acme::on(Edge::with(settings).await).await;
    for _ in 0..3 {
        assert_eq!(acme.get("/v1/audit-log").await.status, 200);
    }
    let refused = acme.get("/v1/audit-log").await;
    refused.refused(429, "rate_limited");
    assert!(refused.headers.contains_key("retry-after"));
    assert_eq!(acme.edge.get(&Caller::nobody(), "/healthz").await.status, 200);
}

/// Makes somebody by this caller, who sends the body only after `meanwhile`.
async fn made_after(edge: &Edge, caller: &Caller, meanwhile: impl AsyncFnOnce()) -> Reply {
    let (asked, known) = oneshot::channel();
    let (send, held_back) = oneshot::channel();
    let body = Body::from_stream(futures::stream::once(async move {
        asked.send(()).unwrap();
        held_back.await
    }));
    let sending = edge.answer(caller.asks("POST", "/v1/users", body));
    let others = async {
        known.await.unwrap();
        meanwhile().await;
        send.send(dana(PASSWORD).to_string()).unwrap();
    };
    tokio::join!(sending, others).0
}

#[tokio::test]
async fn whoever_holds_a_body_back_is_asked_again_who_they_are() {
    let edge = Edge::start().await;
    let root = edge.set_up("single").await;
    let eve = json!({ "email": "eve@acme.example", "name": "Eve", "password": PASSWORD, "roles": ["admin"] });
    let made = edge.post(&root, "/v1/users", eve).await.is(201);
    let uri = format!("/v1/users/{}", made["id"].as_str().unwrap());
    let eve = edge.login("eve@acme.example", "acme").await;
    made_after(&edge, &eve, async || {}).await.is(201);

    let demoted = async || {
        edge.ask(&root, "PUT", &uri, Some(json!({ "roles": ["user"] }))).await.is(200);
    };
    made_after(&edge, &eve, demoted).await.refused(409, "conflict");
    let suspended = async || {
        edge.ask(&root, "POST", &format!("{uri}/suspend"), None).await.is(200);
    };
    edge.ask(&root, "PUT", &uri, Some(json!({ "roles": ["admin"] }))).await.is(200);
    made_after(&edge, &eve, suspended).await.refused(401, "unauthenticated");
}
