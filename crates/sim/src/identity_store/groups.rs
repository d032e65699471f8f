//! Groups and who is in them.

use serde_json::{Value, json};

use super::store::{bare, resource_arn, store};
use crate::{
    call::{Call, compact, listed},
    protocol::{fields::Fields, patterns},
    refusal::{Missing, Refusal},
    world::{Group, Instance, membership_id},
};

/// <https://docs.aws.amazon.com/singlesignon/latest/IdentityStoreAPIReference/API_ListGroups.html>: one filter at
/// most, on `DisplayName` (deprecated).
pub(super) fn list_groups(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let instance = store(call)?;
    let filters = call.fields.structures("Filters", 1)?;
    let wanted = filters.first().map(display_name_filter).transpose()?;
    let groups: Vec<Value> = instance
        .groups
        .iter()
        .filter(|group| wanted.is_none_or(|wanted| group.name.eq_ignore_ascii_case(wanted)))
        .map(|group| shown(instance, group))
        .collect();
    let of = format!("{}:{}", instance.identity_store_id, wanted.unwrap_or_default());
    Ok(listed("Groups", call.page(groups, |group| group["GroupId"].to_string(), &of)?))
}

/// <https://docs.aws.amazon.com/singlesignon/latest/IdentityStoreAPIReference/API_DescribeGroup.html>
pub(super) fn describe_group(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let instance = store(call)?;
    Ok(shown(instance, named(call, instance)?))
}

/// <https://docs.aws.amazon.com/singlesignon/latest/IdentityStoreAPIReference/API_ListGroupMemberships.html>
pub(super) fn list_group_memberships(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let instance = store(call)?;
    let group = named(call, instance)?;
    let memberships: Vec<Value> = group
        .members
        .iter()
        .map(|member| {
            let id = membership_id(&instance.identity_store_id, &group.id, member);
            json!({
                "IdentityStoreId": instance.identity_store_id,
                "MembershipArn": resource_arn("membership", &id),
                "MembershipId": id,
                "GroupId": group.id,
                "MemberId": { "UserId": member },
            })
        })
        .collect();
    Ok(listed("GroupMemberships", call.page(memberships, |m| m["MembershipId"].to_string(), &group.id)?))
}

fn named<'a>(call: &Call<'_>, instance: &'a Instance) -> Result<&'a Group, Refusal> {
    let id = bare(call.fields.text("GroupId", patterns::RESOURCE_ID)?);
    instance
        .group(id)
        .ok_or_else(|| Refusal::NotFound { what: Missing::Group, message: "GROUP not found.".to_owned() })
}

fn display_name_filter<'a>(filter: &Fields<'a>) -> Result<&'a str, Refusal> {
    let path = filter.text("AttributePath", patterns::TEXT)?;
    if path != "DisplayName" {
        return Err(Refusal::invalid(format!("Unsupported filter attribute path: {path}")));
    }
    filter.text("AttributeValue", patterns::TEXT)
}

fn shown(instance: &Instance, group: &Group) -> Value {
    compact(json!({
        "IdentityStoreId": instance.identity_store_id,
        "GroupId": group.id,
        "GroupArn": resource_arn("group", &group.id),
        "Revision": "1",
        "DisplayName": group.name,
        "Description": group.description,
    }))
}
