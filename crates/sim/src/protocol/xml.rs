//! The query protocol's answers.

use serde_json::Value;

const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// An answer: `<OperationResponse><OperationResult>…`.
pub(super) fn answer(operation: &str, result: &Value, request_id: &str) -> String {
    let mut xml = format!("<{operation}Response xmlns=\"{NAMESPACE}\"><{operation}Result>");
    write(&mut xml, result);
    xml.push_str(&format!("</{operation}Result><ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{operation}Response>"));
    xml
}

/// An error: `<ErrorResponse><Error>…`.
pub(super) fn error(status: u16, code: &str, message: &str, request_id: &str) -> String {
    let fault = if status >= 500 { "Receiver" } else { "Sender" };
    format!(
        "<ErrorResponse xmlns=\"{NAMESPACE}\"><Error><Type>{fault}</Type><Code>{}</Code><Message>{}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>",
        escaped(code),
        escaped(message)
    )
}

fn write(xml: &mut String, value: &Value) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                xml.push_str(&format!("<{name}>"));
                write(xml, member);
                xml.push_str(&format!("</{name}>"));
            }
        }
        Value::String(text) => xml.push_str(&escaped(text)),
        other => xml.push_str(&other.to_string()),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
