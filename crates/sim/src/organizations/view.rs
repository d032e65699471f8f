//! The organization as the caller may see it, and how its parts are shown.

use serde_json::{Value, json};

use crate::{
    call::{Call, compact},
    protocol::epoch_seconds,
    refusal::{Missing, Refusal},
    sso_admin::BEGINNING,
    world::{Account, Organization},
};

/// The caller's organization, whoever in it calls.
pub(super) fn own_organization<'a>(call: &'a Call<'_>) -> Result<&'a Organization, Refusal> {
    call.authorize("*")?;
    call.state.world.organization_of(&call.caller.account).ok_or(Refusal::NotInOrganization)
}

/// The caller's organization: "You can only call this operation from the management account or a member account that
/// is a delegated administrator."
pub(super) fn administered<'a>(call: &'a Call<'_>) -> Result<&'a Organization, Refusal> {
    let organization = own_organization(call)?;
    if organization.is_administered_by(&call.caller.account) {
        return Ok(organization);
    }
    Err(not_permitted())
}

/// The caller's organization, to read its policies: who administers it may, and who may change them.
pub(super) fn policies_shown<'a>(call: &'a Call<'_>) -> Result<&'a Organization, Refusal> {
    let organization = own_organization(call)?;
    let account = &call.caller.account;
    if organization.is_administered_by(account) || organization.lets_change_policies(account) {
        return Ok(organization);
    }
    Err(not_permitted())
}

/// The caller's organization, to change its policies: that is the management account's, or whose the organization's
/// delegation policy says. <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_delegate_policies.html>
pub(super) fn policies_changed<'a>(call: &'a Call<'_>) -> Result<&'a Organization, Refusal> {
    let organization = own_organization(call)?;
    if organization.lets_change_policies(&call.caller.account) {
        return Ok(organization);
    }
    Err(not_permitted())
}

fn not_permitted() -> Refusal {
    Refusal::AccessDenied {
        message: "You don't have permissions to access this resource.".to_owned(),
        kms: false,
    }
}

/// Refuses a parent that isn't the organization's.
pub(super) fn check_parent(organization: &Organization, id: &str) -> Result<(), Refusal> {
    if organization.root_id == id || organization.units.iter().any(|unit| unit.id == id) {
        return Ok(());
    }
    let message = "You specified parent that doesn't exist.".to_owned();
    Err(Refusal::NotFound { what: Missing::Parent, message })
}

/// An account as `ListAccounts` and `DescribeAccount` show it.
pub(super) fn account(call: &Call<'_>, organization: &Organization, account: &Account) -> Value {
    let observed = call.state.world.behaviour.observed;
    compact(json!({
        "Id": account.id,
        "Arn": account_arn(organization, &account.id),
        "Email": account.email,
        "Name": account.name,
        "Status": observed.accounts_have_status.then(|| account.state.as_status()),
        "State": observed.accounts_have_state.then(|| account.state.as_state()),
        "Paths": [format!("{}{}/", organization.path_to(&account.parent), account.id)],
        "JoinedMethod": if account.id == organization.management_account { "INVITED" } else { "CREATED" },
        "JoinedTimestamp": epoch_seconds(BEGINNING),
    }))
}

/// The ARN of an account.
pub(super) fn account_arn(organization: &Organization, account: &str) -> String {
    arn(organization, "account", account)
}

/// The ARN of a part of an organization.
pub(super) fn arn(organization: &Organization, kind: &str, id: &str) -> String {
    format!("arn:aws:organizations::{}:{kind}/{}/{id}", organization.management_account, organization.id)
}
