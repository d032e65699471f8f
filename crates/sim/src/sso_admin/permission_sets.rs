//! Permission sets: what they are called and what they hold.

use serde_json::{Value, json};

use super::{instances::BEGINNING, reach};
use crate::{
    call::{Call, compact, listed},
    protocol::{epoch_seconds, patterns},
    refusal::{Missing, Refusal},
    world::Tags,
};

/// <https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_ListPermissionSets.html>
pub(super) fn list_permission_sets(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let reached = reach::reach(call)?;
    let arns: Vec<Value> = reached.instance.permission_sets.iter().map(|set| json!(set.arn)).collect();
    Ok(listed("PermissionSets", call.page(arns, Value::to_string, &reached.instance.arn)?))
}

/// <https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_DescribePermissionSet.html>
pub(super) fn describe_permission_set(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let set = reach::reach(call)?.permission_set(call)?;
    let shown = compact(json!({
        "Name": set.name,
        "PermissionSetArn": set.arn,
        "Description": set.description,
        "CreatedDate": epoch_seconds(BEGINNING),
        "SessionDuration": set.session_duration,
        "RelayState": set.relay_state,
    }));
    Ok(json!({ "PermissionSet": shown }))
}

/// <https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_ListManagedPoliciesInPermissionSet.html>
pub(super) fn list_managed_policies(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let set = reach::reach(call)?.permission_set(call)?;
    let named = |arn: &String| json!({ "Name": arn.rsplit('/').next(), "Arn": arn });
    let policies: Vec<Value> = set.managed_policies.iter().map(named).collect();
    Ok(listed("AttachedManagedPolicies", call.page(policies, Value::to_string, &set.arn)?))
}

/// <https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_ListCustomerManagedPolicyReferencesInPermissionSet.html>
pub(super) fn list_customer_policies(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let set = reach::reach(call)?.permission_set(call)?;
    let policies = set.customer_policies.iter().map(|p| json!({ "Name": p.name, "Path": "/" })).collect();
    Ok(listed("CustomerManagedPolicyReferences", call.page(policies, Value::to_string, &set.arn)?))
}

/// <https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_GetInlinePolicyForPermissionSet.html>
pub(super) fn get_inline_policy(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let set = reach::reach(call)?.permission_set(call)?;
    Ok(compact(json!({ "InlinePolicy": set.inline_policy })))
}

/// <https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_ListTagsForResource.html>
pub(super) fn list_tags(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let reached = reach::reach(call)?;
    let arn = call.fields.text("ResourceArn", patterns::TAGGABLE_ARN)?;
    let none = Tags::new();
    let tags = match reached.instance.permission_set(arn) {
        Some(set) => &set.tags,
        None if arn == reached.instance.arn => &none,
        None => {
            let message = format!("Resource not found for ARN {arn}");
            return Err(Refusal::NotFound { what: Missing::Resource, message });
        }
    };
    let tags = tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect();
    Ok(listed("Tags", call.page(tags, |tag: &Value| tag["Key"].to_string(), arn)?))
}
