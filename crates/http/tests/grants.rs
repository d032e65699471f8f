//! Grants and ensuring access, over the whole router and a real store.

#![expect(clippy::unwrap_used, reason = "a test may end at what it did not expect")]

use std::collections::BTreeMap;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request};
use curfew_app::testing::{PASSWORD, TestApp, TestTenant};
use curfew_domain::connection::{Connection, ExternalIds, SavedConnection, VerifiedConnection};
use curfew_domain::{
    AccessLevel, CachedResourceId, Discovered, DiscoveredAttributes, ExternalId, IdentityUser, PlatformMode,
    ResourceRef, Seconds,
};
use curfew_http::{EdgeSettings, MetricsPage};
use curfew_store::testing::TestStore;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

const INSTANCE: &str = "arn:aws:sso:::instance/ssoins-1234567890abcdef";
const STORE: &str = "d-1234567890";
const SANDBOX: &str = "123456789012";
const READ: &str = "arn:aws:sso:::permissionSet/ssoins-1234567890abcdef/ps-aaaaaaaaaaaaaaaa";

struct Server {
    router: Router,
    test: TestApp,
    acme: TestTenant,
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

impl Server {
    /// With a connection, an account, a permission set, the admin and Dana whom Identity Center knows, and a policy by which
    /// an hour is given at once and more by people.
    async fn start() -> Self {
        let store = TestStore::sqlite().await;
        let test = TestApp::new(&store.store);
        let acme = test.set_up(PlatformMode::Single).await;
        let metrics = MetricsPage::install().unwrap();
        let settings = EdgeSettings { requests_a_minute: None, ..EdgeSettings::default() };
        let router = curfew_http::router(test.app.clone(), &settings, metrics);
        let server = Self { router, test, acme, _store: store };
        server.connect().await;
        let dana =
            json!({ "email": "dana@acme.example", "name": "Dana", "password": PASSWORD, "roles": ["user"] });
        server.admin("POST", "/v1/users", Some(dana)).await.is(201);
        for (name, mode, condition) in [("short", "auto", "<="), ("long", "require", ">")] {
            let rules = format!(
                "permit (principal, action, resource) when {{ context.duration_seconds {condition} 3600 }};"
            );
            let policy = json!({
                "name": name, "max_duration_seconds": 28_800, "approval_mode": mode, "cedar_policy_set": rules
            });
            server.admin("POST", "/v1/policies", Some(policy)).await.is(201);
        }
        server
    }

    async fn connect(&self) {
        let app = &self.test.app;
        let (now, instance) = (app.now(), INSTANCE.parse().unwrap());
        let saved = SavedConnection {
            instance: INSTANCE.parse().unwrap(),
            role: "arn:aws:iam::999999999999:role/Curfew".parse().unwrap(),
            region: "eu-central-1".parse().unwrap(),
        };
        let current: ExternalId = "0192f0c1-7a3b-7c4d-8e5f-0123456789ab".parse().unwrap();
        let verified = VerifiedConnection {
            saved: saved.clone(),
            identity_store: STORE.parse().unwrap(),
            external_id: current.clone(),
            at: now,
        };
        let unit = app.store.tenant(self.acme.tenant.id).write().await.unwrap();
        let mut connection = unit.lock_connection().await.unwrap();
        let had_one = connection.is_some();
        let connection = connection.take().unwrap_or(Connection {
            saved: None,
            saved_version: 1,
            verified: None,
            suspended: None,
            external_ids: ExternalIds { current, pending: None },
            pending_proved_at: None,
        });
        let connection = Connection { saved: Some(saved), verified: Some(verified), ..connection };
        if had_one {
            unit.update_connection(&connection, now).await.unwrap();
        } else {
            unit.insert_connection(&connection, now).await.unwrap();
        }
        let resources: [(ResourceRef, &str); 2] = [
            (format!("aws_account:{SANDBOX}").parse().unwrap(), "Sandbox"),
            (format!("aws_permission_set:{READ}").parse().unwrap(), "ReadOnly"),
        ];
        for (resource, name) in resources {
            let attributes = DiscoveredAttributes {
                guessed_level: Some(AccessLevel::Read),
                session: Some(Seconds::of(3_600)),
                ..Default::default()
            };
            let discovered = Discovered {
                name: name.to_owned(),
                units: Vec::new(),
                tags: BTreeMap::new(),
                state: None,
                attributes,
                seen_at: now,
                gone_at: None,
            };
            let id = CachedResourceId::new(now, app.entropy.as_ref());
            unit.save_discovered(id, &instance, &resource, None, &discovered).await.unwrap();
        }
        for name in ["root", "dana"] {
            let known = IdentityUser {
                identity_store: STORE.parse().unwrap(),
                principal: format!("principal-{name}").parse().unwrap(),
                user_name: name.to_owned(),
                email: Some(format!("{name}@acme.example")),
                status: None,
                seen_at: now,
                gone_at: None,
            };
            unit.save_identity_user(&known).await.unwrap();
        }
        unit.commit().await.unwrap();
    }

    async fn ask(
        &self,
        token: &str,
        more: &[(&str, &str)],
        method: &str,
        uri: &str,
        body: Option<Value>,
    ) -> Reply {
        let mut request = Request::builder()
            .method(method)
            .uri(uri)
            .header("authorization", format!("Bearer {token}"))
            .header("x-tenant-id", self.acme.tenant.id.to_string());
        for (name, value) in more {
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

    async fn admin(&self, method: &str, uri: &str, body: Option<Value>) -> Reply {
        self.ask(&self.acme.token, &[], method, uri, body).await
    }

    async fn dana(&self) -> String {
        self.test.token_of("acme", "dana@acme.example").await
    }

    /// The token's user, and a grant of half an hour that they have asked for.
    async fn grant_of(&self, token: &str) -> Value {
        let wanted = json!({
            "resource": { "type": "aws_account", "id": SANDBOX }, "action": "read",
            "permission_set_arn": READ, "duration_seconds": 1_800, "reason": "INC-7"
        });
        let request = self.ask(token, &[], "POST", "/v1/requests", Some(wanted)).await.is(201);
        assert_eq!(request["extends_grant_id"], Value::Null);
        let id = request["grant_id"].as_str().unwrap();
        self.ask(token, &[], "GET", &format!("/v1/grants/{id}"), None).await.is(200)
    }
}

fn more(seconds: i64) -> Value {
    json!({ "duration_seconds": seconds, "reason": "not over yet" })
}

#[tokio::test]
async fn a_grant_says_how_awss_own_sessions_stand_and_warns_of_longer_ones() {
    let server = Server::start().await;
    let dana = server.dana().await;
    let grant = server.grant_of(&dana).await;
    assert_eq!(
        grant["sessions"],
        json!({
            "state": "none", "may_live_until": null, "reason": null, "lasts_seconds": 3_600, "outlasts_grant": true
        })
    );
    let uri = format!("/v1/grants/{}/extend", grant["id"].as_str().unwrap());
    let longer = server.ask(&dana, &[], "POST", &uri, Some(more(1_800))).await.is(200);
    assert_eq!(
        (&longer["sessions"]["outlasts_grant"], &longer["duration_seconds"]),
        (&json!(false), &json!(3_600))
    );
}

#[tokio::test]
async fn more_time_is_given_at_once_or_by_people() {
    let server = Server::start().await;
    let dana = server.dana().await;
    let grant = server.grant_of(&dana).await;
    assert_eq!((&grant["duration_seconds"], grant["start_by"].is_string()), (&json!(1_800), true));
    let uri = format!("/v1/grants/{}/extend", grant["id"].as_str().unwrap());
    let key = [("idempotency-key", "one")];
    let longer = server.ask(&dana, &key, "POST", &uri, Some(more(900))).await.is(200);
    assert_eq!((&longer["id"], &longer["duration_seconds"]), (&grant["id"], &json!(2_700)));
    let again = server.ask(&dana, &key, "POST", &uri, Some(more(900))).await;
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert_eq!(again.is(200)["duration_seconds"], 2_700);
    server.ask(&dana, &key, "POST", &uri, Some(more(901))).await.refused(409, "conflict");

    let asked = server.ask(&dana, &[], "POST", &uri, Some(more(3_600))).await.is(202);
    assert_eq!((&asked["status"], &asked["extends_grant_id"]), (&json!("pending"), &grant["id"]));
    assert_eq!((&asked["duration_seconds"], &asked["grant_id"]), (&json!(6_300), &Value::Null));
    let waiting = server.ask(&dana, &[], "POST", &uri, Some(more(60))).await;
    waiting.refused(409, "conflict");
    assert_eq!(waiting.body["details"]["request_id"], asked["id"]);
    let approve = format!("/v1/requests/{}/approve", asked["id"].as_str().unwrap());
    let approved = server.admin("POST", &approve, Some(json!({}))).await.is(200);
    assert_eq!((&approved["status"], &approved["grant_id"]), (&json!("approved"), &grant["id"]));
    let longer = server.admin("GET", uri.trim_end_matches("/extend"), None).await.is(200);
    assert_eq!(longer["duration_seconds"], 6_300);
    server.admin("POST", &uri, Some(more(60))).await.refused(403, "forbidden");
}

#[tokio::test]
async fn more_time_is_refused_with_what_is_wrong() {
    let server = Server::start().await;
    let dana = server.dana().await;
    let grant = server.grant_of(&dana).await;
    let grant = format!("/v1/grants/{}", grant["id"].as_str().unwrap());
    let uri = format!("{grant}/extend");
    let extend = async |body| server.ask(&dana, &[], "POST", &uri, body).await;
    for wrong in [json!(0), json!(-1), json!(i64::MAX), json!("3600"), json!(1.5), Value::Null] {
        extend(Some(json!({ "duration_seconds": wrong }))).await.wrong("duration_seconds");
    }
    extend(Some(json!({}))).await.wrong("duration_seconds");
    extend(Some(more(60_000))).await.wrong("duration_seconds");
    let denied = extend(Some(more(28_000))).await;
    denied.refused(403, "forbidden");
    assert!(denied.body["details"]["request_id"].is_string(), "{}", denied.body);
    server.ask(&dana, &[], "DELETE", &grant, None).await.is(200);
    let over = extend(Some(more(60))).await;
    over.refused(409, "invalid_state");
    assert_eq!(over.body["details"]["state"], "revoked");
    let unknown = "/v1/grants/0192f0c1-7a3b-7c4d-8e5f-0123456789ab/extend";
    server.ask(&dana, &[], "POST", unknown, Some(more(60))).await.refused(404, "not_found");
}

#[tokio::test]
async fn access_is_given_by_hand_to_others() {
    let server = Server::start().await;
    let dana = server.dana().await;
    let me = server.ask(&dana, &[], "GET", "/v1/users/me", None).await.is(200);
    let gift = |change: Value| {
        let mut gift = json!({
            "grantee_id": me["id"], "resource": { "type": "aws_account", "id": SANDBOX },
            "permission_set_arn": READ, "duration_seconds": 7_200, "reason": "nobody can approve"
        });
        for (name, value) in change.as_object().unwrap() {
            gift[name] = value.clone();
        }
        Some(gift)
    };
    let key = [("idempotency-key", "one")];
    let token = &server.acme.token;
    let given = server.ask(token, &key, "POST", "/v1/grants", gift(json!({}))).await.is(201);
    assert_eq!((&given["request_id"], &given["grantee_id"]), (&Value::Null, &me["id"]));
    assert_eq!((&given["action"], &given["status"]), (&json!("read"), &json!("active")));
    let again = server.ask(token, &key, "POST", "/v1/grants", gift(json!({}))).await;
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert_eq!(again.is(201)["id"], given["id"]);
    server.ask(&dana, &[], "POST", "/v1/grants", gift(json!({}))).await.refused(403, "forbidden");
    let own = gift(json!({ "grantee_id": server.acme.admin.id.to_string() }));
    server.admin("POST", "/v1/grants", own).await.refused(403, "forbidden");
    for (field, wrong) in [
        ("grantee_id", json!("nobody")),
        ("grantee_id", json!("0192f0c1-7a3b-7c4d-8e5f-0123456789ab")),
        ("duration_seconds", json!(0)),
        ("duration_seconds", json!(86_400)),
        ("duration_seconds", json!(9_223_372_036_854_775_808_u64)),
        ("reason", json!("")),
        ("reason", Value::Null),
        ("permission_set_arn", Value::Null),
        ("action", json!("everything")),
    ] {
        server.admin("POST", "/v1/grants", gift(json!({ field: wrong }))).await.wrong(field);
    }
    let story = format!("/v1/grants/{}/timeline", given["id"].as_str().unwrap());
    let told = server.ask(&dana, &[], "GET", &story, None).await.is(200);
    assert_eq!(told["data"][0]["action"], "grant.created");
    assert_eq!(told["data"][0]["what"], "Somebody gave it by hand, for 7200 seconds: nobody can approve");
    assert_eq!(told["data"][0]["actor_id"], server.acme.admin.id.to_string());
}

#[tokio::test]
async fn a_story_is_read_page_by_page_by_whoever_sees_the_grant() {
    let server = Server::start().await;
    let dana = server.dana().await;
    let grant = server.grant_of(&server.acme.token).await;
    let uri = format!("/v1/grants/{}/timeline", grant["id"].as_str().unwrap());
    let first = server.admin("GET", &format!("{uri}?limit=2"), None).await.is(200);
    let actions = |page: &Value| -> Vec<String> {
        page["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["action"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(actions(&first), ["request.submitted", "request.evaluated"]);
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = server.admin("GET", &format!("{uri}?limit=2&cursor={cursor}"), None).await.is(200);
    assert_eq!(actions(&second), ["request.approved", "grant.created"]);
    assert_eq!((&second["has_more"], &second["next_cursor"]), (&json!(false), &Value::Null));
    server.ask(&dana, &[], "GET", &uri, None).await.refused(404, "not_found");
    server.admin("GET", &format!("{uri}?oldest=1"), None).await.refused(400, "invalid_request");
}

#[tokio::test]
async fn access_is_made_sure_of() {
    let server = Server::start().await;
    let dana = server.dana().await;
    let target = format!("AWS::Account::{SANDBOX}");
    let wanted = |role: &str, seconds: i64, dry_run: bool| {
        Some(json!({
            "entitlements": [{ "target": target, "role": role, "duration_seconds": seconds }],
            "justification": { "reason": "INC-7", "attachments": [{ "type": "ticket", "id": "INC-7" }] },
            "dry_run": dry_run
        }))
    };
    let ensure = async |body| server.ask(&dana, &[], "POST", "/v1/access/ensure", body).await;
    let one = async |body| ensure(body).await.is(200)["grants"][0].clone();
    let dry = one(wanted("ReadOnly", 600, true)).await;
    assert_eq!((&dry["change"], &dry["status"]), (&json!("activated"), &json!("provisioning")));
    assert_eq!((&dry["id"], &dry["access_request_id"]), (&json!(uuid::Uuid::nil()), &Value::Null));
    let made = one(wanted("ReadOnly", 600, false)).await;
    assert_eq!(made["name"], "ReadOnly in Sandbox");
    assert_eq!((&made["change"], &made["approved"]), (&json!("activated"), &json!(true)));
    assert_eq!(made["validation"], json!({ "has_reason": true, "has_ticket_attachment": true }));
    assert_eq!((&made["provisioning_status"], &made["diagnostics"]), (&json!("pending"), &json!([])));
    let same = one(wanted(READ, 600, false)).await;
    assert_eq!((&same["change"], &same["id"]), (&json!("none"), &made["id"]));
    let asked = one(wanted("ReadOnly", 7_200, false)).await;
    assert_eq!((&asked["change"], &asked["id"]), (&json!("requested"), &made["id"]));
    let status = async |id: &Value| {
        let uri = format!("/v1/access/requests/{}", id.as_str().unwrap());
        server.ask(&dana, &[], "GET", &uri, None).await.is(200)
    };
    let given = status(&made["access_request_id"]).await;
    assert_eq!((&given["status"], &given["grants"][0]["id"]), (&json!("approved"), &made["id"]));
    let pending = status(&asked["access_request_id"]).await;
    assert_eq!((&pending["status"], &pending["grants"][0]["approved"]), (&json!("pending"), &json!(true)));
    let nowhere = one(wanted("Nothing", 600, false)).await;
    assert_eq!((&nowhere["status"], &nowhere["approved"]), (&json!("expired"), &json!(false)));
    assert_eq!(nowhere["diagnostics"][0]["level"], "error");
    assert_eq!(nowhere["diagnostics"][0]["code"], "invalid_request");

    ensure(Some(json!({ "entitlements": [] }))).await.wrong("entitlements");
    ensure(Some(json!({}))).await.wrong("entitlements");
    let many = vec![json!({ "target": target, "role": "ReadOnly" }); 51];
    ensure(Some(json!({ "entitlements": many }))).await.wrong("entitlements");
    for (field, wrong) in [
        ("target", json!("123456789012")),
        ("target", json!("AWS::Account::12")),
        ("role", json!("")),
        ("role", json!("arn:aws:iam::123456789012:role/Admin")),
        ("duration_seconds", json!(-1)),
    ] {
        let mut body = wanted("ReadOnly", 600, false).unwrap();
        body["entitlements"][0][field] = wrong;
        ensure(Some(body)).await.wrong(&format!("entitlements[0].{field}"));
    }
}
