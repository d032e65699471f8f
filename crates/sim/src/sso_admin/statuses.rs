//! How far creations and deletions are.
//!
//! <https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_AccountAssignmentOperationStatus.html>; the
//! lists hold status, request id and date alone
//! (<https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_AccountAssignmentOperationStatusMetadata.html>).

use serde_json::{Value, json};

use super::reach;
use crate::{
    call::{Call, compact, listed},
    protocol::{epoch_seconds, patterns},
    refusal::{Missing, Refusal},
    state::{Change, ChangeKind, ChangeStatus},
};

pub(super) fn describe_creation(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let status = described(call, ChangeKind::Creation, "AccountAssignmentCreationRequestId")?;
    Ok(json!({ "AccountAssignmentCreationStatus": status }))
}

pub(super) fn describe_deletion(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let status = described(call, ChangeKind::Deletion, "AccountAssignmentDeletionRequestId")?;
    Ok(json!({ "AccountAssignmentDeletionStatus": status }))
}

pub(super) fn list_creations(call: &mut Call<'_>) -> Result<Value, Refusal> {
    list(call, ChangeKind::Creation, "AccountAssignmentsCreationStatus")
}

pub(super) fn list_deletions(call: &mut Call<'_>) -> Result<Value, Refusal> {
    list(call, ChangeKind::Deletion, "AccountAssignmentsDeletionStatus")
}

/// A change with all that is known of it.
pub(super) fn shown(change: &Change) -> Value {
    let reason = match &change.status {
        ChangeStatus::Failed(reason) => Some(reason),
        ChangeStatus::InProgress | ChangeStatus::Succeeded => None,
    };
    compact(json!({
        "Status": change.status.as_str(),
        "RequestId": change.id,
        "FailureReason": reason,
        "TargetId": change.assignment.account,
        "TargetType": "AWS_ACCOUNT",
        "PermissionSetArn": change.assignment.permission_set,
        "PrincipalType": change.assignment.principal_type.as_str(),
        "PrincipalId": change.assignment.principal_id,
        "CreatedDate": epoch_seconds(change.created_at),
    }))
}

fn described(call: &Call<'_>, kind: ChangeKind, member: &'static str) -> Result<Value, Refusal> {
    let reached = reach::reach(call)?;
    let id = call.fields.text(member, patterns::REQUEST_ID)?;
    let change = call.state.changes.find(kind, &reached.instance.arn, id).ok_or_else(|| {
        Refusal::NotFound { what: Missing::Resource, message: format!("Request not found for id {id}") }
    })?;
    Ok(shown(change))
}

fn list(call: &Call<'_>, kind: ChangeKind, member: &str) -> Result<Value, Refusal> {
    let reached = reach::reach(call)?;
    let filter = match call.fields.optional_structure("Filter")? {
        Some(filter) => filter.optional_text("Status", patterns::CHANGE_STATUS)?,
        None => None,
    };
    let statuses: Vec<Value> = call
        .state
        .changes
        .of_instance(kind, &reached.instance.arn)
        .filter(|change| filter.is_none_or(|wanted| change.status.as_str() == wanted))
        .map(|change| {
            json!({
                "Status": change.status.as_str(),
                "RequestId": change.id,
                "CreatedDate": epoch_seconds(change.created_at),
            })
        })
        .collect();
    let of = format!("{}:{}", reached.instance.arn, filter.unwrap_or_default());
    Ok(listed(member, call.page(statuses, |status| status["RequestId"].to_string(), &of)?))
}
