use std::fmt::Write;

use axum::extract::{FromRequest, OptionalFromRequest, Request};
use axum::http::{HeaderMap, header};
use curfew_app::FieldProblem;
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use serde_path_to_error::{Path, Segment};

use super::body::{self, BODY_LIMIT};
use super::nul;
use crate::ApiError;

/// A JSON body of at most 1 MiB, read into `T`.
///
/// Refuses another content type (415), a larger body (413), and anything that is not a sound `T`, with the path
/// of what is wrong in `details.fields` (400). `Option<ApiJson<T>>` is for operations whose body may be left
/// out: no bytes at all, whatever they are announced as, are `None`.
#[derive(Debug, Clone, Copy)]
pub struct ApiJson<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for ApiJson<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        require_json(&parts.headers)?;
        let bytes = body::of_request(&parts, body, BODY_LIMIT).await?;
        parse(&bytes).map(Self)
    }
}

impl<S: Send + Sync, T: DeserializeOwned> OptionalFromRequest<S> for ApiJson<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Option<Self>, ApiError> {
        let (parts, body) = request.into_parts();
        let bytes = body::of_request(&parts, body, BODY_LIMIT).await?;
        if bytes.is_empty() {
            return Ok(None);
        }
        require_json(&parts.headers)?;
        parse(&bytes).map(|value| Some(Self(value)))
    }
}

/// `application/json` or `application/…+json`, with any parameters.
pub(crate) fn require_json(headers: &HeaderMap) -> Result<(), ApiError> {
    let media_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .map(|value| value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase());
    let is_json = media_type.is_some_and(|kind| {
        kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
    });
    if is_json { Ok(()) } else { Err(ApiError::UnsupportedMediaType) }
}

/// Reads `bytes` as a `T`, or says what stands in the way, and where.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    if let Some(problem) = nul::find(bytes) {
        return Err(ApiError::fields(vec![problem]));
    }
    // Every body is an object. serde would take a list for a struct, its fields by their places.
    if bytes.trim_ascii_start().first() == Some(&b'[') {
        return Err(ApiError::field("", "it must be an object"));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut deserializer)
        .map_err(|error| ApiError::fields(vec![problem_at(error.path(), error.inner())]))?;
    deserializer.end().map_err(|error| ApiError::field("", error.to_string()))?;
    Ok(value)
}

/// serde tells of a missing or repeated field at its parent; the contract's `fields` wants the field itself.
fn problem_at(path: &Path, error: &serde_json::Error) -> FieldProblem {
    let parent = written(path);
    let text = error.to_string();
    if error.classify() != Category::Data {
        return FieldProblem { path: parent, problem: format!("not sound JSON: {text}") };
    }
    let problem = text.rsplit_once(" at line ").map_or(text.as_str(), |(problem, _)| problem);
    for (words, plain) in
        [("missing field `", "is required"), ("duplicate field `", "is given more than once")]
    {
        if let Some(name) = problem.strip_prefix(words).and_then(|rest| rest.strip_suffix('`')) {
            let path = if parent.is_empty() { name.to_owned() } else { format!("{parent}.{name}") };
            return FieldProblem { path, problem: plain.to_owned() };
        }
    }
    FieldProblem { path: parent, problem: problem.to_owned() }
}

/// `a.b[0].c`; nothing for the body itself, nor for what has no name yet.
fn written(path: &Path) -> String {
    path.iter().fold(String::new(), |mut written, segment| {
        match segment {
            Segment::Seq { index } => {
                // Writing to a String can't fail.
                let _ = write!(written, "[{index}]");
            }
            Segment::Map { key: name } | Segment::Enum { variant: name } => {
                if !written.is_empty() {
                    written.push('.');
                }
                written.push_str(name);
            }
            Segment::Unknown => {}
        }
        written
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use curfew_app::AppError;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only reading is tested")]
    struct Outer {
        name: String,
        inner: Inner,
        #[serde(default)]
        tags: Vec<HashMap<String, u8>>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only reading is tested")]
    struct Inner {
        count: u8,
    }

    fn problem(json: &str) -> (String, String) {
        match parse::<Outer>(json.as_bytes()) {
            Err(ApiError::App(AppError::Invalid(mut problems))) => {
                let first = problems.remove(0);
                (first.path, first.problem)
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_problem_is_told_with_the_path_of_its_field() {
        assert_eq!(problem(r#"{"name":"a"}"#), ("inner".into(), "is required".into()));
        assert_eq!(problem(r#"{"name":"a","inner":{}}"#), ("inner.count".into(), "is required".into()));
        assert_eq!(problem(r#"{"name":"a","inner":{"count":256}}"#).0, "inner.count");
        assert_eq!(problem(r#"{"name":"a","inner":{"count":1,"x":2}}"#).0, "inner.x");
        assert_eq!(problem(r#"{"name":"a","inner":{"count":1},"tags":[{},{"k":"v"}]}"#).0, "tags[1].k");
        assert_eq!(problem(r#"{"name":"a","name":"b"}"#).0, "name");
        assert_eq!(problem(r#"{"name":"a","inner":{"count":1}} x"#).0, "");
        assert_eq!(problem(r#" ["a",{"count":1}]"#), (String::new(), "it must be an object".into()));
    }

    #[test]
    fn what_is_nested_too_deep_is_refused() {
        let deep = format!(r#"{{"name":{}"#, "[".repeat(10_000));
        assert_eq!(problem(&deep).0, "name");
        // Where any object will do, nothing but the depth is wrong with it.
        let free = format!(r#"{{"a":{}1{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
        let refused = parse::<serde_json::Map<String, serde_json::Value>>(free.as_bytes());
        assert!(format!("{refused:?}").contains("recursion"), "{refused:.200?}");
        let shallow = format!(r#"{{"a":{}1{}}}"#, "[".repeat(100), "]".repeat(100));
        assert!(parse::<serde_json::Map<String, serde_json::Value>>(shallow.as_bytes()).is_ok());
    }
}
