//! What is known of a context.

use std::collections::BTreeMap;

use cedar_policy::Policy;
use serde_json::{Value, json};

use crate::entities::BoxError;

/// Attributes of the context that are known; those that aren't here are not.
#[derive(Debug, Clone, Default)]
pub(crate) struct Known(BTreeMap<&'static str, Option<Value>>);

impl Known {
    /// A text.
    pub(crate) fn text(self, name: &'static str, text: &str) -> Self {
        self.with(name, Some(json!({ "Value": text })))
    }

    /// A whole number.
    pub(crate) fn number(self, name: &'static str, number: i64) -> Self {
        self.with(name, Some(json!({ "Value": number })))
    }

    /// Yes or no.
    pub(crate) fn flag(self, name: &'static str, flag: bool) -> Self {
        self.with(name, Some(json!({ "Value": flag })))
    }

    /// An entity.
    pub(crate) fn entity(self, name: &'static str, kind: &str, id: &str) -> Self {
        self.with(name, Some(json!({ "Value": { "__entity": { "type": kind, "id": id } } })))
    }

    /// A value of an extension: `datetime("…")`, `ip("…")`.
    pub(crate) fn made_by(self, name: &'static str, function: &str, text: &str) -> Self {
        self.with(name, Some(json!({ function: [{ "Value": text }] })))
    }

    /// Whatever the resource is.
    pub(crate) fn resource_as(self, name: &'static str) -> Self {
        self.with(name, Some(json!({ "Var": "resource" })))
    }

    /// Not there.
    pub(crate) fn absent(self, name: &'static str) -> Self {
        self.with(name, None)
    }

    fn with(mut self, name: &'static str, value: Option<Value>) -> Self {
        self.0.insert(name, value);
        self
    }

    /// The rule, with what is known in the place of what asks for it.
    pub(super) fn put_into(&self, rule: &Policy) -> Result<Policy, BoxError> {
        if self.0.is_empty() || !rule.has_non_scope_constraint() {
            return Ok(rule.clone());
        }
        let mut written = rule.to_json()?;
        if let Some(conditions) = written.get_mut("conditions") {
            self.replace_in(conditions);
        }
        Ok(Policy::from_json(Some(rule.id().clone()), written)?)
    }

    fn replace_in(&self, expression: &mut Value) {
        if let Some(known) = self.stands_for(expression) {
            *expression = known;
            return;
        }
        match expression {
            Value::Array(members) => members.iter_mut().for_each(|member| self.replace_in(member)),
            Value::Object(members) => members.values_mut().for_each(|member| self.replace_in(member)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    /// What an expression comes to, if it asks the context itself for something that is known.
    fn stands_for(&self, expression: &Value) -> Option<Value> {
        let members = expression.as_object()?;
        let (operator, operands) = members.iter().next().filter(|_| members.len() == 1)?;
        let of_context = operands.get("left")?.get("Var")? == "context";
        let value = self.0.get(operands.get("attr")?.as_str()?).filter(|_| of_context)?;
        match operator.as_str() {
            // What is absent is asked for behind a `has` alone, which says so.
            "." => value.clone(),
            "has" => Some(json!({ "Value": value.is_some() })),
            _ => None,
        }
    }
}
