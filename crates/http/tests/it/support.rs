//! The edge that every test here calls, who calls it, and what it answers.

use std::net::SocketAddr;

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Request};
use curfew_app::testing::{PASSWORD, TestApp, TestTenant};
use curfew_domain::PlatformMode;
use curfew_http::{EdgeSettings, MetricsPage};
use curfew_store::testing::TestStore;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

/// The router over an application of its own, which nobody has set up.
pub(crate) struct Edge {
    router: Router,
    pub(crate) test: TestApp,
    _store: TestStore,
}

impl Edge {
    /// One that limits nobody's requests.
    pub(crate) async fn start() -> Self {
        Self::with(EdgeSettings { requests_a_minute: None, ..EdgeSettings::default() }).await
    }

    pub(crate) async fn with(settings: EdgeSettings) -> Self {
        let store = TestStore::sqlite().await;
        let test = TestApp::new(&store.store);
        let router = curfew_http::router(test.app.clone(), &settings, MetricsPage::install().unwrap());
        Self { router, test, _store: store }
    }

    pub(crate) async fn get(&self, caller: &Caller, uri: &str) -> Reply {
        self.ask(caller, "GET", uri, None).await
    }

    pub(crate) async fn post(&self, caller: &Caller, uri: &str, body: Value) -> Reply {
        self.ask(caller, "POST", uri, Some(body)).await
    }

    pub(crate) async fn ask(&self, caller: &Caller, method: &str, uri: &str, body: Option<Value>) -> Reply {
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        self.answer(caller.asks(method, uri, body)).await
    }

    pub(crate) async fn answer(&self, request: Request<Body>) -> Reply {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Reply { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    /// Somebody whose password is [`PASSWORD`], signed in.
    pub(crate) async fn login(&self, email: &str, slug: &str) -> Caller {
        let body = json!({ "email": email, "password": PASSWORD, "tenant_slug": slug });
        let signed_in = self.post(&Caller::nobody(), "/v1/auth/login", body).await.is(200);
        Caller::nobody()
            .with("authorization", format!("Bearer {}", signed_in["token"].as_str().unwrap()))
            .with("x-tenant-id", signed_in["tenant_id"].as_str().unwrap())
    }
}

/// An edge whose first run is done, and its admin, who calls where nobody else is named.
pub(crate) struct Acme {
    pub(crate) edge: Edge,
    pub(crate) tenant: TestTenant,
    pub(crate) admin: Caller,
}

impl Acme {
    pub(crate) async fn start() -> Self {
        Self::on(Edge::start().await).await
    }

    pub(crate) async fn on(edge: Edge) -> Self {
        let tenant = edge.test.set_up(PlatformMode::Single).await;
        let admin = Caller::admin_of(&tenant);
        Self { edge, tenant, admin }
    }

    pub(crate) async fn get(&self, uri: &str) -> Reply {
        self.edge.get(&self.admin, uri).await
    }

    pub(crate) async fn post(&self, uri: &str, body: Value) -> Reply {
        self.edge.post(&self.admin, uri, body).await
    }

    pub(crate) async fn ask(&self, method: &str, uri: &str, body: Option<Value>) -> Reply {
        self.edge.ask(&self.admin, method, uri, body).await
    }

    /// Somebody of this tenant whose password is [`PASSWORD`].
    pub(crate) async fn signed_in(&self, email: &str) -> Caller {
        let token = self.edge.test.token_of(self.tenant.tenant.slug.as_str(), email).await;
        Caller::of(&self.tenant, &token)
    }
}

/// Someone who calls: the headers that they send.
#[derive(Clone)]
pub(crate) struct Caller(Vec<(&'static str, String)>);

impl Caller {
    pub(crate) fn nobody() -> Self {
        Self(Vec::new())
    }

    pub(crate) fn showing(headers: &[(&'static str, &str)]) -> Self {
        headers.iter().fold(Self::nobody(), |caller, (name, value)| caller.with(name, *value))
    }

    /// Whoever shows this token.
    pub(crate) fn of(tenant: &TestTenant, token: &str) -> Self {
        Self::nobody()
            .with("authorization", format!("Bearer {token}"))
            .with("x-tenant-id", tenant.tenant.id.to_string())
    }

    pub(crate) fn admin_of(tenant: &TestTenant) -> Self {
        Self::of(tenant, &tenant.token)
    }

    /// The same, with one header more.
    pub(crate) fn with(&self, name: &'static str, value: impl Into<String>) -> Self {
        let mut headers = self.0.clone();
        headers.push((name, value.into()));
        Self(headers)
    }

    /// Whoever shows this key in the same tenant.
    pub(crate) fn by_key(&self, raw_key: &str) -> Self {
        Self::nobody().with("x-api-key", raw_key).with("x-tenant-id", self.value("x-tenant-id"))
    }

    /// A header's value.
    pub(crate) fn value(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str()).unwrap()
    }

    pub(crate) fn asks(&self, method: &str, uri: &str, body: Body) -> Request<Body> {
        let from = SocketAddr::from(([192, 0, 2, 1], 50_000));
        let mut request = Request::builder().method(method).uri(uri).extension(ConnectInfo(from));
        for (name, value) in &self.0 {
            request = request.header(*name, value);
        }
        if !body.is_end_stream() {
            request = request.header("content-type", "application/json");
        }
        request.body(body).unwrap()
    }
}

pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Reply {
    #[track_caller]
    pub(crate) fn is(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.body
    }

    #[track_caller]
    pub(crate) fn refused(&self, status: u16, code: &str) {
        assert_eq!((self.status, self.body["code"].as_str()), (status, Some(code)), "{}", self.body);
    }

    /// Refused for what this field holds.
    #[track_caller]
    pub(crate) fn wrong(&self, field: &str) {
        self.refused(400, "invalid_request");
        let problem = &self.body["details"]["fields"][field];
        assert!(problem.is_string(), "{field}: {}", self.body);
    }
}
