//! The policies that end sessions, as the templates make them.

use crate::SESSION_POLICY_PREFIX;

/// How many there are: of the ten that AWS lets be attached to a root (Organizations user guide, "Quotas"), one is AWS's
/// own, and the customer's have their place beside these.
pub(super) const COUNT: usize = 4;

/// What is said of each.
pub(super) const DESCRIPTION: &str = "Denies sessions whose access has ended. Curfew writes its content.";

/// The name of one, counted from 1.
pub(super) fn name(number: usize) -> String {
    format!("{SESSION_POLICY_PREFIX}{number}")
}
