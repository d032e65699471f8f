//! A caller of the API: what is sent, and what came back.

use std::time::Duration;

use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

use crate::{Json, Logs};

/// Somebody who calls the API: a stranger, a person, or a key. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    logs: Logs,
    /// How long it waits for an answer, where it waits less than everybody.
    patience: Option<Duration>,
    /// Sent with every call.
    headers: Vec<(&'static str, String)>,
}

impl Client {
    /// A stranger, without credential or tenant.
    pub(crate) fn stranger(base: String, logs: Logs) -> Self {
        // The server is behind no proxy, whatever the environment says of others.
        let http = reqwest::Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(40))
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .expect("a client");
        Self { http, base, logs, patience: None, headers: Vec::new() }
    }

    /// The same place, without credential or tenant.
    #[must_use]
    pub fn nobody(&self) -> Self {
        Self { headers: Vec::new(), ..self.clone() }
    }

    /// The same caller at another's place.
    #[must_use]
    pub fn of(&self, there: Client) -> Self {
        Self { headers: self.headers.clone(), patience: self.patience, ..there }
    }

    /// The same, who waits no longer than this for an answer.
    #[must_use]
    pub fn waiting(&self, patience: Duration) -> Self {
        Self { patience: Some(patience), ..self.clone() }
    }

    /// With one more header, or another value for one.
    #[must_use]
    pub fn with(&self, name: &'static str, value: impl Into<String>) -> Self {
        let mut headers = self.headers.clone();
        headers.retain(|(other, _)| *other != name);
        headers.push((name, value.into()));
        Self { headers, ..self.clone() }
    }

    /// Without a header.
    #[must_use]
    pub fn without(&self, name: &str) -> Self {
        let mut headers = self.headers.clone();
        headers.retain(|(other, _)| *other != name);
        Self { headers, ..self.clone() }
    }

    /// A header that is sent with every call.
    ///
    /// # Panics
    /// When it is not.
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(other, _)| *other == name);
        &found.unwrap_or_else(|| panic!("no header {name}")).1
    }

    /// The tenant it calls for.
    pub fn tenant(&self) -> &str {
        self.header("X-Tenant-ID")
    }

    /// Whoever has this e-mail and password, in the tenant of this slug.
    pub async fn login(&self, email: &str, password: &str, slug: &str) -> Self {
        self.logs.keep_out(password);
        let body = json!({ "email": email, "password": password, "tenant_slug": slug });
        let login = self.nobody().post("/v1/auth/login", body).await.ok();
        let token = login.text("token");
        self.logs.keep_out(&token);
        let providers = self.nobody().get(&format!("/v1/auth/providers?slug={slug}")).await.ok();
        self.nobody()
            .with("Authorization", format!("Bearer {token}"))
            .with("X-Tenant-ID", providers.text("tenant_id"))
    }

    /// The holder of an API key, in this caller's tenant.
    #[must_use]
    pub fn holding(&self, raw_key: &str) -> Self {
        self.logs.keep_out(raw_key);
        self.without("Authorization").with("X-API-Key", raw_key)
    }

    /// Remembers something that must not get into the log.
    pub fn keep_out_of_the_log(&self, secret: &str) {
        self.logs.keep_out(secret);
    }

    /// `GET`.
    pub async fn get(&self, path: &str) -> Reply {
        self.send(Method::GET, path, None).await
    }

    /// `POST` of JSON.
    pub async fn post(&self, path: &str, body: Value) -> Reply {
        self.send(Method::POST, path, Some(body.to_string())).await
    }

    /// `POST` without a body.
    pub async fn order(&self, path: &str) -> Reply {
        self.send(Method::POST, path, None).await
    }

    /// `PUT` of JSON.
    pub async fn put(&self, path: &str, body: Value) -> Reply {
        self.send(Method::PUT, path, Some(body.to_string())).await
    }

    /// `PATCH` of JSON.
    pub async fn patch(&self, path: &str, body: Value) -> Reply {
        self.send(Method::PATCH, path, Some(body.to_string())).await
    }

    /// `DELETE`.
    pub async fn delete(&self, path: &str) -> Reply {
        self.send(Method::DELETE, path, None).await
    }

    /// Any call; a body is sent as JSON, whatever it is.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn send(&self, method: Method, path: &str, body: Option<String>) -> Reply {
        let call = format!("{method} {path}");
        match self.try_send(method, path, body).await {
            Ok(reply) => reply,
            Err(error) => panic!("{call}: {error:?}\n{}", self.logs.text()),
        }
    }

    /// Any call, to a server that may not answer.
    pub async fn try_send(
        &self,
        method: Method,
        path: &str,
        body: Option<String>,
    ) -> Result<Reply, reqwest::Error> {
        let call = format!("{method} {path}");
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        if let Some(patience) = self.patience {
            request = request.timeout(patience);
        }
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        if let Some(body) = body {
            request = request.header("Content-Type", "application/json").body(body);
        }
        let response = request.send().await?;
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let text = response.text().await?;
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Ok(Reply { call, status, headers, text, body, logs: self.logs.clone() })
    }
}

/// What came back.
pub struct Reply {
    /// `GET /v1/users`, for messages.
    pub call: String,
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as it came.
    pub text: String,
    /// The body as JSON; `null` when it is not.
    pub body: Value,
    logs: Logs,
}

impl Reply {
    /// The body of a success.
    ///
    /// # Panics
    /// When it is none; the message shows the answer and the server's log.
    #[track_caller]
    pub fn ok(self) -> Value {
        assert!(
            (200..300).contains(&self.status),
            "{} answered {}: {}\n--- log ---\n{}",
            self.call,
            self.status,
            self.text,
            self.logs.text()
        );
        self.body
    }

    /// The body, which came with this status.
    ///
    /// # Panics
    /// When it came with another.
    #[track_caller]
    pub fn is(self, status: u16) -> Value {
        assert!(
            self.status == status,
            "{} answered {} instead of {status}: {}\n--- log ---\n{}",
            self.call,
            self.status,
            self.text,
            self.logs.text()
        );
        self.body
    }

    /// The body of a refusal, which has the contract's one form.
    ///
    /// # Panics
    /// When it is none, or another one.
    #[track_caller]
    pub fn refused(self, status: u16, code: &str) -> Value {
        let call = self.call.clone();
        assert!(self.headers.contains_key("x-request-id"), "{call}: no X-Request-ID");
        let body = self.is(status);
        assert_eq!(body["code"], code, "{call}: {body:#}");
        assert!(body["message"].as_str().is_some_and(|text| !text.is_empty()), "{call}: {body:#}");
        let known = ["code", "message", "details", "notices"];
        let fields = body.as_object().expect("an object").keys();
        assert!(fields.into_iter().all(|field| known.contains(&field.as_str())), "{call}: {body:#}");
        body
    }

    /// A header's text.
    ///
    /// # Panics
    /// When it is not there.
    #[track_caller]
    pub fn header(&self, name: &str) -> String {
        match self.headers.get(name).and_then(|value| value.to_str().ok()) {
            Some(text) => text.to_owned(),
            None => panic!("{}: no header {name} in {:?}", self.call, self.headers),
        }
    }
}

impl Client {
    /// Makes a person in this admin's tenant and logs them in.
    pub async fn person(&self, email: &str, roles: &[&str]) -> Client {
        let password = crate::fresh::fresh_password();
        self.keep_out_of_the_log(&password);
        let body = json!({ "email": email, "name": email, "password": password, "roles": roles });
        self.post("/v1/users", body).await.is(201);
        let tenant = self.get("/v1/users/me").await.ok()["tenant"].text("slug");
        self.login(email, &password, &tenant).await
    }

    /// Who this caller is.
    pub async fn id(&self) -> String {
        self.get("/v1/users/me").await.ok().text("id")
    }
}
