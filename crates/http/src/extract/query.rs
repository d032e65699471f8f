use std::collections::BTreeSet;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use curfew_app::FieldProblem;
use serde::de::DeserializeOwned;

use crate::ApiError;

/// The query parameters, read into `T`: give it `#[serde(deny_unknown_fields)]`.
///
/// Unknown, repeated and malformed parameters are refused with 400 and named in `details.fields`. For lists take
/// [`ApiList`](super::ApiList), which knows `limit` and `cursor`.
#[derive(Debug, Clone, Copy)]
pub struct ApiQuery<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for ApiQuery<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        read(&pairs(parts)?).map(Self)
    }
}

/// The parameters in their order; none twice, and none with U+0000.
pub(crate) fn pairs(parts: &Parts) -> Result<Vec<(String, String)>, ApiError> {
    let query = parts.uri.query().unwrap_or_default();
    let mut seen = BTreeSet::new();
    let mut problems = Vec::new();
    let mut pairs = Vec::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if name.contains('\0') || value.contains('\0') {
            let problem = "must not contain U+0000".to_owned();
            problems.push(FieldProblem { path: name.replace('\0', "\u{fffd}"), problem });
        } else if !seen.insert(name.clone()) {
            let problem = "is given more than once".to_owned();
            problems.push(FieldProblem { path: name.into_owned(), problem });
        } else {
            pairs.push((name.into_owned(), value.into_owned()));
        }
    }
    if problems.is_empty() { Ok(pairs) } else { Err(ApiError::fields(problems)) }
}

/// Reads parameters into `T`.
pub(crate) fn read<T: DeserializeOwned>(pairs: &[(String, String)]) -> Result<T, ApiError> {
    let text = encode(pairs);
    let deserializer = serde_urlencoded::Deserializer::new(form_urlencoded::parse(text.as_bytes()));
    serde_path_to_error::deserialize(deserializer).map_err(|error| {
        let path = error.path().to_string();
        let problem = error.inner().to_string();
        let missing = problem.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`'));
        match missing {
            Some(name) => ApiError::field(name, "is required"),
            None if path == "." => ApiError::field("", problem),
            None => ApiError::field(path, problem),
        }
    })
}

/// The parameters as one text again.
pub(crate) fn encode(pairs: &[(String, String)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

#[cfg(test)]
mod tests {
    use axum::http::Request;
    use curfew_app::AppError;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Filters {
        count: Option<u8>,
        name: Option<String>,
    }

    fn filters(query: &str) -> Result<Filters, Vec<String>> {
        let (parts, ()) = Request::builder().uri(format!("/x?{query}")).body(()).unwrap().into_parts();
        pairs(&parts).and_then(|pairs| read(&pairs)).map_err(|error| match error {
            ApiError::App(AppError::Invalid(fields)) => fields.into_iter().map(|field| field.path).collect(),
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn parameters_are_read_by_name() {
        let read = filters("count=7&name=a%20b").unwrap();
        assert_eq!((read.count, read.name.as_deref()), (Some(7), Some("a b")));
        assert!(filters("").unwrap().name.is_none());
    }

    #[test]
    fn unknown_repeated_malformed_and_nul_parameters_are_refused_by_name() {
        assert_eq!(filters("nickname=x").unwrap_err(), ["nickname"]);
        assert_eq!(filters("name=x&name=y").unwrap_err(), ["name"]);
        assert_eq!(filters("count=many").unwrap_err(), ["count"]);
        assert_eq!(filters("name=%00").unwrap_err(), ["name"]);
    }
}
