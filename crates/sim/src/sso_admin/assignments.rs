//! Who is assigned.

use serde_json::{Value, json};

use super::reach;
use crate::{
    call::{Call, listed},
    protocol::patterns,
    refusal::Refusal,
    state::Place,
};

/// <https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_ListAccountAssignments.html>: direct assignees,
/// users and groups. The list may lag behind the truth (*observed*; `Behaviour::list_lag_ms`).
pub(super) fn list_account_assignments(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let reached = reach::reach(call)?;
    let set = reached.permission_set(call)?;
    let account = call.fields.text("AccountId", patterns::ACCOUNT_ID)?;
    reached.check_account(account)?;
    let place = Place {
        instance: reached.instance.arn.clone(),
        account: account.to_owned(),
        permission_set: set.arn.clone(),
    };
    let listed_at = call.state.listed_instant(call.now);
    let assignments: Vec<Value> = call
        .state
        .book
        .listed(&place, listed_at)
        .into_iter()
        .map(|(principal_type, principal_id)| {
            json!({
                "AccountId": account,
                "PermissionSetArn": set.arn,
                "PrincipalType": principal_type.as_str(),
                "PrincipalId": principal_id,
            })
        })
        .collect();
    let of = format!("{account}:{}", set.arn);
    Ok(listed("AccountAssignments", call.page(assignments, |a| a["PrincipalId"].to_string(), &of)?))
}
