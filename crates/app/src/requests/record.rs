//! A decision as it is kept.

use curfew_domain::{DecisionId, RequestId, Timestamp};
use curfew_policy::{Decision, Outcome};
use curfew_store::DecisionRecord;
use serde_json::{Value, json};

use crate::{App, AppError};

use super::Asked;
use super::facts::Facts;

/// What is kept of a decision: what decided, in which version, what it was told, and how each group answered.
pub(super) fn record(
    app: &App,
    request: RequestId,
    asked: &Asked,
    facts: &Facts,
    decision: &Decision,
    now: Timestamp,
) -> Result<DecisionRecord, AppError> {
    let json = |value: Result<Value, serde_json::Error>| value.map_err(AppError::internal);
    Ok(DecisionRecord {
        id: DecisionId::new(now, app.entropy.as_ref()),
        request,
        outcome: outcome(&decision.outcome).to_owned(),
        policies: decision.determining.iter().map(|determining| determining.policy).collect(),
        rules: json(serde_json::to_value(&decision.determining))?,
        notices: decision.notices.clone(),
        context: context(asked, facts, now),
        trace: json! ({
            "outcome": json(serde_json::to_value(&decision.outcome))?,
            "points": json(serde_json::to_value(&decision.trace))?,
            "faults": json(serde_json::to_value(&decision.faults))?,
        }),
        created_at: now,
    })
}

/// A decision's outcome in a word.
pub(super) const fn outcome(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Approved { .. } => "approved",
        Outcome::NeedsApproval { .. } => "needs_approval",
        Outcome::Denied { .. } => "denied",
    }
}

/// What policies were told. The reason stays with the request, where it can be erased.
fn context(asked: &Asked, facts: &Facts, now: Timestamp) -> Value {
    let normalised = &facts.normalised;
    let accounts: Vec<&str> = normalised.targets.iter().map(|target| target.account.id.as_str()).collect();
    json!({
        "principal": facts.requester.id,
        "roles": facts.requester.roles,
        "action": asked.action,
        "resource": asked.resource,
        "accounts": accounts,
        "permission_set": normalised.permission_set,
        "duration_seconds": asked.duration,
        "break_glass": asked.break_glass,
        "requested_at": now,
        "source_ip": asked.source_ip,
        "ticket": asked.ticket,
        "facts_are_fresh": facts.are_fresh(now),
        "facts_seen_at": normalised.seen_at,
    })
}

/// The accounts that a kept decision was about.
pub(super) fn accounts(record: &DecisionRecord) -> Vec<String> {
    let listed = record.context.get("accounts").and_then(Value::as_array);
    listed.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}
