//! Accounts.

use serde_json::{Value, json};

use super::view;
use crate::{
    call::{Call, listed},
    protocol::patterns,
    refusal::{Missing, Refusal},
};

/// <https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListAccounts.html>
pub(super) fn list_accounts(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let organization = view::administered(call)?;
    let accounts = organization.accounts.iter().map(|a| view::account(call, organization, a)).collect();
    Ok(listed("Accounts", call.page(accounts, by_id, "")?))
}

/// <https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListAccountsForParent.html>
pub(super) fn list_accounts_for_parent(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let organization = view::administered(call)?;
    let parent = call.fields.text("ParentId", patterns::PARENT_ID)?;
    view::check_parent(organization, parent)?;
    let accounts = organization
        .accounts
        .iter()
        .filter(|account| account.parent == parent)
        .map(|account| view::account(call, organization, account))
        .collect();
    Ok(listed("Accounts", call.page(accounts, by_id, parent)?))
}

/// <https://docs.aws.amazon.com/organizations/latest/APIReference/API_DescribeAccount.html>
pub(super) fn describe_account(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let organization = view::administered(call)?;
    let id = call.fields.text("AccountId", patterns::ACCOUNT_ID)?;
    let account = organization.account(id).ok_or_else(|| Refusal::NotFound {
        what: Missing::Account,
        message: "You specified an account that doesn't exist.".to_owned(),
    })?;
    Ok(json!({ "Account": view::account(call, organization, account) }))
}

fn by_id(account: &Value) -> String {
    account["Id"].to_string()
}
