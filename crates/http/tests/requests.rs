//! Emergencies, reviews, messages and decisions of requests over the whole router and a real store.

#![expect(clippy::unwrap_used, reason = "a test may end at what it did not expect")]

use std::collections::BTreeMap;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request};
use curfew_app::testing::{PASSWORD, TestApp, TestTenant};
use curfew_domain::audit::content_hash;
use curfew_domain::connection::{SavedConnection, VerifiedConnection};
use curfew_domain::{
    AccessLevel, CachedResourceId, Discovered, DiscoveredAttributes, IdentityUser, PlatformMode, Seconds,
};
use curfew_http::{EdgeSettings, MetricsPage};
use curfew_store::testing::TestStore;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

const ACCOUNT: &str = "111111111111";
const SET: &str = "arn:aws:sso:::permissionSet/ssoins-1234567890abcdef/ps-aaaaaaaaaaaaaaaa";
const INSTANCE: &str = "arn:aws:sso:::instance/ssoins-1234567890abcdef";
const STORE: &str = "d-1234567890";

/// Root asks for access, Dana approves, Eve has nothing to do with it.
struct Stage {
    router: Router,
    root: Caller,
    dana: Caller,
    eve: Caller,
    _store: TestStore,
}

/// The headers of someone who calls.
#[derive(Clone)]
struct Caller(Vec<(&'static str, String)>);

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

impl Caller {
    fn of(tenant: &TestTenant, token: &str) -> Self {
        let id = tenant.tenant.id.to_string();
        Self(vec![("authorization", format!("Bearer {token}")), ("x-tenant-id", id)])
    }

    fn with(&self, name: &'static str, value: &str) -> Self {
        let mut headers = self.0.clone();
        headers.push((name, value.to_owned()));
        Self(headers)
    }
}

impl Stage {
    async fn set() -> Self {
        let store = TestStore::sqlite().await;
        let test = TestApp::new(&store.store);
        let tenant = test.set_up(PlatformMode::Single).await;
        let settings = EdgeSettings { requests_a_minute: None, ..EdgeSettings::default() };
        let router = curfew_http::router(test.app.clone(), &settings, MetricsPage::install().unwrap());
        let founder = Caller::of(&tenant, &tenant.token);
        for (name, role) in [("dana", "approver"), ("eve", "user")] {
            let body = json!({ "email": format!("{name}@acme.example"), "name": name, "password": PASSWORD, "roles": [role] });
            call(&router, &founder, "POST", "/v1/users", Some(body)).await.is(201);
        }
        // Whose account somebody made is tied to them for a month.
        test.clock.advance(Seconds::of(31 * 86_400));
        let mut callers = Vec::new();
        for name in ["root", "dana", "eve"] {
            let token = test.token_of("acme", &format!("{name}@acme.example")).await;
            callers.push(Caller::of(&tenant, &token));
        }
        aws_is_known(&test, &tenant).await;
        let [root, dana, eve] = callers.try_into().unwrap_or_else(|_| unreachable!("there are three"));
        Self { router, root, dana, eve, _store: store }
    }

    async fn get(&self, caller: &Caller, uri: &str) -> Reply {
        call(&self.router, caller, "GET", uri, None).await
    }

    async fn post(&self, caller: &Caller, uri: &str, body: Value) -> Reply {
        call(&self.router, caller, "POST", uri, Some(body)).await
    }

    async fn policy(&self, terms: Value) {
        let mut body = json!({
            "name": "all", "max_duration_seconds": 3600,
            "cedar_policy_set": "@notice(\"be kind\") permit (principal, action, resource);",
        });
        body.as_object_mut().unwrap().extend(terms.as_object().unwrap().clone());
        self.post(&self.root, "/v1/policies", body).await.is(201);
    }

    /// Root's emergency, approved at once.
    async fn emergency(&self) -> (Value, String) {
        self.policy(json!({ "allow_break_glass": true, "break_glass_max_duration_seconds": 600 })).await;
        let request = self.post(&self.root, "/v1/requests", asking(true)).await.is(201);
        let uri = format!("/v1/requests/{}", request["id"].as_str().unwrap());
        (request, uri)
    }
}

fn asking(break_glass: bool) -> Value {
    json!({
        "resource": { "type": "aws_account", "id": ACCOUNT }, "action": "read", "permission_set_arn": SET,
        "reason": "INC-7", "break_glass": break_glass,
    })
}

async fn call(router: &Router, caller: &Caller, method: &str, uri: &str, body: Option<Value>) -> Reply {
    let mut request = Request::builder().method(method).uri(uri);
    for (name, value) in &caller.0 {
        request = request.header(*name, value);
    }
    let body = match body {
        None => Body::empty(),
        Some(body) => {
            request = request.header("content-type", "application/json");
            Body::from(body.to_string())
        }
    };
    let response = router.clone().oneshot(request.body(body).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    Reply { status: parts.status.as_u16(), headers: parts.headers, body }
}

/// An account, a permission set, and the admin.
async fn aws_is_known(test: &TestApp, tenant: &TestTenant) {
    let now = test.app.now();
    let saved = SavedConnection {
        instance: INSTANCE.parse().unwrap(),
        role: "arn:aws:iam::999999999999:role/Curfew".parse().unwrap(),
        region: "eu-central-1".parse().unwrap(),
    };
    let unit = test.app.store.tenant(tenant.tenant.id).write().await.unwrap();
    let mut connection = unit.connection().await.unwrap().unwrap();
    connection.verified = Some(VerifiedConnection {
        saved: saved.clone(),
        identity_store: STORE.parse().unwrap(),
        external_id: connection.external_ids.current.clone(),
        at: now,
    });
    connection.saved = Some(saved);
    unit.update_connection(&connection, now).await.unwrap();
    for (name, level) in [
        (format!("aws_account:{ACCOUNT}"), None),
        (format!("aws_permission_set:{SET}"), Some(AccessLevel::Read)),
    ] {
        let discovered = Discovered {
            name: name.clone(),
            units: Vec::new(),
            tags: BTreeMap::new(),
            state: None,
            attributes: DiscoveredAttributes { guessed_level: level, ..DiscoveredAttributes::default() },
            seen_at: now,
            gone_at: None,
        };
        let id = CachedResourceId::new(now, test.app.entropy.as_ref());
        let resource = name.parse().unwrap();
        unit.save_discovered(id, &INSTANCE.parse().unwrap(), &resource, None, &discovered).await.unwrap();
    }
    let known = IdentityUser {
        identity_store: STORE.parse().unwrap(),
        principal: "principal-root".parse().unwrap(),
        user_name: "root".to_owned(),
        email: Some("root@acme.example".to_owned()),
        status: None,
        seen_at: now,
        gone_at: None,
    };
    unit.save_identity_user(&known).await.unwrap();
    unit.commit().await.unwrap();
}

fn nowhere() -> String {
    format!("/v1/requests/{}", uuid::Uuid::from_u128(7))
}

#[tokio::test]
async fn an_emergency_is_given_at_once_reviewed_by_another_and_listed_until_then() {
    let stage = Stage::set().await;
    let (request, uri) = stage.emergency().await;
    assert_eq!((&request["status"], &request["approval_mode"]), (&json!("approved"), &json!("break_glass")));
    assert_eq!((&request["break_glass"], &request["duration_seconds"]), (&json!(true), &json!(600)));
    let owed = &request["review"];
    assert_eq!(
        (&owed["status"], &owed["outcome"], &owed["reviewed_by"]),
        (&json!("owed"), &Value::Null, &Value::Null)
    );
    assert!(owed["due_at"].as_str() > request["created_at"].as_str());
    let longer = json!({ "duration_seconds": 601 });
    let mut body = asking(true);
    body.as_object_mut().unwrap().extend(longer.as_object().unwrap().clone());
    let refused = stage.post(&stage.root, "/v1/requests", body).await;
    refused.refused(403, "forbidden");
    assert_eq!(refused.body["details"]["max_duration_seconds"], 600);

    let listed = async |review: &str| {
        let page = stage.get(&stage.dana, &format!("/v1/requests?review={review}")).await.is(200);
        page["data"].as_array().unwrap().len()
    };
    assert_eq!((listed("owed").await, listed("done").await), (1, 0));
    let word = json!({ "outcome": "not_justified", "reasoning": "Nothing was on fire." });
    let review = format!("{uri}/review");
    stage.post(&stage.root, &review, word.clone()).await.refused(403, "forbidden");
    stage.post(&stage.eve, &review, word.clone()).await.refused(403, "forbidden");
    let done = stage.post(&stage.dana, &review, word.clone()).await.is(200);
    assert_eq!(
        (&done["review"]["status"], &done["review"]["outcome"]),
        (&json!("done"), &json!("not_justified"))
    );
    assert_eq!(done["review"]["reasoning"], "Nothing was on fire.");
    assert!(done["review"]["reviewed_at"].is_string() && done["review"]["reviewed_by"].is_string());
    let again = stage.post(&stage.dana, &review, word).await;
    again.refused(409, "invalid_state");
    assert_eq!(again.body["details"]["state"], "done");
    assert_eq!((listed("owed").await, listed("done").await), (0, 1));
    assert_eq!(stage.get(&stage.root, &uri).await.is(200)["review"], done["review"]);
}

#[tokio::test]
async fn reviews_messages_and_decisions_that_are_not_sound_are_refused() {
    let stage = Stage::set().await;
    let (_, uri) = stage.emergency().await;
    let (review, messages) = (format!("{uri}/review"), format!("{uri}/messages"));
    for (uri, body, field) in [
        (&review, json!({ "outcome": "justified" }), "reasoning"),
        (&review, json!({ "outcome": "maybe", "reasoning": "x" }), "outcome"),
        (&review, json!({ "outcome": "justified", "reasoning": "" }), "reasoning"),
        (&review, json!({ "outcome": "justified", "reasoning": "x".repeat(2_001) }), "reasoning"),
        (&review, json!({ "outcome": "justified", "reasoning": "a\u{0}b" }), "reasoning"),
        (&review, json!({ "outcome": "justified", "reasoning": "x", "by": "me" }), "by"),
        (&messages, json!({}), "content"),
        (&messages, json!({ "content": "" }), "content"),
        (&messages, json!({ "content": "x".repeat(4_001) }), "content"),
        (&messages, json!({ "content": "a\u{0}b" }), "content"),
        (&messages, json!({ "content": "x", "metadata": 1 }), "metadata"),
        (&messages, json!({ "content": "x", "metadata": { "k": "x".repeat(16 * 1_024) } }), "metadata"),
        (&messages, json!({ "content": "x", "author_type": "system" }), "author_type"),
    ] {
        stage.post(&stage.dana, uri, body).await.wrong(field);
    }
    for wrong in ["review=none", "review=", "reviews=owed"] {
        stage.get(&stage.dana, &format!("/v1/requests?{wrong}")).await.refused(400, "invalid_request");
    }
    for list in ["messages", "decisions"] {
        stage.get(&stage.dana, &format!("{uri}/{list}?limit=0")).await.wrong("limit");
        stage.get(&stage.dana, &format!("{uri}/{list}?cursor=x")).await.wrong("cursor");
        stage.get(&stage.dana, &format!("{uri}/{list}?nonsense=1")).await.refused(400, "invalid_request");
    }
    let nobody = Caller(Vec::new());
    for list in ["messages", "decisions"] {
        stage.get(&nobody, &format!("{uri}/{list}")).await.refused(401, "unauthenticated");
        stage.get(&stage.eve, &format!("{uri}/{list}")).await.refused(404, "not_found");
        stage.get(&stage.dana, &format!("{}/{list}", nowhere())).await.refused(404, "not_found");
        stage.get(&stage.dana, &format!("/v1/requests/nonsense/{list}")).await.refused(404, "not_found");
    }
    let said = json!({ "content": "hello" });
    stage.post(&stage.eve, &messages, said.clone()).await.refused(404, "not_found");
    stage.post(&stage.dana, &format!("{}/messages", nowhere()), said).await.refused(404, "not_found");
    let word = json!({ "outcome": "justified", "reasoning": "x" });
    stage.post(&stage.dana, &format!("{}/review", nowhere()), word).await.refused(404, "not_found");
}

#[tokio::test]
async fn messages_are_said_once_and_read_newest_first() {
    let stage = Stage::set().await;
    let (request, uri) = stage.emergency().await;
    let messages = format!("{uri}/messages");
    let once = stage.dana.with("idempotency-key", "k-1");
    let asked = json!({ "content": "What was on fire?", "metadata": { "thread": "7" } });
    let first = stage.post(&once, &messages, asked.clone()).await.is(201);
    let replayed = stage.post(&once, &messages, asked).await;
    assert_eq!(replayed.headers["idempotency-replayed"], "true");
    assert_eq!(replayed.is(201), first);
    stage.post(&once, &messages, json!({ "content": "Well?" })).await.refused(409, "conflict");
    let second = stage.post(&stage.root, &messages, json!({ "content": "The database." })).await.is(201);
    assert_eq!((&first["author_type"], &second["author_type"]), (&json!("approver"), &json!("user")));
    assert_eq!((&first["request_id"], &first["metadata"]["thread"]), (&request["id"], &json!("7")));
    let page = stage.get(&stage.root, &format!("{messages}?limit=1")).await.is(200);
    assert_eq!((&page["data"], &page["has_more"]), (&json!([second]), &json!(true)));
    let cursor = page["next_cursor"].as_str().unwrap();
    let rest = stage.get(&stage.root, &format!("{messages}?limit=1&cursor={cursor}")).await.is(200);
    assert_eq!((&rest["data"], &rest["next_cursor"]), (&json!([first]), &Value::Null));
    // A cursor belongs to the list of its request.
    let other = stage.post(&stage.root, "/v1/requests", asking(false)).await.is(201);
    let other = format!("/v1/requests/{}/messages?limit=1&cursor={cursor}", other["id"].as_str().unwrap());
    stage.get(&stage.root, &other).await.wrong("cursor");
}

#[tokio::test]
async fn a_decision_is_told_with_a_hash_that_anybody_can_compute() {
    let stage = Stage::set().await;
    let (request, uri) = stage.emergency().await;
    let decisions = format!("{uri}/decisions");
    let page = stage.get(&stage.dana, &decisions).await.is(200);
    let decision = &page["data"][0];
    assert_eq!((&decision["request_id"], &decision["outcome"]), (&request["id"], &json!("approved")));
    assert_eq!(decision["notices"], json!(["be kind"]));
    assert_eq!(
        (&decision["policies"][0]["version"], &decision["policies"][0]["effect"]),
        (&json!(1), &json!("permit"))
    );
    let computed = content_hash(&decision["record"]).unwrap();
    assert_eq!(decision["content_hash"], computed);
    assert_eq!(decision["audit"]["content_hash"], computed);
    let personal = content_hash(&decision["personal"]).unwrap();
    assert_eq!(decision["record"]["context"]["personal"], personal);
    assert_eq!(decision["personal"]["reason"], "INC-7");
    assert_eq!(decision["record"]["trace"]["outcome"]["mode"], "break_glass");
    let entry = format!("/v1/audit-log/{}", decision["audit"]["entry_id"].as_str().unwrap());
    let entry = stage.get(&stage.root, &entry).await.is(200);
    assert_eq!(
        (&entry["action"], &entry["metadata"]["content"]),
        (&json!("request.evaluated"), &json!(computed))
    );
}

#[tokio::test]
async fn nobody_approves_their_own_request_by_whatever_they_sign_in_with() {
    let stage = Stage::set().await;
    stage.policy(json!({ "approvals_required": 1 })).await;
    let request = stage.post(&stage.root, "/v1/requests", asking(false)).await.is(201);
    let uri = format!("/v1/requests/{}", request["id"].as_str().unwrap());
    let sign_in = async |name: &str| {
        let body =
            json!({ "email": format!("{name}@acme.example"), "password": PASSWORD, "tenant_slug": "acme" });
        let signed_in = stage.post(&Caller(Vec::new()), "/v1/auth/login", body).await.is(200);
        let token = format!("Bearer {}", signed_in["token"].as_str().unwrap());
        Caller(vec![("authorization", token), stage.root.0[1].clone()])
    };
    let key_of = async |caller: &Caller| {
        let body = json!({ "name": "key", "scopes": ["requests:approve", "requests:read"] });
        let made = stage.post(caller, "/v1/api-keys", body).await.is(201);
        Caller(vec![("x-api-key", made["raw_key"].as_str().unwrap().to_owned()), stage.root.0[1].clone()])
    };
    let fay = json!({ "email": "fay@acme.example", "name": "fay", "password": PASSWORD, "roles": ["admin"] });
    stage.post(&stage.root, "/v1/users", fay).await.is(201);
    let puppet = sign_in("fay").await;
    let (second, own_key, puppets_key) =
        (sign_in("root").await, key_of(&stage.root).await, key_of(&puppet).await);
    for by in [&stage.root, &second, &own_key, &puppet, &puppets_key] {
        for word in ["approve", "deny"] {
            stage.post(by, &format!("{uri}/{word}"), json!({})).await.refused(403, "forbidden");
        }
        let waiting = stage.get(by, "/v1/requests?role=to_review").await.is(200);
        assert_eq!(waiting["data"], json!([]));
    }
    let approved = stage.post(&stage.dana, &format!("{uri}/approve"), json!({})).await.is(200);
    assert_eq!(approved["status"], "approved");
    let late = stage.post(&stage.dana, &format!("{uri}/deny"), json!({})).await;
    late.refused(409, "invalid_state");
    assert_eq!(late.body["details"]["state"], "approved");
}
