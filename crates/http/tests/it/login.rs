//! Signing in and out.

use curfew_app::testing::{ORIGIN, PASSWORD};
use serde_json::{Value, json};

use crate::support::{Caller, Edge};

#[tokio::test]
async fn a_login_gives_a_token_that_refreshes_and_ends() {
    let edge = Edge::start().await;
    let admin = edge.set_up("single").await;
    let body = json!({ "email": "ROOT@acme.example", "password": PASSWORD });
    let signed_in = edge.post(&Caller::nobody(), "/v1/auth/login", body).await.is(200);
    for flag in ["mfa_required", "mfa_setup_required", "enrollment_required"] {
        assert_eq!(signed_in[flag], false, "{flag}");
    }
    let refreshed = edge.ask(&admin, "POST", "/v1/auth/refresh", None).await.is(200);
    assert_ne!(refreshed["token"], signed_in["token"]);
    assert_eq!(edge.ask(&admin, "POST", "/v1/auth/logout", None).await.status, 204);
    edge.get(&admin, "/v1/users/me").await.refused(401, "unauthenticated");
    // The refreshed token belonged to the login that was ended.
    let tenant = admin.value("x-tenant-id");
    let token = format!("Bearer {}", refreshed["token"].as_str().unwrap());
    let refreshed = Caller::nobody().with("authorization", token).with("x-tenant-id", tenant);
    edge.get(&refreshed, "/v1/users/me").await.refused(401, "unauthenticated");
}

#[tokio::test]
async fn repeated_failures_are_turned_away_with_a_time_to_come_back() {
    let edge = Edge::start().await;
    edge.set_up("single").await;
    let wrong = || json!({ "email": "nobody@acme.example", "password": "wrong", "tenant_slug": "acme" });
    for _ in 0..5 {
        edge.post(&Caller::nobody(), "/v1/auth/login", wrong()).await.refused(401, "unauthenticated");
    }
    let refused = edge.post(&Caller::nobody(), "/v1/auth/login", wrong()).await;
    refused.refused(429, "rate_limited");
    assert_eq!(refused.headers["retry-after"], "1");
}

#[tokio::test]
async fn the_consoles_cookie_is_given_to_its_own_pages_alone() {
    let edge = Edge::start().await;
    edge.set_up("single").await;
    let body = || json!({ "email": "root@acme.example", "password": PASSWORD, "session": "cookie" });
    for page in [Caller::nobody(), Caller::nobody().with("origin", "https://evil.test")] {
        edge.post(&page, "/v1/auth/login", body()).await.refused(403, "forbidden");
    }
    let console = Caller::nobody().with("origin", ORIGIN);
    let signed_in = edge.post(&console, "/v1/auth/login", body()).await;
    let set = signed_in.headers["set-cookie"].to_str().unwrap().to_owned();
    assert_eq!(signed_in.is(200)["token"], Value::Null);
    assert!(
        set.starts_with("__Host-curfew=cfw_") && set.contains("; HttpOnly; SameSite=Lax; Secure"),
        "{set}"
    );

    let signed_in = Caller::nobody().with("cookie", set.split(';').next().unwrap());
    let me = edge.get(&signed_in, "/v1/users/me").await.is(200);
    let csrf = me["csrf_token"].as_str().unwrap();
    edge.ask(&signed_in, "POST", "/v1/auth/logout", None).await.refused(403, "forbidden");
    let whole = signed_in.with("origin", ORIGIN).with("x-csrf-token", csrf);
    let left = edge.ask(&whole, "POST", "/v1/auth/logout", None).await;
    assert!(left.headers["set-cookie"].to_str().unwrap().contains("Max-Age=0"));
    left.is(204);
    edge.get(&signed_in, "/v1/users/me").await.refused(401, "unauthenticated");
}

#[tokio::test]
async fn providers_are_told_by_slug_and_by_verified_domain_alone() {
    let edge = Edge::start().await;
    let admin = edge.set_up("single").await;
    let nobody = Caller::nobody();
    let found = edge.get(&nobody, "/v1/auth/providers?slug=acme").await.is(200);
    assert_eq!(found, json!({ "tenant_id": admin.value("x-tenant-id"), "methods": ["local"] }));
    for unknown in ["slug=bolt", "domain=acme.example"] {
        edge.get(&nobody, &format!("/v1/auth/providers?{unknown}")).await.refused(404, "not_found");
    }
    for wrong in ["", "slug=acme&domain=acme.example", "slug=Acme%00", "slug=acme&x=1", "domain=acme"] {
        edge.get(&nobody, &format!("/v1/auth/providers?{wrong}")).await.refused(400, "invalid_request");
    }
}
