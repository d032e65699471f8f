//! Service control policies: listed, read and changed. What has no operation here is set by the world.

use serde_json::{Value, json};

use super::view;
use crate::{
    call::{Call, listed},
    protocol::patterns,
    refusal::{Missing, PolicyRefusal, Refusal},
    scp::{Document, MOST_CHARACTERS},
    world::{Organization, ServiceControlPolicy},
};

/// The type's name, which in ARNs is written small.
const TYPE: &str = "SERVICE_CONTROL_POLICY";

/// AWS's own, which is attached everywhere as long as service control policies are enabled.
const FULL_ACCESS: &str = "p-FullAWSAccess";

/// <https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListPolicies.html>
pub(super) fn list_policies(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let organization = view::policies_shown(call)?;
    let filter = call.fields.text("Filter", patterns::POLICY_TYPE)?;
    let mut policies = Vec::new();
    if filter == TYPE {
        policies.push(full_access_summary());
        policies.extend(organization.policies.iter().map(|policy| summary(organization, policy)));
    }
    Ok(listed("Policies", call.page(policies, |policy| policy["Id"].to_string(), filter)?))
}

/// <https://docs.aws.amazon.com/organizations/latest/APIReference/API_DescribePolicy.html>
pub(super) fn describe_policy(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let organization = view::policies_shown(call)?;
    let id = call.fields.text("PolicyId", patterns::POLICY_ID)?;
    if id == FULL_ACCESS {
        let content =
            r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
        return Ok(json!({ "Policy": { "PolicySummary": full_access_summary(), "Content": content } }));
    }
    let policy = find(organization, id)?;
    Ok(json!({ "Policy": shown(organization, policy) }))
}

/// <https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListTargetsForPolicy.html>
pub(super) fn list_targets(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let organization = view::policies_shown(call)?;
    let id = call.fields.text("PolicyId", patterns::POLICY_ID)?;
    let attached = |target: &str| match id {
        FULL_ACCESS => Ok(organization.policies_enabled),
        _ => find(organization, id)
            .map(|policy| organization.policies_enabled && policy.targets.iter().any(|own| own == target)),
    };
    let mut targets = Vec::new();
    for (target, name, kind) in everything(organization) {
        if attached(target)? {
            targets.push(target_shown(organization, target, name, kind));
        }
    }
    Ok(listed("Targets", call.page(targets, |target| target["TargetId"].to_string(), id)?))
}

/// <https://docs.aws.amazon.com/organizations/latest/APIReference/API_UpdatePolicy.html>
pub(super) fn update_policy(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let organization = view::policies_changed(call)?;
    let changed = changed(call, organization)?;
    let answer = json!({ "Policy": shown(organization, &changed) });
    let now = call.now;
    if let Some(policy) = call.state.world.policy_mut(&changed.id) {
        let before = std::mem::replace(policy, changed);
        call.state.policies_before.replaced(before.id, before.content, now);
    }
    Ok(answer)
}

/// The policy as the call wants it: "if you don't supply any parameter, that value remains unchanged".
fn changed(call: &Call<'_>, organization: &Organization) -> Result<ServiceControlPolicy, Refusal> {
    let id = call.fields.text("PolicyId", patterns::POLICY_ID)?;
    if id == FULL_ACCESS {
        let message = "You can't modify a policy that AWS manages.".to_owned();
        return Err(Refusal::Invalid { message, reason: "IMMUTABLE_POLICY" });
    }
    let mut policy = find(organization, id)?.clone();
    if let Some(name) = call.fields.optional_text("Name", patterns::POLICY_NAME)? {
        let taken = organization.policies.iter().any(|other| other.id != id && other.name == name);
        if taken {
            return Err(refused(PolicyRefusal::Duplicate, "A policy with the same name already exists."));
        }
        name.clone_into(&mut policy.name);
    }
    if let Some(description) = call.fields.optional_text("Description", patterns::POLICY_DESCRIPTION)? {
        description.clone_into(&mut policy.description);
    }
    if let Some(content) = call.fields.optional_text("Content", patterns::POLICY_CONTENT)? {
        check_content(content)?;
        content.clone_into(&mut policy.content);
    }
    Ok(policy)
}

fn check_content(content: &str) -> Result<(), Refusal> {
    if content.chars().count() > MOST_CHARACTERS {
        return Err(refused(
            PolicyRefusal::TooLong,
            "You have exceeded the maximum policy content size for this type.",
        ));
    }
    match Document::parse(content) {
        Ok(_) => Ok(()),
        Err(_) => Err(refused(
            PolicyRefusal::Malformed,
            "The provided policy document does not meet the requirements of the specified policy type.",
        )),
    }
}

fn refused(why: PolicyRefusal, message: &str) -> Refusal {
    Refusal::Policy { why, message: message.to_owned() }
}

fn find<'a>(organization: &'a Organization, id: &str) -> Result<&'a ServiceControlPolicy, Refusal> {
    organization.policies.iter().find(|policy| policy.id == id).ok_or_else(|| Refusal::NotFound {
        what: Missing::Policy,
        message: "We can't find a policy with the PolicyId that you specified.".to_owned(),
    })
}

/// Whatever a policy can be attached to: id, name and type.
fn everything(organization: &Organization) -> impl Iterator<Item = (&str, &str, &'static str)> {
    let root = std::iter::once((organization.root_id.as_str(), "Root", "ROOT"));
    let units = organization.units.iter().map(|u| (u.id.as_str(), u.name.as_str(), "ORGANIZATIONAL_UNIT"));
    let accounts = organization.accounts.iter().map(|a| (a.id.as_str(), a.name.as_str(), "ACCOUNT"));
    root.chain(units).chain(accounts)
}

fn target_shown(organization: &Organization, id: &str, name: &str, kind: &str) -> Value {
    let part = match kind {
        "ROOT" => "root",
        "ACCOUNT" => "account",
        _ => "ou",
    };
    json!({ "TargetId": id, "Arn": view::arn(organization, part, id), "Name": name, "Type": kind })
}

fn shown(organization: &Organization, policy: &ServiceControlPolicy) -> Value {
    json!({ "PolicySummary": summary(organization, policy), "Content": policy.content })
}

fn summary(organization: &Organization, policy: &ServiceControlPolicy) -> Value {
    let Organization { management_account, id, .. } = organization;
    json!({
        "Id": policy.id,
        "Arn": format!(
            "arn:aws:organizations::{management_account}:policy/{id}/{}/{}",
            TYPE.to_ascii_lowercase(), policy.id
        ),
        "Name": policy.name,
        "Description": policy.description,
        "Type": TYPE,
        "AwsManaged": false,
    })
}

fn full_access_summary() -> Value {
    json!({
        "Id": FULL_ACCESS,
        "Arn": format!("arn:aws:organizations::aws:policy/{}/{FULL_ACCESS}", TYPE.to_ascii_lowercase()),
        "Name": "FullAWSAccess",
        "Description": "Allows access to every operation",
        "Type": TYPE,
        "AwsManaged": true,
    })
}
