//! U+0000 is refused wherever it comes in: PostgreSQL can't hold it in text.

use curfew_app::FieldProblem;
use serde_json::Value;

/// Where in a JSON text a string holds U+0000; names and values alike.
///
/// A raw NUL inside a string is not JSON, so only its escape is looked for; most texts have none, and then
/// nothing is parsed.
pub(crate) fn find(json: &[u8]) -> Option<FieldProblem> {
    if !may_hold_nul(json) {
        return None;
    }
    let value: Value = serde_json::from_slice(json).ok()?;
    let path = path_to_nul(&value)?;
    Some(FieldProblem { path, problem: "must not contain U+0000".to_owned() })
}

fn may_hold_nul(json: &[u8]) -> bool {
    json.windows(6).any(|six| six == br"\u0000")
}

fn path_to_nul(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => text.contains('\0').then(String::new),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .find_map(|(at, item)| path_to_nul(item).map(|rest| join(&format!("[{at}]"), &rest))),
        Value::Object(fields) => fields.iter().find_map(|(name, field)| {
            if name.contains('\0') {
                return Some(name.replace('\0', "\u{fffd}"));
            }
            path_to_nul(field).map(|rest| join(name, &rest))
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

fn join(first: &str, rest: &str) -> String {
    match rest.chars().next() {
        None => first.to_owned(),
        Some('[') => format!("{first}{rest}"),
        Some(_) => format!("{first}.{rest}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nul_is_found_wherever_it_hides_and_an_escaped_backslash_is_not_one() {
        let at = |json: &str| find(json.as_bytes()).map(|problem| problem.path);
        assert_eq!(at(r#"{"a":{"b":["x","\u0000"]}}"#).as_deref(), Some("a.b[1]"));
        assert_eq!(at(r#"{"a\u0000":1}"#).as_deref(), Some("a\u{fffd}"));
        assert_eq!(at(r#""\u0000""#).as_deref(), Some(""));
        assert_eq!(at(r#"{"a":"\\u0000"}"#), None);
        assert_eq!(at(r#"{"a":"u0000"}"#), None);
    }
}
