//! The document, as far as AWS looks at it when it is saved.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

/// A policy's statements.
#[derive(Debug, PartialEq)]
pub(crate) struct Document {
    pub(super) statements: Vec<Statement>,
}

/// One statement.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub(super) struct Statement {
    pub(super) sid: Option<String>,
    pub(super) effect: Effect,
    pub(super) action: Option<OneOrMany>,
    pub(super) not_action: Option<OneOrMany>,
    pub(super) resource: Option<OneOrMany>,
    pub(super) not_resource: Option<OneOrMany>,
    /// Values by key, by operator.
    #[serde(default)]
    pub(super) condition: BTreeMap<String, BTreeMap<String, OneOrMany>>,
}

/// What a statement does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(super) enum Effect {
    Allow,
    Deny,
}

/// A value, or a list of them.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub(super) enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

/// Why a text is no service control policy.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Malformed {
    #[error("it is not JSON of a policy's form: {0}")]
    Form(#[from] serde_json::Error),
    #[error("its version is `{0}`")]
    Version(String),
    #[error("it has no statement")]
    Empty,
    #[error("`{0}` is no name of a statement, or of two")]
    Sid(String),
    #[error("a statement has not just one of {0} and Not{0}")]
    OneOf(&'static str),
    #[error("`{0}` is no action")]
    Action(String),
    #[error("`{0}` is no condition's operator")]
    Operator(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Written {
    version: Option<String>,
    #[serde(rename = "Id")]
    _id: Option<String>,
    statement: Statements,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Statements {
    One(Box<Statement>),
    Many(Vec<Statement>),
}

const VERSIONS: [&str; 2] = ["2012-10-17", "2008-10-17"];

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>, each
/// perhaps with `IfExists` after it and a set's quantifier before it.
const OPERATORS: &[&str] = &[
    "StringEquals",
    "StringNotEquals",
    "StringEqualsIgnoreCase",
    "StringNotEqualsIgnoreCase",
    "StringLike",
    "StringNotLike",
    "NumericEquals",
    "NumericNotEquals",
    "NumericLessThan",
    "NumericLessThanEquals",
    "NumericGreaterThan",
    "NumericGreaterThanEquals",
    "DateEquals",
    "DateNotEquals",
    "DateLessThan",
    "DateLessThanEquals",
    "DateGreaterThan",
    "DateGreaterThanEquals",
    "Bool",
    "BinaryEquals",
    "IpAddress",
    "NotIpAddress",
    "ArnEquals",
    "ArnLike",
    "ArnNotEquals",
    "ArnNotLike",
    "Null",
];

impl Document {
    /// Reads what AWS would take.
    pub(crate) fn parse(text: &str) -> Result<Self, Malformed> {
        let Written { version, statement, .. } = serde_json::from_str(text)?;
        if let Some(version) = version.filter(|version| !VERSIONS.contains(&version.as_str())) {
            return Err(Malformed::Version(version));
        }
        let statements = match statement {
            Statements::One(statement) => vec![*statement],
            Statements::Many(statements) => statements,
        };
        if statements.is_empty() {
            return Err(Malformed::Empty);
        }
        let mut names = BTreeSet::new();
        for statement in &statements {
            statement.check()?;
            let name = statement.sid.as_ref().filter(|sid| !sid.is_empty());
            if let Some(sid) = name.filter(|sid| !names.insert((*sid).clone())) {
                return Err(Malformed::Sid(sid.clone()));
            }
        }
        Ok(Self { statements })
    }
}

impl Statement {
    fn check(&self) -> Result<(), Malformed> {
        let sid = self.sid.iter().find(|sid| !sid.bytes().all(|letter| letter.is_ascii_alphanumeric()));
        if let Some(sid) = sid {
            return Err(Malformed::Sid(sid.clone()));
        }
        if self.action.is_some() == self.not_action.is_some() {
            return Err(Malformed::OneOf("Action"));
        }
        if self.resource.is_some() == self.not_resource.is_some() {
            return Err(Malformed::OneOf("Resource"));
        }
        let actions = self.action.iter().chain(&self.not_action).flat_map(OneOrMany::as_slice);
        for action in actions {
            if action != "*" && !action.contains(':') {
                return Err(Malformed::Action(action.clone()));
            }
        }
        match self.condition.keys().find(|operator| !is_operator(operator)) {
            Some(operator) => Err(Malformed::Operator(operator.clone())),
            None => Ok(()),
        }
    }
}

impl OneOrMany {
    pub(super) fn as_slice(&self) -> &[String] {
        match self {
            Self::One(value) => std::slice::from_ref(value),
            Self::Many(values) => values,
        }
    }
}

fn is_operator(text: &str) -> bool {
    let bare = text.strip_prefix("ForAnyValue:").or_else(|| text.strip_prefix("ForAllValues:"));
    let bare = bare.unwrap_or(text);
    OPERATORS.contains(&bare.strip_suffix("IfExists").unwrap_or(bare))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(statement: &str) -> Result<Document, Malformed> {
        Document::parse(&format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#))
    }

    #[test]
    fn a_document_has_statements_of_the_known_form() {
        assert!(parse(r#"{"Sid":"A1","Effect":"Deny","Action":"*","Resource":"*"}"#).is_ok());
        let one = r#"{"Statement":{"Effect":"Allow","NotAction":["s3:*"],"Resource":["*"]}}"#;
        assert!(Document::parse(one).is_ok());
        for bad in [
            "",
            r#"{"Effect":"Deny","Action":"*"}"#,
            r#"{"Effect":"Deny","Resource":"*"}"#,
            r#"{"Effect":"Deny","Action":"*","NotAction":"s3:*","Resource":"*"}"#,
            r#"{"Effect":"Refuse","Action":"*","Resource":"*"}"#,
            r#"{"Effect":"Deny","Action":"everything","Resource":"*"}"#,
            r#"{"Effect":"Deny","Action":"*","Resource":"*","Principal":"*"}"#,
            r#"{"Sid":"a-b","Effect":"Deny","Action":"*","Resource":"*"}"#,
            r#"{"Effect":"Deny","Effect":"Allow","Action":"*","Resource":"*"}"#,
            r#"{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringIs":{"aws:PrincipalArn":"x"}}}"#,
            r#"{"Sid":"A","Effect":"Deny","Action":"*","Resource":"*"},{"Sid":"A","Effect":"Deny","Action":"*","Resource":"*"}"#,
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
        assert!(Document::parse(r#"{"Version":"2012-10-18","Statement":[]}"#).is_err());
        assert!(Document::parse("{").is_err());
    }
}
