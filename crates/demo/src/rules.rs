//! Acme's rules.

use serde_json::{Value, json};

/// The account for experiments.
pub(crate) const DEV: &str = "100000000005";
/// The account with the payments.
pub(crate) const PAYMENTS: &str = "100000000003";

/// Reading in development is approved at once, writing there by a second person, and payments are closed.
pub(crate) fn policies() -> [Value; 3] {
    [
        json!({
            "name": "Read in development",
            "approval_mode": "auto",
            "max_duration_seconds": 3600,
            "cedar_policy_set":
                format!("permit (principal, action == Action::\"read\",\n  resource == AwsAccount::\"{DEV}\");"),
        }),
        json!({
            "name": "Write in development",
            "approval_mode": "require",
            "max_duration_seconds": 3600,
            "cedar_policy_set":
                format!("permit (principal, action == Action::\"write\",\n  resource == AwsAccount::\"{DEV}\");"),
        }),
        json!({
            "name": "Payments are closed",
            "priority": 100,
            "max_duration_seconds": 3600,
            "cedar_policy_set": format!(
                "@notice(\"Payments are closed this week: ask in #payments.\")\n\
                 forbid (principal, action,\n  resource == AwsAccount::\"{PAYMENTS}\");"),
        }),
    ]
}
