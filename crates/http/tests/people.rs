//! Setup, login, tenants, people and keys over the whole router and a real store.

#![expect(clippy::unwrap_used, reason = "a test may end at what it did not expect")]

use std::net::SocketAddr;

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Request};
use curfew_app::testing::{ORIGIN, PASSWORD, TestApp};
use curfew_http::{EdgeSettings, MetricsPage};
use curfew_store::testing::TestStore;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tower::ServiceExt;

struct Server {
    router: Router,
    _store: TestStore,
}

struct Reply {
    status: u16,
    headers: HeaderMap,
    body: Value,
}

impl Reply {
    #[track_caller]
    fn refused(&self, status: u16, code: &str) {
        assert_eq!((self.status, self.body["code"].as_str()), (status, Some(code)), "{}", self.body);
    }

    #[track_caller]
    fn wrong(&self, field: &str) {
        self.refused(400, "invalid_request");
        assert!(self.body["details"]["fields"].get(field).is_some(), "{field}: {}", self.body);
    }

    #[track_caller]
    fn is(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.body
    }
}

/// Someone who calls.
#[derive(Clone, Default)]
struct Caller(Vec<(&'static str, String)>);

impl Caller {
    fn with(&self, name: &'static str, value: impl Into<String>) -> Self {
        let mut headers = self.0.clone();
        headers.push((name, value.into()));
        Self(headers)
    }
}

impl Server {
    async fn start() -> Self {
        let store = TestStore::sqlite().await;
        let test = TestApp::new(&store.store);
        let settings = EdgeSettings { requests_a_minute: None, ..EdgeSettings::default() };
        let router = curfew_http::router(test.app, &settings, MetricsPage::install().unwrap());
        Self { router, _store: store }
    }

    async fn ask(&self, caller: &Caller, method: &str, uri: &str, body: Option<Value>) -> Reply {
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        self.send(caller, method, uri, body).await
    }

    async fn send(&self, caller: &Caller, method: &str, uri: &str, body: Body) -> Reply {
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in &caller.0 {
            request = request.header(*name, value);
        }
        if !body.is_end_stream() {
            request = request.header("content-type", "application/json");
        }
        request = request.extension(ConnectInfo(SocketAddr::from(([192, 0, 2, 1], 50_000))));
        let response = self.router.clone().oneshot(request.body(body).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Reply { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    async fn get(&self, caller: &Caller, uri: &str) -> Reply {
        self.ask(caller, "GET", uri, None).await
    }

    async fn post(&self, caller: &Caller, uri: &str, body: Value) -> Reply {
        self.ask(caller, "POST", uri, Some(body)).await
    }

    /// The first run; its admin, signed in.
    async fn set_up(&self, platform_mode: &str) -> Caller {
        self.post(&Caller::default(), "/v1/setup/complete", first_run(platform_mode)).await.is(201);
        self.login("root@acme.example", "acme").await
    }

    async fn login(&self, email: &str, slug: &str) -> Caller {
        let body = json!({ "email": email, "password": PASSWORD, "tenant_slug": slug });
        let signed_in = self.post(&Caller::default(), "/v1/auth/login", body).await.is(200);
        Caller::default()
            .with("authorization", format!("Bearer {}", signed_in["token"].as_str().unwrap()))
            .with("x-tenant-id", signed_in["tenant_id"].as_str().unwrap())
    }
}

fn first_run(platform_mode: &str) -> Value {
    json!({
        "tenant_name": "Acme", "tenant_slug": "acme", "domains": ["acme.example"],
        "admin_email": "root@acme.example", "admin_name": "Robin Root", "admin_password": PASSWORD,
        "platform_mode": platform_mode,
    })
}

fn dana(password: &str) -> Value {
    json!({ "email": "dana@acme.example", "name": "Dana Ruiz", "password": password, "roles": ["user"] })
}

#[tokio::test]
async fn the_first_run_answers_with_what_it_made_and_works_once() {
    let server = Server::start().await;
    let nobody = Caller::default();
    assert_eq!(
        server.get(&nobody, "/v1/setup/status").await.is(200),
        json!({ "completed": false, "platform_mode": "single" })
    );
    let made = server.post(&nobody, "/v1/setup/complete", first_run("multi")).await.is(201);
    assert_eq!((&made["tenant"]["is_master"], &made["tenant"]["slug"]), (&json!(true), &json!("acme")));
    assert_eq!(made["domains"][0]["verified"], false);
    assert_eq!(
        (&made["admin"]["roles"], &made["admin"]["email_verified"]),
        (&json!(["admin"]), &json!(true))
    );
    assert!(!made.to_string().contains(PASSWORD));
    server.post(&nobody, "/v1/setup/complete", first_run("single")).await.refused(409, "conflict");
    assert_eq!(
        server.get(&nobody, "/v1/setup/status").await.is(200),
        json!({ "completed": true, "platform_mode": "multi" })
    );
}

#[tokio::test]
async fn a_first_run_that_is_not_sound_is_refused_field_by_field() {
    let server = Server::start().await;
    let wrong = [
        ("tenant_slug", json!("Acme")),
        ("tenant_name", json!("")),
        ("tenant_name", json!("a\u{0}b")),
        ("admin_email", json!("root")),
        ("admin_password", json!("short")),
        ("admin_password", json!("password1")),
        ("admin_password", json!(null)),
        ("platform_mode", json!("many")),
        ("mfa_required", json!("yes")),
        ("surprise", json!(1)),
    ];
    for (field, value) in wrong {
        let mut body = first_run("single");
        body[field] = value;
        server.post(&Caller::default(), "/v1/setup/complete", body).await.wrong(field);
    }
    let mut body = first_run("single");
    body["aws_identity_center"] = json!({ "sso_instance_arn": "x", "role_arn": "y", "region": "z" });
    let refused = server.post(&Caller::default(), "/v1/setup/complete", body).await;
    refused.wrong("aws_identity_center.sso_instance_arn");
    assert_eq!(server.get(&Caller::default(), "/v1/setup/status").await.is(200)["completed"], false);
}

#[tokio::test]
async fn a_login_gives_a_token_that_refreshes_and_ends() {
    let server = Server::start().await;
    let admin = server.set_up("single").await;
    let body = json!({ "email": "ROOT@acme.example", "password": PASSWORD });
    let signed_in = server.post(&Caller::default(), "/v1/auth/login", body).await.is(200);
    for flag in ["mfa_required", "mfa_setup_required", "enrollment_required"] {
        assert_eq!(signed_in[flag], false, "{flag}");
    }
    let refreshed = server.ask(&admin, "POST", "/v1/auth/refresh", None).await.is(200);
    assert_ne!(refreshed["token"], signed_in["token"]);
    assert_eq!(server.ask(&admin, "POST", "/v1/auth/logout", None).await.status, 204);
    server.get(&admin, "/v1/users/me").await.refused(401, "unauthenticated");
    // The refreshed token belonged to the login that was ended.
    let tenant = admin.0[1].1.clone();
    let token = format!("Bearer {}", refreshed["token"].as_str().unwrap());
    let refreshed = Caller::default().with("authorization", token).with("x-tenant-id", tenant);
    server.get(&refreshed, "/v1/users/me").await.refused(401, "unauthenticated");
}

#[tokio::test]
async fn repeated_failures_are_turned_away_with_a_time_to_come_back() {
    let server = Server::start().await;
    server.set_up("single").await;
    let wrong = || json!({ "email": "nobody@acme.example", "password": "wrong", "tenant_slug": "acme" });
    for _ in 0..5 {
        server.post(&Caller::default(), "/v1/auth/login", wrong()).await.refused(401, "unauthenticated");
    }
    let refused = server.post(&Caller::default(), "/v1/auth/login", wrong()).await;
    refused.refused(429, "rate_limited");
    assert_eq!(refused.headers["retry-after"], "1");
}

#[tokio::test]
async fn the_consoles_cookie_is_given_to_its_own_pages_alone() {
    let server = Server::start().await;
    server.set_up("single").await;
    let body = || json!({ "email": "root@acme.example", "password": PASSWORD, "session": "cookie" });
    for page in [Caller::default(), Caller::default().with("origin", "https://evil.test")] {
        server.post(&page, "/v1/auth/login", body()).await.refused(403, "forbidden");
    }
    let console = Caller::default().with("origin", ORIGIN);
    let signed_in = server.post(&console, "/v1/auth/login", body()).await;
    let set = signed_in.headers["set-cookie"].to_str().unwrap().to_owned();
    assert_eq!(signed_in.is(200)["token"], Value::Null);
    assert!(
        set.starts_with("__Host-curfew=cfw_") && set.contains("; HttpOnly; SameSite=Lax; Secure"),
        "{set}"
    );

    let signed_in = Caller::default().with("cookie", set.split(';').next().unwrap());
    let me = server.get(&signed_in, "/v1/users/me").await.is(200);
    let csrf = me["csrf_token"].as_str().unwrap();
    server.ask(&signed_in, "POST", "/v1/auth/logout", None).await.refused(403, "forbidden");
    let whole = signed_in.with("origin", ORIGIN).with("x-csrf-token", csrf);
    let left = server.ask(&whole, "POST", "/v1/auth/logout", None).await;
    assert!(left.headers["set-cookie"].to_str().unwrap().contains("Max-Age=0"));
    left.is(204);
    server.get(&signed_in, "/v1/users/me").await.refused(401, "unauthenticated");
}

#[tokio::test]
async fn providers_are_told_by_slug_and_by_verified_domain_alone() {
    let server = Server::start().await;
    let admin = server.set_up("single").await;
    let nobody = Caller::default();
    let found = server.get(&nobody, "/v1/auth/providers?slug=acme").await.is(200);
    assert_eq!(found, json!({ "tenant_id": admin.0[1].1, "methods": ["local"] }));
    for unknown in ["slug=bolt", "domain=acme.example"] {
        server.get(&nobody, &format!("/v1/auth/providers?{unknown}")).await.refused(404, "not_found");
    }
    for wrong in ["", "slug=acme&domain=acme.example", "slug=Acme%00", "slug=acme&x=1", "domain=acme"] {
        server.get(&nobody, &format!("/v1/auth/providers?{wrong}")).await.refused(400, "invalid_request");
    }
}

#[tokio::test]
async fn a_user_is_made_once_however_often_the_same_is_asked() {
    let server = Server::start().await;
    let admin = server.set_up("single").await;
    let once = admin.with("idempotency-key", "k-1");
    let made = server.post(&once, "/v1/users", dana(PASSWORD)).await;
    assert!(made.headers.get("idempotency-replayed").is_none());
    let made = made.is(201);
    let replayed = server.post(&once, "/v1/users", dana(PASSWORD)).await;
    assert_eq!(replayed.headers["idempotency-replayed"], "true");
    assert_eq!(replayed.is(201), made);
    server.post(&once, "/v1/users", dana("another-good-phrase")).await.refused(409, "conflict");
    server.post(&admin, "/v1/users", dana(PASSWORD)).await.refused(409, "conflict");
    assert!(!made.to_string().contains(PASSWORD));
    let uri = format!("/v1/users/{}", made["id"].as_str().unwrap());
    assert_eq!(server.get(&admin, &uri).await.is(200), made);
    let users = server.get(&admin, "/v1/users?limit=1").await.is(200);
    assert_eq!((&users["data"][0], &users["has_more"]), (&made, &json!(true)));
    server.login("dana@acme.example", "acme").await;
}

#[tokio::test]
async fn a_user_that_is_not_sound_is_refused_field_by_field() {
    let server = Server::start().await;
    let admin = server.set_up("single").await;
    let wrong = [
        ("email", json!("dana")),
        ("name", json!("")),
        ("password", json!("dana.ruiz")),
        ("roles", json!([])),
        ("roles", json!(["no such role"])),
        ("roles", json!(["owner"])),
        ("auth_provider", json!("ldap")),
        ("surprise", json!(1)),
    ];
    for (field, value) in wrong {
        let mut body = dana(PASSWORD);
        body[field] = value;
        let refused = server.post(&admin, "/v1/users", body).await;
        refused.refused(400, "invalid_request");
        assert!(refused.body.to_string().contains(field), "{field}: {}", refused.body);
    }
}

#[tokio::test]
async fn suspending_and_activating_go_over_the_wire() {
    let server = Server::start().await;
    let admin = server.set_up("single").await;
    let made = server.post(&admin, "/v1/users", dana(PASSWORD)).await.is(201);
    let theirs = server.login("dana@acme.example", "acme").await;
    let uri = format!("/v1/users/{}", made["id"].as_str().unwrap());
    let suspended = server.ask(&admin, "POST", &format!("{uri}/suspend"), None).await.is(200);
    assert_eq!(suspended["active"], false);
    server.get(&theirs, "/v1/users/me").await.refused(401, "unauthenticated");
    let active = server.ask(&admin, "POST", &format!("{uri}/activate"), None).await.is(200);
    assert_eq!(active["active"], true);
    let renamed = server.ask(&admin, "PUT", &uri, Some(json!({ "name": "Dana R." }))).await.is(200);
    assert_eq!((&renamed["name"], &renamed["roles"]), (&json!("Dana R."), &json!(["user"])));
    server.ask(&theirs, "POST", &format!("{uri}/suspend"), None).await.refused(401, "unauthenticated");
}

/// Makes somebody by this caller, who sends the body only after `meanwhile`.
async fn made_after(server: &Server, caller: &Caller, meanwhile: impl AsyncFnOnce()) -> Reply {
    let (asked, known) = oneshot::channel();
    let (send, held_back) = oneshot::channel();
    let body = Body::from_stream(futures::stream::once(async move {
        asked.send(()).unwrap();
        held_back.await
    }));
    let sending = server.send(caller, "POST", "/v1/users", body);
    let others = async {
        known.await.unwrap();
        meanwhile().await;
        send.send(dana(PASSWORD).to_string()).unwrap();
    };
    tokio::join!(sending, others).0
}

#[tokio::test]
async fn whoever_holds_a_body_back_is_asked_again_who_they_are() {
    let server = Server::start().await;
    let root = server.set_up("single").await;
    let eve = json!({ "email": "eve@acme.example", "name": "Eve", "password": PASSWORD, "roles": ["admin"] });
    let made = server.post(&root, "/v1/users", eve).await.is(201);
    let uri = format!("/v1/users/{}", made["id"].as_str().unwrap());
    let eve = server.login("eve@acme.example", "acme").await;
    made_after(&server, &eve, async || {}).await.is(201);

    let demoted = async || {
        server.ask(&root, "PUT", &uri, Some(json!({ "roles": ["user"] }))).await.is(200);
    };
    made_after(&server, &eve, demoted).await.refused(409, "conflict");
    let suspended = async || {
        server.ask(&root, "POST", &format!("{uri}/suspend"), None).await.is(200);
    };
    server.ask(&root, "PUT", &uri, Some(json!({ "roles": ["admin"] }))).await.is(200);
    made_after(&server, &eve, suspended).await.refused(401, "unauthenticated");
}

#[tokio::test]
async fn a_key_is_told_once_and_revoked() {
    let server = Server::start().await;
    let admin = server.set_up("single").await;
    let once = admin.with("idempotency-key", "k-1");
    let body = || json!({ "name": "terraform", "scopes": ["users:read"] });
    let made = server.post(&once, "/v1/api-keys", body()).await.is(201);
    let raw = made["raw_key"].as_str().unwrap();
    assert!(raw.starts_with("cfk_"));
    let replayed = server.post(&once, "/v1/api-keys", body()).await.is(201);
    assert_eq!((&replayed["raw_key"], &replayed["id"]), (&Value::Null, &made["id"]));
    let listed = server.get(&admin, "/v1/api-keys").await.is(200);
    assert!(!listed.to_string().contains("cfk_"));

    let key = Caller::default().with("x-api-key", raw).with("x-tenant-id", admin.0[1].1.clone());
    let me = server.get(&key, "/v1/users/me").await.is(200);
    assert_eq!((&me["email"], &me["scopes"]), (&json!("root@acme.example"), &json!(["users:read"])));
    server.post(&key, "/v1/users", dana(PASSWORD)).await.refused(403, "forbidden");
    server.ask(&key, "POST", "/v1/auth/logout", None).await.refused(403, "forbidden");
    let uri = format!("/v1/api-keys/{}", made["id"].as_str().unwrap());
    server.ask(&admin, "DELETE", &uri, None).await.is(204);
    server.get(&key, "/v1/users/me").await.refused(401, "unauthenticated");
    let refused = server.post(&admin, "/v1/api-keys", json!({ "name": "x", "scopes": ["all:things"] })).await;
    refused.refused(400, "invalid_request");
}

#[tokio::test]
async fn the_log_says_whose_rights_a_key_used() {
    let server = Server::start().await;
    let admin = server.set_up("single").await;
    // Who makes a user gives them a role: one that they have, or could have by a policy of theirs.
    let scopes = json!(["users:create", "aws:read", "requests:create", "policies:write"]);
    let made =
        server.post(&admin, "/v1/api-keys", json!({ "name": "terraform", "scopes": scopes })).await.is(201);
    let raw = made["raw_key"].as_str().unwrap();
    let key = Caller::default().with("x-api-key", raw).with("x-tenant-id", admin.0[1].1.clone());
    server.post(&key, "/v1/users", dana(PASSWORD)).await.is(201);
    let me = server.get(&admin, "/v1/users/me").await.is(200);
    let log = server.get(&admin, "/v1/audit-log?action=user.created").await.is(200);
    let entry = &log["data"][0];
    assert_eq!((&entry["actor_type"], &entry["actor_id"]), (&json!("api_key"), &made["id"]));
    assert_eq!(entry["metadata"]["on_behalf_of"], me["id"]);
    let own = server.get(&admin, "/v1/audit-log?action=api_key.created").await.is(200);
    assert!(own["data"][0]["metadata"].get("on_behalf_of").is_none(), "{own}");
}

#[tokio::test]
async fn a_child_tenant_comes_with_a_link_for_its_owner() {
    let server = Server::start().await;
    let admin = server.set_up("multi").await;
    let body =
        json!({ "name": "Bolt", "slug": "bolt", "owner_email": "olga@bolt.example", "locale": "de-CH" });
    let made = server.post(&admin, "/v1/tenants", body.clone()).await.is(201);
    let url = made["owner_setup_url"].as_str().unwrap();
    let (page, token) = url.split_once("?token=").unwrap();
    assert_eq!(page, format!("{ORIGIN}/set-password"));
    let set = |token: &str| json!({ "token": token, "password": PASSWORD });
    server.post(&Caller::default(), "/v1/auth/set-initial-password", set("cfs_x")).await.wrong("token");
    server.post(&Caller::default(), "/v1/auth/set-initial-password", set(token)).await.is(204);
    server.post(&Caller::default(), "/v1/auth/set-initial-password", set(token)).await.wrong("token");
    let olga = server.login("olga@bolt.example", "bolt").await;
    let me = server.get(&olga, "/v1/users/me").await.is(200);
    assert_eq!((&me["tenant"]["slug"], &me["is_owner"]), (&json!("bolt"), &json!(true)));
    server.get(&olga, "/v1/tenants").await.refused(403, "forbidden");
    let own = format!("/v1/tenants/{}", olga.0[1].1);
    let portal = json!({ "sso_start_url": "https://bolt.awsapps.com/start", "sso_region": "eu-central-1" });
    let changed = server.ask(&olga, "PUT", &own, Some(portal)).await.is(200);
    assert_eq!(changed["sso_region"], "eu-central-1");
    let changed = server.ask(&olga, "PUT", &own, Some(json!({ "sso_start_url": null }))).await.is(200);
    assert_eq!((&changed["sso_start_url"], &changed["sso_region"]), (&Value::Null, &json!("eu-central-1")));
    server.ask(&admin, "PUT", &own, Some(json!({ "name": "Mine" }))).await.refused(403, "forbidden");
    server.post(&admin, "/v1/tenants", body).await.refused(409, "conflict");
    server.get(&olga, &format!("/v1/tenants/{}", admin.0[1].1)).await.refused(404, "not_found");
}

#[tokio::test]
async fn roles_permissions_and_settings_are_listed() {
    let server = Server::start().await;
    let admin = server.set_up("single").await;
    let roles = server.get(&admin, "/v1/roles").await.is(200);
    let slugs: Vec<_> = roles["data"].as_array().unwrap().iter().map(|role| &role["slug"]).collect();
    assert_eq!(slugs, ["user", "approver", "admin"]);
    assert_eq!(roles["data"][2]["user_count"], 1);
    let permissions = server.get(&admin, "/v1/permissions").await.is(200);
    assert_eq!(permissions["data"][0]["resource"], "api_keys");
    let first = server.get(&admin, "/v1/settings?limit=4").await.is(200);
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = server.get(&admin, &format!("/v1/settings?limit=4&cursor={cursor}")).await.is(200);
    assert_eq!((&rest["data"][0]["key"], &rest["data"][0]["value"]), (&json!("time_zone"), &json!("UTC")));
    let uri = "/v1/settings/time_zone";
    let zone = json!({ "value": "Europe/Zurich" });
    assert_eq!(server.ask(&admin, "PUT", uri, Some(zone)).await.is(200)["value"], "Europe/Zurich");
    server.ask(&admin, "PUT", uri, Some(json!({ "value": 7 }))).await.wrong("value");
    server.ask(&admin, "PUT", uri, Some(json!({}))).await.wrong("value");
    server
        .ask(&admin, "PUT", "/v1/settings/nothing", Some(json!({ "value": 7 })))
        .await
        .refused(404, "not_found");
}

#[tokio::test]
async fn a_first_run_that_another_sites_page_sends_sets_nothing_up() {
    let server = Server::start().await;
    let page = |name, value: &str| Caller::default().with(name, value);
    for stranger in [
        page("origin", "https://evil.test"),
        page("origin", "null"),
        // Its own name leads here: then its origin fits, but not to us.
        page("host", "evil.test:8080"),
        page("host", "evil.test:8080").with("origin", "http://evil.test:8080"),
    ] {
        server.post(&stranger, "/v1/setup/complete", first_run("single")).await.refused(403, "forbidden");
    }
    let console = page("host", "localhost:8080").with("origin", ORIGIN);
    server.post(&console, "/v1/setup/complete", first_run("single")).await.is(201);
}

#[tokio::test]
async fn another_tenants_people_mean_nothing_in_a_body() {
    let server = Server::start().await;
    let admin = server.set_up("multi").await;
    let own = server.get(&admin, "/v1/users/me").await.is(200)["tenant"]["id"].as_str().unwrap().to_owned();
    let child =
        json!({ "name": "Bolt", "slug": "bolt", "owner_email": "olga@bolt.example", "owner_name": "Olga" });
    let child = server.post(&admin, "/v1/tenants", child).await.is(201);
    let theirs = child["owner_user_id"].as_str().unwrap();
    let nobody = uuid::Uuid::from_u128(7).to_string();
    for id in [theirs, nobody.as_str()] {
        let transfer = json!({ "owner_user_id": id });
        server.ask(&admin, "PUT", &format!("/v1/tenants/{own}"), Some(transfer)).await.wrong("owner_user_id");
        let policy = json!({
            "name": "For one", "max_duration_seconds": 3600,
            "cedar_policy_set": format!(r#"permit(principal == User::"{id}", action, resource);"#),
        });
        server.post(&admin, "/v1/policies", policy).await.refused(422, "policy_invalid");
    }
}

#[tokio::test]
async fn a_group_is_shown_with_who_is_in_it_and_what_it_gives() {
    let server = Server::start().await;
    let admin = server.set_up("single").await;
    let dana = server.post(&admin, "/v1/users", dana(PASSWORD)).await.is(201);
    let once = admin.with("idempotency-key", "k-1");
    let body = || json!({ "name": "Engineering" });
    let group = server.post(&once, "/v1/groups", body()).await.is(201);
    for (field, value) in
        [("source", json!("local")), ("description", Value::Null), ("member_count", json!(0))]
    {
        assert_eq!(group[field], value, "{field}: {group}");
    }
    assert_eq!(server.post(&once, "/v1/groups", body()).await.is(201), group, "and nothing is made twice");
    let uri = format!("/v1/groups/{}", group["id"].as_str().unwrap());
    let (members, roles) = (format!("{uri}/members"), format!("{uri}/roles"));
    let member = server.post(&admin, &members, json!({ "user_id": dana["id"] })).await.is(201);
    assert_eq!((&member["id"], &member["membership_source"]), (&dana["id"], &json!("local")), "{member}");
    assert_eq!(server.get(&admin, &members).await.is(200), json!({ "data": [member] }));
    let given = server.post(&admin, &roles, json!({ "role": "approver" })).await.is(201);
    assert_eq!(given["role"], "approver");
    assert!(given["created_at"].is_string());
    let shown = server.get(&admin, "/v1/groups?source=local").await.is(200);
    assert_eq!(
        (&shown["data"][0]["member_count"], &shown["data"][0]["role_mappings"]),
        (&json!(1), &json!(["approver"]))
    );
    assert_eq!(server.get(&admin, "/v1/groups?source=scim").await.is(200)["data"], json!([]));
    let caller = server.login("dana@acme.example", "acme").await;
    let me = server.get(&caller, "/v1/users/me").await.is(200);
    assert_eq!((&me["roles"], &me["group_roles"]), (&json!(["user"]), &json!(["approver"])), "{me}");
    assert!(me["scopes"].as_array().unwrap().contains(&json!("requests:approve")));
    let described =
        server.ask(&admin, "PATCH", &uri, Some(json!({ "description": "who builds" }))).await.is(200);
    assert_eq!(
        (&described["description"], &described["name"]),
        (&json!("who builds"), &json!("Engineering"))
    );
    server.ask(&admin, "DELETE", &format!("{roles}/approver"), None).await.is(204);
    server.ask(&admin, "DELETE", &format!("{roles}/approver"), None).await.refused(404, "not_found");
    server.ask(&admin, "DELETE", &format!("{roles}/No-Slug"), None).await.refused(404, "not_found");
    let member = format!("{members}/{}", dana["id"].as_str().unwrap());
    server.ask(&admin, "DELETE", &member, None).await.is(204);
    server.ask(&admin, "DELETE", &member, None).await.refused(404, "not_found");
    server.ask(&admin, "DELETE", &uri, None).await.is(204);
    server.get(&admin, &uri).await.refused(404, "not_found");
}

#[tokio::test]
async fn a_role_is_made_given_changed_and_deleted() {
    let server = Server::start().await;
    let admin = server.set_up("single").await;
    let once = admin.with("idempotency-key", "k-1");
    let body =
        || json!({ "slug": "auditor", "name": "Auditor", "scopes": ["audit:read", "requests:create"] });
    let role = server.post(&once, "/v1/roles", body()).await.is(201);
    assert_eq!((&role["is_system"], &role["user_count"]), (&json!(false), &json!(0)), "{role}");
    assert_eq!(role["blast_radius"]["level"], "medium");
    assert_eq!(server.post(&once, "/v1/roles", body()).await.is(201), role, "and nothing is made twice");
    server.post(&admin, "/v1/roles", body()).await.refused(409, "conflict");
    let uri = format!("/v1/roles/{}", role["id"].as_str().unwrap());
    assert_eq!(server.get(&admin, &uri).await.is(200), role);
    assert_eq!(server.get(&admin, "/v1/roles").await.is(200)["data"][3], role);
    let mut who = dana(PASSWORD);
    who["roles"] = json!(["auditor"]);
    server.post(&admin, "/v1/users", who).await.is(201);
    let caller = server.login("dana@acme.example", "acme").await;
    server.get(&caller, "/v1/audit-log").await.is(200);
    server.ask(&admin, "DELETE", &uri, None).await.refused(409, "conflict");
    let scopes = json!({ "scopes": ["requests:create"], "description": "nothing any more" });
    let changed = server.ask(&admin, "PATCH", &uri, Some(scopes)).await.is(200);
    assert_eq!(
        (&changed["user_count"], &changed["blast_radius"]["level"]),
        (&json!(1), &json!("low")),
        "{changed}"
    );
    server.get(&caller, "/v1/audit-log").await.refused(403, "forbidden");
    let system = server.get(&admin, "/v1/roles").await.is(200)["data"][2].clone();
    let system = format!("/v1/roles/{}", system["id"].as_str().unwrap());
    server.get(&admin, &system).await.is(200);
    server.ask(&admin, "DELETE", &system, None).await.refused(409, "conflict");
    server.ask(&admin, "PATCH", &system, Some(json!({ "name": "x" }))).await.refused(409, "conflict");
    for (field, value) in [
        ("slug", json!("Auditor")),
        ("name", json!("")),
        ("scopes", json!(["all:things"])),
        ("scopes", Value::Null),
        ("description", json!("x".repeat(10_001))),
        ("is_system", json!(true)),
    ] {
        let mut body = body();
        body[field] = value;
        let refused = server.post(&admin, "/v1/roles", body).await;
        refused.refused(400, "invalid_request");
    }
}

#[tokio::test]
async fn bodies_of_groups_are_held_to_their_description() {
    let server = Server::start().await;
    let admin = server.set_up("single").await;
    let group = server.post(&admin, "/v1/groups", json!({ "name": "ops" })).await.is(201);
    let uri = format!("/v1/groups/{}", group["id"].as_str().unwrap());
    let id = uuid::Uuid::from_u128(7);
    for (method, path, body, field) in [
        ("POST", "/v1/groups", json!({}), "name"),
        ("POST", "/v1/groups", json!({ "name": " ops" }), "name"),
        ("POST", "/v1/groups", json!({ "name": id }), "name"),
        ("POST", "/v1/groups", json!({ "name": "x".repeat(201) }), "name"),
        ("POST", "/v1/groups", json!({ "name": "x", "description": "x".repeat(10_001) }), "description"),
        ("POST", "/v1/groups", json!({ "name": "x", "source": "scim" }), "source"),
        ("PATCH", &uri, json!({ "name": null }), "name"),
        ("POST", &format!("{uri}/members"), json!({ "user_id": "dana@acme.example" }), "user_id"),
        ("POST", &format!("{uri}/members"), json!({ "user_id": id }), "user_id"),
        ("POST", &format!("{uri}/roles"), json!({ "role": "Owner" }), "role"),
        ("POST", &format!("{uri}/roles"), json!({ "role": "owner" }), "role"),
    ] {
        server.ask(&admin, method, path, Some(body)).await.wrong(field);
    }
    server.get(&admin, "/v1/groups?source=okta").await.wrong("source");
    server.post(&admin, "/v1/groups", json!({ "name": "OPS" })).await.refused(409, "conflict");
}

#[tokio::test]
async fn a_webhook_is_made_shown_changed_and_deleted() {
    let server = Server::start().await;
    let admin = server.set_up("single").await;
    let once = admin.with("idempotency-key", "k-1");
    let body = || {
        json!({
            "name": "ops", "url": "https://1.1.1.1/curfew?x=1", "event_filters": ["grant.failed"],
            "headers": { "Authorization": "Bearer very-secret" },
        })
    };
    let create = "/v1/notification-channels/generic-webhook";
    let made = server.post(&once, create, body()).await.is(201);
    let secret = made["signing_secret"].as_str().unwrap();
    assert!(secret.starts_with("whsec_"), "{secret}");
    let again = server.post(&once, create, body()).await.is(201);
    assert_eq!((&again["id"], &again["signing_secret"]), (&made["id"], &Value::Null), "told once");
    let uri = format!("/v1/notification-channels/{}", made["id"].as_str().unwrap());
    let shown = server.get(&admin, &uri).await.is(200);
    assert_eq!(
        shown["config"],
        json!({ "url": "https://1.1.1.1/curfew?x=1", "headers": { "authorization": "********" } })
    );
    for (field, value) in [
        ("channel_type", json!("generic_webhook")),
        ("enabled", json!(true)),
        ("event_filters", json!(["grant.failed"])),
        ("name", json!("ops")),
    ] {
        assert_eq!(shown[field], value, "{shown}");
    }
    assert!(shown.get("signing_secret").is_none());
    let listed = server.get(&admin, "/v1/notification-channels").await.is(200);
    assert_eq!(listed["data"], json!([shown]));
    let change = json!({ "name": "security", "event_filters": [], "enabled": false });
    let changed = server.ask(&admin, "PUT", &uri, Some(change)).await.is(200);
    assert_eq!(
        (&changed["name"], &changed["event_filters"], &changed["config"]),
        (&json!("security"), &json!([]), &shown["config"])
    );
    let rotated = server.ask(&admin, "POST", &format!("{uri}/rotate-secret"), None).await.is(200);
    assert_ne!(rotated["signing_secret"], made["signing_secret"]);
    let deliveries = server.get(&admin, &format!("{uri}/deliveries")).await.is(200);
    assert_eq!(deliveries, json!({ "data": [], "next_cursor": null, "has_more": false }));
    let log = server.get(&admin, "/v1/audit-log").await.is(200);
    assert!(!log.to_string().contains("very-secret") && !log.to_string().contains("1.1.1.1"), "{log}");
    server.ask(&admin, "DELETE", &uri, None).await.is(204);
    server.get(&admin, &uri).await.refused(404, "not_found");
}

#[tokio::test]
async fn bodies_of_channels_and_notifications_are_held_to_their_description() {
    let server = Server::start().await;
    let admin = server.set_up("single").await;
    let create = "/v1/notification-channels/generic-webhook";
    let good = json!({ "name": "ops", "url": "https://1.1.1.1/" });
    let made = server.post(&admin, create, good.clone()).await.is(201);
    let uri = format!("/v1/notification-channels/{}", made["id"].as_str().unwrap());
    let with = |field: &str, value: Value| {
        let mut body = good.clone();
        body[field] = value;
        body
    };
    let preferences = "/v1/users/me/notification-preferences";
    let one =
        |event: &str, channel: &str| json!({ "event_type": event, "channel": channel, "enabled": false });
    for (method, path, body, field) in [
        ("POST", create, json!({}), "name"),
        ("POST", create, json!({ "name": "ops" }), "url"),
        ("POST", create, with("url", json!("http://1.1.1.1/")), "url"),
        ("POST", create, with("url", json!("https://127.0.0.1/")), "url"),
        ("POST", create, with("url", json!("https://169.254.169.254/")), "url"),
        ("POST", create, with("url", json!(format!("https://1.1.1.1/{}", "x".repeat(2_048)))), "url"),
        ("POST", create, with("headers", json!({ "Host": "x" })), "headers.Host"),
        ("POST", create, with("headers", json!({ "x-a": "a\r\nb: c" })), "headers.x-a"),
        ("POST", create, with("headers", json!({ "x-a": 1 })), "headers.x-a"),
        ("POST", create, with("event_filters", json!(["grant.lost"])), "event_filters[0]"),
        ("POST", create, with("surprise", json!(1)), "surprise"),
        ("PUT", &uri, json!({ "name": null }), "name"),
        ("PUT", &uri, json!({ "config": { "url": "https://10.0.0.1/" } }), "config.url"),
        ("PUT", &uri, json!({ "config": { "headers": {} } }), "config.url"),
        ("PUT", &uri, json!({ "channel_type": "email" }), "channel_type"),
        ("PUT", preferences, json!({}), "preferences"),
        (
            "PUT",
            preferences,
            json!({ "preferences": [one("grant.lost", "email")] }),
            "preferences[0].event_type",
        ),
        (
            "PUT",
            preferences,
            json!({ "preferences": [one("grant.active", "sms")] }),
            "preferences[0].channel",
        ),
        (
            "PUT",
            preferences,
            json!({ "preferences": [one("grant.active", "email"), one("grant.active", "email")] }),
            "preferences[1]",
        ),
        (
            "PUT",
            preferences,
            json!({ "preferences": vec![one("grant.active", "email"); 201] }),
            "preferences",
        ),
    ] {
        server.ask(&admin, method, path, Some(body)).await.wrong(field);
    }
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=x", "limit"),
        ("cursor=x", "cursor"),
        ("unread_only=maybe", "unread_only"),
        ("surprise=1", "surprise"),
    ] {
        server.get(&admin, &format!("/v1/users/me/notifications?{query}")).await.wrong(field);
    }
}

#[tokio::test]
async fn preferences_are_shown_whole_and_replaced() {
    let server = Server::start().await;
    let admin = server.set_up("single").await;
    let uri = "/v1/users/me/notification-preferences";
    let all = server.get(&admin, uri).await.is(200)["preferences"].as_array().unwrap().clone();
    assert!(all.contains(&json!({ "event_type": "request.pending", "channel": "in_app", "enabled": true })));
    let off = json!({ "event_type": "grant.active", "channel": "slack", "enabled": false });
    let said = server.ask(&admin, "PUT", uri, Some(json!({ "preferences": [off] }))).await.is(200);
    let said = said["preferences"].as_array().unwrap().clone();
    assert_eq!(said.len(), all.len());
    assert_eq!(said.iter().filter(|one| one["enabled"] == false).collect::<Vec<_>>(), [&off]);
    assert_eq!(server.get(&admin, uri).await.is(200)["preferences"], json!(said));
    // What was shown can be sent back.
    server.ask(&admin, "PUT", uri, Some(json!({ "preferences": said }))).await.is(200);
}
