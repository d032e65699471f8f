//! Taking an answer apart: what must be in it, and in the form that the model gives.

use std::fmt::Display;
use std::str::FromStr;

use crate::AwsError;
use crate::directory::{Listed, PageToken};

/// A member that every such answer has.
pub(super) fn required<T>(operation: &'static str, name: &str, member: Option<T>) -> Result<T, AwsError> {
    member.ok_or_else(|| AwsError::garbage(operation, format_args!("{name} is missing")))
}

/// A member in the form that Curfew knows it by.
pub(super) fn parsed<T>(operation: &'static str, name: &str, text: &str) -> Result<T, AwsError>
where
    T: FromStr,
    T::Err: Display,
{
    text.parse().map_err(|problem| AwsError::garbage(operation, format_args!("{name}: {problem}")))
}

/// A page; AWS writes "no more" as no token, and some stand-ins as an empty one.
pub(super) fn listed<T>(items: Vec<T>, next: Option<String>) -> Listed<T> {
    Listed { items, next: next.filter(|token| !token.is_empty()).map(PageToken) }
}
