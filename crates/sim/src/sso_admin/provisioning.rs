//! Where permission sets are provisioned.

use serde_json::{Value, json};

use super::reach;
use crate::{
    call::{Call, listed},
    protocol::patterns,
    refusal::Refusal,
    world::PermissionSet,
};

/// <https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_ListPermissionSetsProvisionedToAccount.html>
pub(super) fn list_permission_sets_provisioned_to_account(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let reached = reach::reach(call)?;
    let account = call.fields.text("AccountId", patterns::ACCOUNT_ID)?;
    reached.check_account(account)?;
    let wanted = wanted(call)?;
    let arns: Vec<Value> = reached
        .instance
        .permission_sets
        .iter()
        .filter(|set| call.state.is_provisioned(reached.instance, set, account))
        .filter(|set| wanted.takes(set, account))
        .map(|set| json!(set.arn))
        .collect();
    Ok(listed("PermissionSets", call.page(arns, Value::to_string, account)?))
}

/// <https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_ListAccountsForProvisionedPermissionSet.html>
pub(super) fn list_accounts_for_provisioned_permission_set(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let reached = reach::reach(call)?;
    let set = reached.permission_set(call)?;
    let wanted = wanted(call)?;
    let ids: Vec<Value> = reached
        .organization
        .accounts
        .iter()
        .filter(|account| call.state.is_provisioned(reached.instance, set, &account.id))
        .filter(|account| wanted.takes(set, &account.id))
        .map(|account| json!(account.id))
        .collect();
    Ok(listed("AccountIds", call.page(ids, Value::to_string, &set.arn)?))
}

/// In which versions provisioned permission sets are asked for: `ProvisioningStatus`.
#[derive(Clone, Copy)]
enum Wanted {
    Any,
    Latest,
    Outdated,
}

impl Wanted {
    fn takes(self, set: &PermissionSet, account: &str) -> bool {
        match self {
            Wanted::Any => true,
            Wanted::Latest => !set.is_outdated_in(account),
            Wanted::Outdated => set.is_outdated_in(account),
        }
    }
}

fn wanted(call: &Call<'_>) -> Result<Wanted, Refusal> {
    let status = call.fields.optional_text("ProvisioningStatus", patterns::PROVISIONING_STATUS)?;
    Ok(match status {
        None => Wanted::Any,
        Some("LATEST_PERMISSION_SET_NOT_PROVISIONED") => Wanted::Outdated,
        Some(_) => Wanted::Latest,
    })
}
