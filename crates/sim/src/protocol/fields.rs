//! Parameters, read by name and checked against the form that the service's model gives them.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Map, Value};

use super::patterns::{self, Pattern};
use crate::{refusal::Refusal, service::Service};

/// The parameters of one call.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'a> {
    service: Service,
    values: &'a Map<String, Value>,
}

impl<'a> Fields<'a> {
    pub(crate) fn new(service: Service, values: &'a Map<String, Value>) -> Self {
        Self { service, values }
    }

    /// A text that must be there.
    pub(crate) fn text(&self, name: &'static str, pattern: Pattern) -> Result<&'a str, Refusal> {
        self.optional_text(name, pattern)?.ok_or_else(|| self.absent(name))
    }

    /// A text that may be there.
    pub(crate) fn optional_text(
        &self,
        name: &'static str,
        pattern: Pattern,
    ) -> Result<Option<&'a str>, Refusal> {
        let Some(value) = self.present(name) else { return Ok(None) };
        let text = value.as_str().ok_or_else(|| wrong_type(name, "String"))?;
        if pattern.admits(text) {
            return Ok(Some(text));
        }
        Err(self.misfit(name, text, pattern))
    }

    /// A whole number between these bounds, that may be there.
    pub(crate) fn optional_number(
        &self,
        name: &'static str,
        least: i64,
        greatest: i64,
    ) -> Result<Option<i64>, Refusal> {
        let Some(value) = self.present(name) else { return Ok(None) };
        let parsed = match value {
            Value::String(text) if self.service == Service::Sts => text.parse().ok(),
            other => other.as_i64(),
        };
        let number = parsed.ok_or_else(|| wrong_type(name, "Integer"))?;
        if number < least {
            return Err(self.out_of_bounds(name, number, "greater", least));
        }
        if number > greatest {
            return Err(self.out_of_bounds(name, number, "less", greatest));
        }
        Ok(Some(number))
    }

    /// Bytes that must be there, in base64 as the JSON protocols carry them.
    pub(crate) fn blob(&self, name: &'static str, most: usize) -> Result<Vec<u8>, Refusal> {
        let text = self.text(name, patterns::BASE64)?;
        let bytes = STANDARD.decode(text).map_err(|_| wrong_type(name, "Blob"))?;
        let length = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
        if bytes.len() > most {
            let greatest = i64::try_from(most).unwrap_or(i64::MAX);
            return Err(self.out_of_bounds(name, length, "less", greatest));
        }
        Ok(bytes)
    }

    /// A structure that must be there.
    pub(crate) fn structure(&self, name: &'static str) -> Result<Fields<'a>, Refusal> {
        self.optional_structure(name)?.ok_or_else(|| self.absent(name))
    }

    /// A structure that may be there.
    pub(crate) fn optional_structure(&self, name: &'static str) -> Result<Option<Fields<'a>>, Refusal> {
        let Some(value) = self.present(name) else { return Ok(None) };
        let values = value.as_object().ok_or_else(|| wrong_type(name, "Structure"))?;
        Ok(Some(Fields { values, ..*self }))
    }

    /// A list of structures; absent is empty.
    pub(crate) fn structures(&self, name: &'static str, most: usize) -> Result<Vec<Fields<'a>>, Refusal> {
        let Some(value) = self.present(name) else { return Ok(Vec::new()) };
        let items = value.as_array().ok_or_else(|| wrong_type(name, "List"))?;
        if items.len() > most {
            let greatest = i64::try_from(most).unwrap_or(i64::MAX);
            return Err(self.out_of_bounds(
                name,
                i64::try_from(items.len()).unwrap_or(i64::MAX),
                "less",
                greatest,
            ));
        }
        items
            .iter()
            .map(|item| {
                let values = item.as_object().ok_or_else(|| wrong_type(name, "Structure"))?;
                Ok(Fields { values, ..*self })
            })
            .collect()
    }

    /// How a list is to be paged.
    pub(crate) fn paging(&self) -> Result<Paging<'a>, Refusal> {
        let (pattern, most) = match self.service {
            Service::SsoAdmin => (patterns::TOKEN, 100),
            Service::IdentityStore => (patterns::STORE_TOKEN, 100),
            Service::Organizations | Service::Sts | Service::Kms => (patterns::ANY_TOKEN, 20),
        };
        let size = self.optional_number("MaxResults", 1, most)?.unwrap_or(most);
        let token = self.optional_text("NextToken", pattern)?.filter(|token| !token.is_empty());
        Ok(Paging { size: usize::try_from(size).unwrap_or(usize::MAX), token })
    }

    fn present(&self, name: &str) -> Option<&'a Value> {
        self.values.get(name).filter(|value| !value.is_null())
    }

    fn absent(&self, name: &'static str) -> Refusal {
        let message = match self.service {
            Service::Organizations => "You specified an invalid value.".to_owned(),
            _ => format!(
                "1 validation error detected: Value null at '{}' failed to satisfy constraint: Member must not be null",
                member(name)
            ),
        };
        Refusal::Invalid { message, reason: "INPUT_REQUIRED" }
    }

    fn misfit(&self, name: &'static str, value: &str, pattern: Pattern) -> Refusal {
        if self.service == Service::Organizations {
            return Refusal::invalid("You provided a value that does not match the required pattern.");
        }
        let (least, greatest) = pattern.length;
        let length = value.chars().count();
        let constraint = if length < least {
            format!("Member must have length greater than or equal to {least}")
        } else if length > greatest {
            format!("Member must have length less than or equal to {greatest}")
        } else {
            format!("Member must satisfy regular expression pattern: {}", pattern.text)
        };
        Refusal::invalid(format!(
            "1 validation error detected: Value '{value}' at '{}' failed to satisfy constraint: {constraint}",
            member(name)
        ))
    }

    fn out_of_bounds(&self, name: &'static str, value: i64, side: &str, bound: i64) -> Refusal {
        let reason = if side == "less" { "MAX_VALUE_EXCEEDED" } else { "MIN_VALUE_EXCEEDED" };
        let message = match self.service {
            Service::Organizations => "You specified an invalid value.".to_owned(),
            _ => format!(
                "1 validation error detected: Value '{value}' at '{}' failed to satisfy constraint: Member must have value {side} than or equal to {bound}",
                member(name)
            ),
        };
        Refusal::Invalid { message, reason }
    }
}

/// Where a page begins and how many items it may have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paging<'a> {
    pub(crate) size: usize,
    pub(crate) token: Option<&'a str>,
}

/// AWS's messages name members with a small first letter.
fn member(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

fn wrong_type(name: &str, expected: &str) -> Refusal {
    Refusal::Unreadable { message: format!("{name} can not be converted to a {expected}") }
}
