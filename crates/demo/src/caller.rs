//! Somebody who calls the API before the reader's eyes.

use reqwest::Method;
use serde_json::{Value, json};

use crate::TourError;
use crate::screen::Screen;

/// A person of the story; cheap to clone.
#[derive(Clone)]
pub(crate) struct Caller {
    http: reqwest::Client,
    base: String,
    name: &'static str,
    token: Option<String>,
    tenant: Option<String>,
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) call: String,
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Caller {
    /// Somebody without a credential.
    pub(crate) fn nobody(base: &str) -> Result<Self, TourError> {
        // Both ends are in this process: no proxy of the environment's is between them.
        let http = reqwest::Client::builder().no_proxy().build()?;
        Ok(Self { http, base: base.to_owned(), name: "nobody", token: None, tenant: None })
    }

    /// Logs somebody in.
    pub(crate) async fn login(
        &self,
        name: &'static str,
        email: &str,
        password: &str,
        tenant: &str,
    ) -> Result<Self, TourError> {
        let body = json!({ "email": email, "password": password });
        let login = self.quietly(Method::POST, "/v1/auth/login", Some(&body)).await?.ok()?;
        Ok(Self {
            name,
            token: Some(text(&login, "token")?),
            tenant: Some(tenant.to_owned()),
            ..self.clone()
        })
    }

    /// Its token, for the reader's own calls.
    pub(crate) fn token(&self) -> &str {
        self.token.as_deref().unwrap_or_default()
    }

    /// A call that the reader sees, with its answer's status; `matters` picks what to show of the body.
    pub(crate) async fn shows(
        &self,
        screen: &Screen,
        method: Method,
        path: &str,
        body: Option<Value>,
        matters: impl Fn(&Value) -> String,
    ) -> Result<Answer, TourError> {
        screen.call(self.name, method.as_str(), path, body.as_ref())?;
        let answer = self.quietly(method, path, body.as_ref()).await?;
        screen.answer(answer.status, &matters(&answer.body))?;
        Ok(answer)
    }

    /// A call that the reader does not see.
    pub(crate) async fn quietly(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Answer, TourError> {
        let call = format!("{method} {path}");
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(tenant) = &self.tenant {
            request = request.header("X-Tenant-ID", tenant);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await?;
        let status = response.status().as_u16();
        let text = response.text().await?;
        Ok(Answer { call, status, body: serde_json::from_str(&text).unwrap_or(Value::Null) })
    }
}

impl Answer {
    /// The body of a success.
    pub(crate) fn ok(self) -> Result<Value, TourError> {
        if (200..300).contains(&self.status) { Ok(self.body) } else { Err(self.unexpected()) }
    }

    /// The body, which came with this status.
    pub(crate) fn is(self, status: u16) -> Result<Value, TourError> {
        if self.status == status { Ok(self.body) } else { Err(self.unexpected()) }
    }

    fn unexpected(self) -> TourError {
        TourError::Unexpected { call: self.call, status: self.status, body: self.body }
    }
}

/// A field's text.
pub(crate) fn text(body: &Value, field: &str) -> Result<String, TourError> {
    let found = body.get(field).and_then(Value::as_str);
    found.map(str::to_owned).ok_or_else(|| TourError::Missing { field: field.to_owned(), body: body.clone() })
}

/// Some fields' values in a row, as the reader is shown them.
pub(crate) fn fields(body: &Value, names: &[&str]) -> String {
    names
        .iter()
        .filter_map(|name| {
            let value = body.get(name)?;
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            Some(format!("{name}={value}"))
        })
        .collect::<Vec<_>>()
        .join("  ")
}
