//! The organization itself, its root, and tags.

use serde_json::{Value, json};

use super::view;
use crate::{
    call::{Call, listed},
    protocol::patterns,
    refusal::{Missing, Refusal},
    world::{Organization, Tags},
};

/// <https://docs.aws.amazon.com/organizations/latest/APIReference/API_DescribeOrganization.html>: "You can call this
/// operation from any account in a organization."
pub(super) fn describe_organization(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let organization = view::own_organization(call)?;
    let management = &organization.management_account;
    let email = organization.account(management).map(|account| account.email.as_str());
    Ok(json!({
        "Organization": {
            "Id": organization.id,
            "Arn": format!("arn:aws:organizations::{management}:organization/{}", organization.id),
            "FeatureSet": "ALL",
            "MasterAccountArn": view::account_arn(organization, management),
            "MasterAccountId": management,
            "MasterAccountEmail": email.unwrap_or_default(),
            "AvailablePolicyTypes": [{ "Type": "SERVICE_CONTROL_POLICY", "Status": "ENABLED" }],
        }
    }))
}

/// <https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListRoots.html>
pub(super) fn list_roots(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let organization = view::administered(call)?;
    let enabled = json!([{ "Type": "SERVICE_CONTROL_POLICY", "Status": "ENABLED" }]);
    let root = json!({
        "Id": organization.root_id,
        "Arn": view::arn(organization, "root", &organization.root_id),
        "Name": "Root",
        "PolicyTypes": if organization.policies_enabled { enabled } else { json!([]) },
    });
    Ok(listed("Roots", call.page(vec![root], |root| root["Id"].to_string(), "")?))
}

/// <https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListTagsForResource.html>
pub(super) fn list_tags(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let organization = view::administered(call)?;
    let id = call.fields.text("ResourceId", patterns::TAGGABLE_ID)?;
    let tags = tags_of(organization, id).ok_or_else(|| Refusal::NotFound {
        what: Missing::Target,
        message: "You specified a target that doesn't exist.".to_owned(),
    })?;
    let tags = tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect();
    Ok(listed("Tags", call.page(tags, |tag: &Value| tag["Key"].to_string(), id)?))
}

fn tags_of<'a>(organization: &'a Organization, id: &str) -> Option<&'a Tags> {
    if organization.root_id == id {
        return Some(&organization.root_tags);
    }
    let account = organization.account(id).map(|account| &account.tags);
    account.or_else(|| organization.units.iter().find(|unit| unit.id == id).map(|unit| &unit.tags))
}
