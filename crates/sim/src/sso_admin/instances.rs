//! Instances: where they are and in what state.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::reach::{self, Reached};
use crate::{
    call::{Call, compact, listed},
    protocol::{epoch_seconds, page::Page, patterns},
    refusal::Refusal,
    world::{Instance, Organization},
};

/// When everything in the stand-in's world was made: 2024-01-01.
pub(crate) const BEGINNING: Timestamp = Timestamp::constant(1_704_067_200, 0);

/// <https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_ListInstances.html>: "the organization and account
/// instances … that were created in or visible to the account calling this API".
pub(super) fn list_instances(call: &mut Call<'_>) -> Result<Value, Refusal> {
    call.authorize("*")?;
    let scope = call.fields.optional_text("RegionScope", patterns::REGION_SCOPE)?;
    let everywhere = scope == Some("ALL_REGIONS");
    let Some(organization) = call.state.world.organization_of(&call.caller.account) else {
        return Ok(listed("Instances", Page { items: Vec::new(), next: None }));
    };
    let account = call.caller.account.as_str();
    let visible: Vec<Value> = organization
        .instances
        .iter()
        .filter(|instance| is_visible(organization, instance, account))
        .filter(|instance| everywhere || instance.is_in(call.region))
        .map(metadata)
        .collect();
    Ok(listed(
        "Instances",
        call.page(visible, |item| item["InstanceArn"].to_string(), scope.unwrap_or_default())?,
    ))
}

/// <https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_DescribeInstance.html>
pub(super) fn describe_instance(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let Reached { instance, .. } = reach::visible(call)?;
    let mut answer = metadata(instance);
    answer["EncryptionConfigurationDetails"] = compact(json!({
        "KeyType": if instance.customer_managed_key.is_some() { "CUSTOMER_MANAGED_KEY" } else { "AWS_OWNED_KMS_KEY" },
        "KmsKeyArn": instance.customer_managed_key,
        "EncryptionStatus": "ENABLED",
    }));
    answer["PermissionSetsEnabled"] = json!(instance.primary_region == call.region);
    Ok(answer)
}

/// An organization's own instance is seen by its members, an account instance by its owner alone.
fn is_visible(organization: &Organization, instance: &Instance, account: &str) -> bool {
    instance.owner_account == organization.management_account || instance.owner_account == account
}

fn metadata(instance: &Instance) -> Value {
    let mut regions = vec![region(&instance.primary_region, true)];
    regions.extend(instance.additional_regions.iter().map(|name| region(name, false)));
    compact(json!({
        "InstanceArn": instance.arn,
        "IdentityStoreId": instance.identity_store_id,
        "IdentityStoreArn": instance.identity_store_arn(),
        "OwnerAccountId": instance.owner_account,
        "Name": instance.name,
        "CreatedDate": epoch_seconds(BEGINNING),
        "Status": instance.status.as_str(),
        "PrimaryRegion": instance.tells_primary_region.then_some(&instance.primary_region),
        "Regions": instance.tells_primary_region.then_some(regions),
    }))
}

fn region(name: &str, primary: bool) -> Value {
    json!({
        "RegionName": name,
        "Status": "ACTIVE",
        "AddedDate": epoch_seconds(BEGINNING),
        "IsPrimaryRegion": primary,
    })
}
