//! A call as it comes in: which service and operation, in which region, signed by whom, with what parameters.

use axum::http::{HeaderMap, Method, Uri};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use crate::{refusal::Refusal, service::Service};

/// A request that could be told apart.
#[derive(Clone, Debug)]
pub(crate) struct WireRequest {
    pub(crate) service: Service,
    pub(crate) operation: String,
    /// Parameters; of the query protocol each is a text.
    pub(crate) parameters: Map<String, Value>,
    /// The region in the signature's scope, or the one that global endpoints stand for.
    pub(crate) region: String,
    pub(crate) access_key: Option<String>,
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

/// A request that isn't AWS's, with the service whose dialect the refusal speaks.
#[derive(Debug)]
pub(crate) struct Unreadable {
    pub(crate) service: Service,
    pub(crate) refusal: Refusal,
}

impl WireRequest {
    /// Reads a request: JSON 1.1 where `X-Amz-Target` is given, else the query protocol.
    pub(crate) fn read(
        method: Method,
        uri: Uri,
        headers: HeaderMap,
        body: Vec<u8>,
    ) -> Result<Self, Unreadable> {
        let (service, operation, parameters) = match header(&headers, "x-amz-target") {
            Some(target) => json_call(target, &body)?,
            None => query_call(&uri, &body)?,
        };
        let scope = header(&headers, "authorization").and_then(CredentialScope::read);
        let region = scope.as_ref().map_or("us-east-1", |scope| scope.region).to_owned();
        let access_key = scope.map(|scope| scope.access_key.to_owned());
        Ok(Self { service, operation, parameters, region, access_key, method, uri, headers, body })
    }

    /// A header's value, where it is text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }

    /// The account that a call is about, where its parameters name one.
    pub(crate) fn target_account(&self) -> Option<&str> {
        let text = |name: &str| self.parameters.get(name).and_then(Value::as_str);
        text("TargetId")
            .or_else(|| text("AccountId"))
            .or_else(|| text("RoleArn").and_then(|arn| arn.split(':').nth(4)))
    }
}

/// `Credential=` of an `Authorization` header.
///
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-authentication-methods.html>
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CredentialScope<'a> {
    pub(crate) access_key: &'a str,
    pub(crate) date: &'a str,
    pub(crate) region: &'a str,
    pub(crate) service: &'a str,
}

impl<'a> CredentialScope<'a> {
    /// Reads the scope out of an `Authorization` header.
    pub(crate) fn read(authorization: &'a str) -> Option<Self> {
        let rest = authorization.strip_prefix("AWS4-HMAC-SHA256")?;
        let credential = rest.split(',').find_map(|part| part.trim().strip_prefix("Credential="))?;
        let mut parts = credential.rsplitn(5, '/');
        let ("aws4_request", service, region, date, access_key) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?)
        else {
            return None;
        };
        Some(Self { access_key, date, region, service })
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

type Told = (Service, String, Map<String, Value>);

fn json_call(target: &str, body: &[u8]) -> Result<Told, Unreadable> {
    let Some((service, operation)) = Service::of_target(target) else {
        let refusal = Refusal::UnknownOperation { operation: target.to_owned() };
        return Err(Unreadable { service: Service::SsoAdmin, refusal });
    };
    let body = if body.is_empty() { b"{}" } else { body };
    let parameters = serde_json::from_slice::<Map<String, Value>>(body).map_err(|source| Unreadable {
        service,
        refusal: Refusal::Unreadable { message: source.to_string() },
    })?;
    Ok((service, operation.to_owned(), parameters))
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/programming.html>: GET or POST, `Action` and `Version`.
fn query_call(uri: &Uri, body: &[u8]) -> Result<Told, Unreadable> {
    let refuse = |refusal| Unreadable { service: Service::Sts, refusal };
    let form = std::str::from_utf8(body).unwrap_or_default();
    let mut parameters = Map::new();
    for pair in uri.query().unwrap_or_default().split('&').chain(form.split('&')).filter(|p| !p.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        parameters.insert(decoded(name), Value::String(decoded(value)));
    }
    let Some(operation) = parameters.remove("Action").and_then(|a| a.as_str().map(ToOwned::to_owned)) else {
        return Err(refuse(Refusal::UnknownOperation { operation: "without an Action".to_owned() }));
    };
    match parameters.remove("Version").as_ref().and_then(Value::as_str) {
        Some("2011-06-15") => Ok((Service::Sts, operation, parameters)),
        version => {
            let version = version.unwrap_or_default();
            let operation = format!("{operation} for version {version}");
            Err(refuse(Refusal::UnknownOperation { operation }))
        }
    }
}

fn decoded(text: &str) -> String {
    percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_read_out_of_an_authorization_header() {
        let read = CredentialScope::read(
            "AWS4-HMAC-SHA256 Credential=AKIA1/20260101/eu-west-1/sso/aws4_request, SignedHeaders=host, Signature=ab",
        );
        let expected =
            CredentialScope { access_key: "AKIA1", date: "20260101", region: "eu-west-1", service: "sso" };
        assert_eq!(read, Some(expected));
        assert_eq!(CredentialScope::read("Bearer abc"), None);
    }

    #[test]
    fn a_form_is_decoded() {
        let body = b"Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws+x".to_vec();
        let request = WireRequest::read(Method::POST, Uri::from_static("/"), HeaderMap::new(), body).unwrap();
        assert_eq!((request.service, request.operation.as_str()), (Service::Sts, "AssumeRole"));
        assert_eq!(request.parameters["RoleArn"], "arn:aws x");
    }
}
