//! A decision as it is kept, and as it is logged.

use curfew_domain::audit::{AuditAction, NewEntry, content_hash};
use curfew_domain::{Actor, DecisionId, Entropy, RequestId, Timestamp};
use curfew_policy::{AccessQuestion, Decision, Outcome};
use curfew_store::{DecisionRecord, WriteUnit};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{App, AppError};

use super::Asked;
use super::facts::Facts;

/// What of a question is told of the person or in their words, by name: kept apart, so that it can be erased.
const PERSONAL: [(&str, &str); 5] = [
    ("email", "/person/email"),
    ("name", "/person/name"),
    ("reason", "/reason"),
    ("source_ip", "/source_ip"),
    ("ticket", "/ticket"),
];

/// Keeps a decision (what decided, in which version, what it was told, and how each group answered). To be logged: the
/// entry with the hash that proves what is kept.
pub(super) async fn keep(
    app: &App,
    unit: &WriteUnit,
    request: RequestId,
    asked: &Asked,
    facts: &Facts,
    decision: &Decision,
    now: Timestamp,
) -> Result<NewEntry, AppError> {
    let record = record(app, request, asked, facts, decision, now)?;
    unit.insert_decision(&record).await?;
    Ok(NewEntry::new(Actor::System, AuditAction::RequestEvaluated, "request", request)
        .with("decision_id", record.id.to_string())
        .with("content", record.content().map_err(AppError::internal)?)
        .with("outcome", record.outcome)
        .with("policies", record.rules)
        .with("faults", decision.faults.len()))
}

fn record(
    app: &App,
    request: RequestId,
    asked: &Asked,
    facts: &Facts,
    decision: &Decision,
    now: Timestamp,
) -> Result<DecisionRecord, AppError> {
    let question = facts.question(asked, now);
    let (mut context, personal) = told(&question, app.entropy.as_ref()).map_err(AppError::internal)?;
    context.insert("facts_seen_at".to_owned(), json!(facts.normalised.seen_at));
    context.insert("personal".to_owned(), content_hash(&personal).map_err(AppError::internal)?.into());
    let json = |value: Result<Value, serde_json::Error>| value.map_err(AppError::internal);
    Ok(DecisionRecord {
        id: DecisionId::new(now, app.entropy.as_ref()),
        request,
        outcome: outcome(&decision.outcome).to_owned(),
        policies: decision.determining.iter().map(|determining| determining.policy).collect(),
        rules: json(serde_json::to_value(&decision.determining))?,
        notices: decision.notices.clone(),
        context: Value::Object(context),
        personal: Some(Value::Object(personal)),
        trace: json!({
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

/// What a kept decision came to.
pub(super) fn outcome_of(decision: &DecisionRecord) -> Option<Outcome> {
    decision.trace.get("outcome").and_then(|outcome| Outcome::deserialize(outcome).ok())
}

type Told = (Map<String, Value>, Map<String, Value>);

/// The question, and apart from it what is personal, with a salt: its hash stays when it is erased, and must not
/// tell it.
fn told(question: &AccessQuestion, entropy: &dyn Entropy) -> Result<Told, serde_json::Error> {
    let mut salt = [0_u8; 16];
    entropy.fill(&mut salt);
    let mut personal = Map::from_iter([("salt".to_owned(), json!(salt))]);
    let mut context = serde_json::to_value(question)?;
    for (name, place) in PERSONAL {
        let told = context.pointer_mut(place).map(Value::take);
        personal.insert(name.to_owned(), told.unwrap_or_default());
    }
    Ok((serde_json::from_value(context)?, personal))
}

/// What policies were told when they decided so, to ask it again. None once what was personal of it is erased.
pub fn question_of(decision: &DecisionRecord) -> Option<AccessQuestion> {
    question_told(decision.context.clone(), decision.personal.clone()?)
}

/// The question that was told in these two parts. None where they are no question, or not one that is asked today.
pub(crate) fn question_told(context: Value, personal: Value) -> Option<AccessQuestion> {
    let (mut context, mut personal) = (context, personal);
    for (name, place) in PERSONAL {
        *context.pointer_mut(place)? = personal.get_mut(name)?.take();
    }
    serde_json::from_value(context).ok()
}

/// The accounts that a kept decision was about.
pub(super) fn accounts(record: &DecisionRecord) -> Vec<String> {
    let targets = record.context.get("targets").and_then(Value::as_array);
    let account = |target: &Value| target.pointer("/account/id").and_then(Value::as_str).map(str::to_owned);
    targets.into_iter().flatten().filter_map(account).collect()
}
