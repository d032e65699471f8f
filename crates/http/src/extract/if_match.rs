use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header;
use axum::http::request::Parts;
use curfew_app::policies::Expected;
use utoipa::IntoParams;

use crate::ApiError;

/// Longer lists of versions are nobody's.
const MOST_VERSIONS: usize = 100;

/// Which versions of a policy a change is meant for: `If-Match` with the `ETag` that was read (RFC 9110, section
/// 13.1.1). Weak ones never match (section 8.8.3.2), so they are refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IfMatch(pub Expected);

/// For `params(IfMatchHeader)` of an operation's description.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "only its description is used")]
pub(crate) struct IfMatchHeader {
    /// The `ETag` of the policy as it was read, or several: another one is refused with 409, and nothing is changed.
    #[param(rename = "If-Match", max_length = 2000, example = "\"3\"")]
    if_match: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let problem =
            "must be * or versions in quotes, such as \"3\", separated by commas; weak ones never match";
        expected(&parts.headers).map(Self).ok_or_else(|| ApiError::field("If-Match", problem))
    }
}

/// None where the header is not sound.
fn expected(headers: &HeaderMap) -> Option<Expected> {
    let mut versions = Vec::new();
    let mut any = false;
    for value in headers.get_all(header::IF_MATCH) {
        for tag in value.to_str().ok()?.split(',').map(|tag| tag.trim_matches([' ', '\t'])) {
            match tag {
                // RFC 9110, section 5.6.1.2: empty members of a list are skipped.
                "" => {}
                "*" => any = true,
                tag => versions.push(version(tag)?),
            }
        }
    }
    let is_said = headers.contains_key(header::IF_MATCH);
    match (any, versions.len()) {
        (true, 0) => Some(Expected::Any),
        (false, 0) => (!is_said).then_some(Expected::Any),
        (false, 1..=MOST_VERSIONS) => Some(Expected::OneOf(versions)),
        _ => None,
    }
}

/// `"3"`. Any other text in quotes is nobody's version: 0 is none's.
fn version(tag: &str) -> Option<u32> {
    let opaque = tag.strip_prefix('"')?.strip_suffix('"')?;
    let is_opaque = |byte: u8| byte == 0x21 || (0x23..=0x7e).contains(&byte);
    if opaque.is_empty() || !opaque.bytes().all(is_opaque) {
        return None;
    }
    Some(opaque.parse().ok().filter(|version: &u32| version.to_string() == opaque).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&str]) -> Option<Expected> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::IF_MATCH, value.parse().unwrap());
        }
        expected(&headers)
    }

    #[test]
    fn versions_are_read_wherever_they_stand() {
        assert_eq!(read(&[]), Some(Expected::Any));
        assert_eq!(read(&["*"]), Some(Expected::Any));
        assert_eq!(read(&["\"3\""]), Some(Expected::OneOf(vec![3])));
        assert_eq!(read(&["\"3\" ,\"4\",", "\"5\""]), Some(Expected::OneOf(vec![3, 4, 5])));
    }

    #[test]
    fn what_is_no_version_in_quotes_is_refused_and_what_is_nobodys_matches_none() {
        for wrong in ["", ",", "3", "W/\"3\"", "\"3", "\"", "\"\"", "*, \"3\"", "\"3\" \"4\"", "\"a b\""] {
            assert_eq!(read(&[wrong]), None, "{wrong}");
        }
        for nobodys in ["\"abc\"", "\"03\"", "\"+3\"", "\"99999999999\""] {
            assert_eq!(read(&[nobodys]), Some(Expected::OneOf(vec![0])), "{nobodys}");
        }
        let many = vec!["\"1\""; 101].join(",");
        assert_eq!(read(&[&many]), None);
    }
}
