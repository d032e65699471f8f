//! What AWS saw.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use curfew_sim::{CallOutcome, CallRecord, SimControl};
use serde_json::Value;

/// Which assignment a call is about: account, permission set, principal.
pub(super) type Key = (String, String, String);

/// The same of a creation or deletion.
pub(super) fn key(call: &CallRecord) -> Key {
    let text =
        |field: &str| call.parameters.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
    (text("TargetId"), text("PermissionSetArn"), text("PrincipalId"))
}

/// When each assignment was first asked for by `operation`, whether or not AWS turned it away, in microseconds.
pub(super) fn first_asked(aws: &SimControl, operation: &str) -> BTreeMap<Key, i64> {
    let mut first = BTreeMap::new();
    for call in aws.calls_of(operation) {
        first.entry(key(&call)).or_insert(call.at.as_microsecond());
    }
    first
}

/// Whether AWS turned a call away as one too many.
pub(super) fn is_turned_away(call: &CallRecord) -> bool {
    matches!(&call.outcome, Some(CallOutcome::Refused(code)) if code == "ThrottlingException")
}

/// Waits until AWS has answered so many calls of an operation. Counts are cheap to ask for; the log is not.
///
/// # Panics
/// When it has not by then.
pub(super) async fn answered(aws: &SimControl, operation: &str, times: usize, within: Duration) {
    until(&format!("{times} {operation}"), within, || count(aws, operation) >= times).await;
}

/// Waits until it holds.
///
/// # Panics
/// When it does not within that time.
pub(super) async fn until(what: &str, within: Duration, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < within, "waited {within:?} in vain for: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// How many calls of an operation of SSO Admin's AWS has answered.
pub(super) fn count(aws: &SimControl, operation: &str) -> usize {
    let counts = aws.counts();
    let answered = counts.get(&format!("sso:{operation}")).and_then(|outcomes| outcomes.get("Answered"));
    answered.copied().map_or(0, |count| usize::try_from(count).expect("it fits"))
}

/// How many calls there were of each operation, whatever came of them: "`DeleteAccountAssignment` 20, …".
pub(super) fn told(aws: &SimControl) -> String {
    let counts = aws.counts();
    let each = counts.iter().map(|(operation, outcomes)| {
        let name = operation.split(':').next_back().unwrap_or_default();
        format!("{name} {}", outcomes.values().sum::<u64>())
    });
    each.collect::<Vec<_>>().join(", ")
}
