//! The query protocol's answers.

use serde_json::Value;

const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// An answer: `<OperationResponse><OperationResult>…`.
pub(super) fn answer(operation: &str, result: &Value, request_id: &str) -> String {
    let result = element(&format!("{operation}Result"), &content(result));
    let metadata = element("ResponseMetadata", &element("RequestId", request_id));
    format!("<{operation}Response xmlns=\"{NAMESPACE}\">{result}{metadata}</{operation}Response>")
}

/// An error: `<ErrorResponse><Error>…`.
pub(super) fn error(status: u16, code: &str, message: &str, request_id: &str) -> String {
    let fault = if status >= 500 { "Receiver" } else { "Sender" };
    let members = [("Type", fault), ("Code", code), ("Message", message)];
    let members = members.map(|(name, text)| element(name, &escaped(text))).concat();
    let (error, request_id) = (element("Error", &members), element("RequestId", request_id));
    format!("<ErrorResponse xmlns=\"{NAMESPACE}\">{error}{request_id}</ErrorResponse>")
}

fn content(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            members.iter().map(|(name, member)| element(name, &content(member))).collect()
        }
        Value::String(text) => escaped(text),
        other => other.to_string(),
    }
}

fn element(name: &str, content: &str) -> String {
    format!("<{name}>{content}</{name}>")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
