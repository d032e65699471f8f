//! Signature Version 4: is the date right, the scope the service's, and the signature made with the caller's secret?
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>

use jiff::{SignedDuration, Timestamp, civil::DateTime, tz::TimeZone};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sha2::{Digest, Sha256};

use super::request::{CredentialScope, WireRequest};
use crate::{
    clock::{Dated, SimClock, shifted},
    hex, hmac,
    refusal::Refusal,
};

/// Everything but the letters that are never encoded in a canonical request.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Checks that the request's date is now, or near it.
pub(crate) fn check_date(request: &WireRequest, clock: &SimClock) -> Result<(), Refusal> {
    let text = request.header("x-amz-date").unwrap_or_default();
    let Some(signed_at) = read_date(text) else {
        return Err(bad(format!("Date must be in ISO-8601 'basic format'. Got '{text}'.")));
    };
    match clock.date(signed_at) {
        Dated::Now => Ok(()),
        Dated::Before(now) => {
            let (bound, now) = (compact(shifted(now, SignedDuration::from_mins(-5))), compact(now));
            Err(bad(format!("Signature expired: {text} is now earlier than {bound} ({now} - 5 min.)")))
        }
        Dated::After(now) => {
            let (bound, now) = (compact(shifted(now, SignedDuration::from_mins(5))), compact(now));
            Err(bad(format!(
                "Signature not yet current: {text} is still later than {bound} ({now} + 5 min.)"
            )))
        }
    }
}

/// Checks that the signature was made for this service.
pub(crate) fn check_scope(request: &WireRequest) -> Result<(), Refusal> {
    let expected = request.service.signing_name();
    let scope = request.header("authorization").and_then(CredentialScope::read).ok_or(Refusal::Unsigned)?;
    if scope.service == expected {
        return Ok(());
    }
    Err(bad(format!("Credential should be scoped to correct service: '{expected}'.")))
}

/// Checks the signature itself.
pub(crate) fn check_signature(request: &WireRequest, secret: &str) -> Result<(), Refusal> {
    let authorization = request.header("authorization").unwrap_or_default();
    let scope = CredentialScope::read(authorization).ok_or(Refusal::Unsigned)?;
    let signed_headers = part(authorization, "SignedHeaders=").unwrap_or_default();
    let given = part(authorization, "Signature=").unwrap_or_default();
    if expected_signature(request, scope, signed_headers, secret) == given {
        return Ok(());
    }
    Err(bad(
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.".to_owned(),
    ))
}

fn expected_signature(
    request: &WireRequest,
    scope: CredentialScope<'_>,
    signed_headers: &str,
    secret: &str,
) -> String {
    let canonical = canonical_request(request, signed_headers);
    let CredentialScope { date, region, service, .. } = scope;
    let amz_date = request.header("x-amz-date").unwrap_or_default();
    let to_sign = format!(
        "AWS4-HMAC-SHA256\n{amz_date}\n{date}/{region}/{service}/aws4_request\n{}",
        hex::digits(&Sha256::digest(canonical.as_bytes()))
    );
    let mut key = hmac::sha_256(format!("AWS4{secret}").as_bytes(), date.as_bytes());
    for step in [region, service, "aws4_request"] {
        key = hmac::sha_256(&key, step.as_bytes());
    }
    hex::digits(&hmac::sha_256(&key, to_sign.as_bytes()))
}

fn canonical_request(request: &WireRequest, signed_headers: &str) -> String {
    let line = |name: &str| {
        let values = request.headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        format!("{name}:{}\n", values.map(str::trim).collect::<Vec<_>>().join(","))
    };
    let headers: Vec<String> = signed_headers.split(';').map(line).collect();
    let headers = headers.concat();
    let path = encoded(request.uri.path()).replace("%2F", "/");
    format!(
        "{}\n{path}\n{}\n{headers}\n{signed_headers}\n{}",
        request.method,
        canonical_query(request.uri.query().unwrap_or_default()),
        hex::digits(&Sha256::digest(&request.body))
    )
}

fn canonical_query(query: &str) -> String {
    let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let mut pairs: Vec<String> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            format!("{}={}", encoded(&decode(name)), encoded(&decode(value)))
        })
        .collect();
    pairs.sort();
    pairs.join("&")
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

fn part<'a>(authorization: &'a str, name: &str) -> Option<&'a str> {
    let rest = authorization.strip_prefix("AWS4-HMAC-SHA256")?;
    rest.split(',').find_map(|part| part.trim().strip_prefix(name))
}

fn read_date(text: &str) -> Option<Timestamp> {
    let civil = DateTime::strptime("%Y%m%dT%H%M%SZ", text).ok()?;
    TimeZone::UTC.to_timestamp(civil).ok()
}

fn compact(at: Timestamp) -> String {
    at.strftime("%Y%m%dT%H%M%SZ").to_string()
}

fn bad(message: String) -> Refusal {
    Refusal::BadSignature { message }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_read_as_it_is_shown() {
        let at: Timestamp = "2026-03-01T12:34:56Z".parse().unwrap();
        assert_eq!(read_date(&compact(at)), Some(at));
        assert_eq!(read_date("yesterday"), None);
    }
}
