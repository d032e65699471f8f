//! Where a webhook's messages go, and what is sent with each.

use std::collections::BTreeMap;

use curfew_domain::Invalid;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

/// What stands in place of a header's value wherever it is shown.
pub const MASK: &str = "********";

/// The most headers, and the longest name and value of one.
const MOST_HEADERS: usize = 20;
const LONGEST_NAME: usize = 64;
const LONGEST_VALUE: usize = 1_024;

/// Headers that are the connection's or the message's own, or that open clouds' metadata services.
const OWN_HEADERS: &[&str] = &[
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "keep-alive",
    "metadata",
    "metadata-flavor",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
];
const OWN_PREFIXES: &[&str] = &["proxy-", "webhook-", "x-aws-ec2-metadata-"];

/// Where messages go, and what is sent with each.
#[derive(Debug, Clone)]
pub struct WebhookConfig {
    /// The URL as it was accepted.
    pub url: String,
    /// Headers by their names in lower case. Their values are secret.
    pub headers: BTreeMap<String, SecretString>,
}

/// The same as it lies sealed.
#[derive(Serialize, Deserialize)]
struct Kept {
    url: String,
    headers: BTreeMap<String, String>,
}

impl WebhookConfig {
    /// The text that is sealed.
    pub(in crate::notify) fn to_text(&self) -> Result<SecretString, serde_json::Error> {
        let headers = self.headers.iter();
        let headers = headers.map(|(name, value)| (name.clone(), value.expose_secret().to_owned())).collect();
        serde_json::to_string(&Kept { url: self.url.clone(), headers }).map(SecretString::from)
    }

    /// The settings out of the text that was sealed.
    pub(in crate::notify) fn from_text(text: &SecretString) -> Result<Self, serde_json::Error> {
        let kept: Kept = serde_json::from_str(text.expose_secret())?;
        let headers = kept.headers.into_iter().map(|(name, value)| (name, value.into())).collect();
        Ok(Self { url: kept.url, headers })
    }

    /// What is sent; none where something of it can't be.
    pub(super) fn header_map(&self) -> Option<HeaderMap> {
        let header = |(name, value): (&String, &SecretString)| {
            let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
            let mut value = HeaderValue::from_str(value.expose_secret()).ok()?;
            value.set_sensitive(true);
            Some((name, value))
        };
        self.headers.iter().map(header).collect()
    }
}

/// Reads headers, and refuses what is not for a tenant to send. Each problem names its header.
pub(in crate::notify) fn read_headers(
    given: BTreeMap<String, SecretString>,
) -> Result<BTreeMap<String, SecretString>, (String, Invalid)> {
    if given.len() > MOST_HEADERS {
        return Err((String::new(), Invalid::new(format!("there are at most {MOST_HEADERS} headers"))));
    }
    let mut headers = BTreeMap::new();
    for (name, value) in given {
        let lower = name.to_ascii_lowercase();
        check_header(&lower, value.expose_secret()).map_err(|problem| (name.clone(), problem))?;
        if headers.insert(lower, value).is_some() {
            return Err((name, Invalid::new("this header is given twice")));
        }
    }
    Ok(headers)
}

fn check_header(name: &str, value: &str) -> Result<(), Invalid> {
    if name.is_empty() || name.len() > LONGEST_NAME || HeaderName::from_bytes(name.as_bytes()).is_err() {
        let wrong = format!("a header's name has 1 to {LONGEST_NAME} letters, digits, hyphens and the like");
        return Err(Invalid::new(wrong));
    }
    if OWN_HEADERS.contains(&name) || OWN_PREFIXES.iter().any(|prefix| name.starts_with(prefix)) {
        return Err(Invalid::new("Curfew sets this header itself, or does not send it"));
    }
    let visible = value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    if value.is_empty() || value.len() > LONGEST_VALUE || !visible || value.trim() != value {
        let wrong = format!("a header's value has 1 to {LONGEST_VALUE} visible ASCII characters");
        return Err(Invalid::new(wrong));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_that_are_not_a_tenants_to_set_are_refused() {
        let read = |name: &str, value: &str| {
            read_headers(BTreeMap::from([(name.to_owned(), SecretString::from(value))])).is_ok()
        };
        assert!(read("Authorization", "Bearer abc") && read("x-team", "a b"));
        for name in [
            "",
            "Host",
            "content-length",
            "Transfer-Encoding",
            "Connection",
            "Webhook-Id",
            "webhook-signature",
            "Proxy-Authorization",
            "X-aws-ec2-metadata-token",
            "Metadata-Flavor",
            "a b",
            "a:b",
            "ä",
            "a\r\nb",
        ] {
            assert!(!read(name, "x"), "{name:?}");
        }
        for value in ["", " x", "x ", "a\r\nHost: b", "a\u{0}", "ä", &"x".repeat(LONGEST_VALUE + 1)] {
            assert!(!read("x-team", value), "{value:?}");
        }
        let secret = || SecretString::from("x");
        let twice = BTreeMap::from([("X-A".to_owned(), secret()), ("x-a".to_owned(), secret())]);
        assert!(read_headers(twice).is_err());
        let many = (0..=MOST_HEADERS).map(|number| (format!("x-{number}"), secret())).collect();
        assert!(read_headers(many).is_err());
    }
}
