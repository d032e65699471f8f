//! Where permission sets are provisioned.

use serde_json::{Value, json};

use super::reach;
use crate::{
    call::{Call, listed},
    protocol::patterns,
    refusal::Refusal,
};

/// <https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_ListPermissionSetsProvisionedToAccount.html>
pub(super) fn list_permission_sets_provisioned_to_account(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let reached = reach::reach(call)?;
    let account = call.fields.text("AccountId", patterns::ACCOUNT_ID)?;
    reached.check_account(account)?;
    let outdated = outdated_only(call)?;
    let arns: Vec<Value> = reached
        .instance
        .permission_sets
        .iter()
        .filter(|set| !outdated && call.state.is_provisioned(reached.instance, set, account))
        .map(|set| json!(set.arn))
        .collect();
    Ok(listed("PermissionSets", call.page(arns, Value::to_string, account)?))
}

/// <https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_ListAccountsForProvisionedPermissionSet.html>
pub(super) fn list_accounts_for_provisioned_permission_set(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let reached = reach::reach(call)?;
    let set = reached.permission_set(call)?;
    let outdated = outdated_only(call)?;
    let ids: Vec<Value> = reached
        .organization
        .accounts
        .iter()
        .filter(|account| !outdated && call.state.is_provisioned(reached.instance, set, &account.id))
        .map(|account| json!(account.id))
        .collect();
    Ok(listed("AccountIds", call.page(ids, Value::to_string, &set.arn)?))
}

/// Here a provisioned permission set is always the latest: asking for outdated ones finds none.
fn outdated_only(call: &Call<'_>) -> Result<bool, Refusal> {
    let status = call.fields.optional_text("ProvisioningStatus", patterns::PROVISIONING_STATUS)?;
    Ok(status == Some("LATEST_PERMISSION_SET_NOT_PROVISIONED"))
}
