//! Instances and permission sets, from SSO Admin.

use aws_sdk_ssoadmin::Client;
use aws_sdk_ssoadmin::types::{InstanceMetadata, InstanceStatus, RegionScope};
use curfew_domain::{AccountId, InstanceArn, PermissionSetArn, Seconds};

use crate::directory::{InstanceFacts, InstanceState, Listed, PageToken, PermissionSetFacts, PolicyNames};
use crate::sdk::answer::{listed, parsed, required};
use crate::sdk::classify::classify;
use crate::sdk::clients::NowSource;
use crate::{AwsError, AwsErrorKind};

const LIST_INSTANCES: &str = "sso:ListInstances";
const LIST_SETS: &str = "sso:ListPermissionSets";
const DESCRIBE_SET: &str = "sso:DescribePermissionSet";
const LIST_MANAGED: &str = "sso:ListManagedPoliciesInPermissionSet";
const LIST_CUSTOMER: &str = "sso:ListCustomerManagedPolicyReferencesInPermissionSet";
const GET_INLINE: &str = "sso:GetInlinePolicyForPermissionSet";
const LIST_PROVISIONED: &str = "sso:ListPermissionSetsProvisionedToAccount";

/// The most that AWS gives in one page (SSO Admin API, `MaxResults`).
const PAGE: i32 = 100;

pub(super) struct SsoAdmin {
    pub(super) client: Client,
    pub(super) now: NowSource,
}

impl SsoAdmin {
    pub(super) async fn instances(&self) -> Result<Vec<InstanceFacts>, AwsError> {
        let mut found = Vec::new();
        let listing = self.client.list_instances().region_scope(RegionScope::AllRegions).into_paginator();
        let mut pages = listing.send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| classify(LIST_INSTANCES, &error, self.now.now()))?;
            let page = required(LIST_INSTANCES, "Instances", page.instances)?;
            found.extend(page.into_iter().map(instance).collect::<Result<Vec<_>, _>>()?);
        }
        Ok(found)
    }

    pub(super) async fn permission_sets(
        &self,
        instance: &InstanceArn,
        after: Option<PageToken>,
    ) -> Result<Listed<PermissionSetArn>, AwsError> {
        let answer = self
            .client
            .list_permission_sets()
            .instance_arn(instance.as_str())
            .max_results(PAGE)
            .set_next_token(after.map(|token| token.0))
            .send()
            .await
            .map_err(|error| classify(LIST_SETS, &error, self.now.now()))?;
        let sets = required(LIST_SETS, "PermissionSets", answer.permission_sets)?;
        Ok(listed(set_arns(LIST_SETS, &sets)?, answer.next_token))
    }

    pub(super) async fn provisioned_in(
        &self,
        instance: &InstanceArn,
        account: &AccountId,
        after: Option<PageToken>,
    ) -> Result<Listed<PermissionSetArn>, AwsError> {
        let answer = self
            .client
            // In whatever version: an outdated set is as little a delegated administrator's to manage.
            .list_permission_sets_provisioned_to_account()
            .instance_arn(instance.as_str())
            .account_id(account.as_str())
            .max_results(PAGE)
            .set_next_token(after.map(|token| token.0))
            .send()
            .await
            .map_err(|error| classify(LIST_PROVISIONED, &error, self.now.now()))?;
        // An account without any is answered without the member.
        let sets = answer.permission_sets.unwrap_or_default();
        Ok(listed(set_arns(LIST_PROVISIONED, &sets)?, answer.next_token))
    }

    pub(super) async fn permission_set(
        &self,
        instance: &InstanceArn,
        set: &PermissionSetArn,
    ) -> Result<PermissionSetFacts, AwsError> {
        let answer = self
            .client
            .describe_permission_set()
            .instance_arn(instance.as_str())
            .permission_set_arn(set.as_str())
            .send()
            .await
            .map_err(|error| classify(DESCRIBE_SET, &error, self.now.now()))?;
        let described = required(DESCRIBE_SET, "PermissionSet", answer.permission_set)?;
        let session = described.session_duration.as_deref().and_then(seconds_of_iso_8601);
        Ok(PermissionSetFacts {
            name: required(DESCRIBE_SET, "Name", described.name)?,
            description: described.description.filter(|text| !text.is_empty()),
            session: session.unwrap_or(DEFAULT_SESSION),
        })
    }

    pub(super) async fn policies_of(
        &self,
        instance: &InstanceArn,
        set: &PermissionSetArn,
    ) -> Result<PolicyNames, AwsError> {
        let managed = self.managed_policies(instance, set).await?;
        let others =
            self.has_inline_policy(instance, set).await? || self.has_customer_policies(instance, set).await?;
        Ok(PolicyNames { managed, others })
    }

    async fn managed_policies(
        &self,
        instance: &InstanceArn,
        set: &PermissionSetArn,
    ) -> Result<Vec<String>, AwsError> {
        let mut names = Vec::new();
        let listing = self.client.list_managed_policies_in_permission_set().instance_arn(instance.as_str());
        let mut policies = listing.permission_set_arn(set.as_str()).into_paginator().items().send();
        while let Some(policy) = policies.next().await {
            let policy = policy.map_err(|error| classify(LIST_MANAGED, &error, self.now.now()))?;
            names.push(required(LIST_MANAGED, "Name", policy.name)?);
        }
        Ok(names)
    }

    /// One policy is enough to know that there are any.
    async fn has_customer_policies(
        &self,
        instance: &InstanceArn,
        set: &PermissionSetArn,
    ) -> Result<bool, AwsError> {
        let answer = self
            .client
            .list_customer_managed_policy_references_in_permission_set()
            .instance_arn(instance.as_str())
            .permission_set_arn(set.as_str())
            .send()
            .await
            .map_err(|error| classify(LIST_CUSTOMER, &error, self.now.now()))?;
        Ok(!answer.customer_managed_policy_references().is_empty())
    }

    /// Without one AWS answers with an empty text, some stand-ins with "not found".
    async fn has_inline_policy(
        &self,
        instance: &InstanceArn,
        set: &PermissionSetArn,
    ) -> Result<bool, AwsError> {
        let answer = self
            .client
            .get_inline_policy_for_permission_set()
            .instance_arn(instance.as_str())
            .permission_set_arn(set.as_str())
            .send()
            .await
            .map_err(|error| classify(GET_INLINE, &error, self.now.now()));
        match answer {
            Ok(answer) => Ok(answer.inline_policy.is_some_and(|policy| !policy.is_empty())),
            Err(error) if error.kind == AwsErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// "The default session duration is one hour" (IAM Identity Center user guide, "Set session duration").
const DEFAULT_SESSION: Seconds = Seconds::of(3_600);

fn instance(metadata: InstanceMetadata) -> Result<InstanceFacts, AwsError> {
    let store = metadata.identity_store_id.as_deref();
    let owner = metadata.owner_account_id.as_deref();
    let regions = metadata.regions.unwrap_or_default();
    Ok(InstanceFacts {
        arn: required(LIST_INSTANCES, "InstanceArn", metadata.instance_arn)?,
        identity_store: store.map(|id| parsed(LIST_INSTANCES, "IdentityStoreId", id)).transpose()?,
        owner: owner.map(|id| parsed(LIST_INSTANCES, "OwnerAccountId", id)).transpose()?,
        state: match metadata.status {
            None | Some(InstanceStatus::Active) => InstanceState::Active,
            Some(other) => InstanceState::Not(other.as_str().to_owned()),
        },
        state_reason: metadata.status_reason,
        primary_region: metadata.primary_region,
        regions: regions.into_iter().filter_map(|region| region.region_name).collect(),
    })
}

fn set_arns(operation: &'static str, arns: &[String]) -> Result<Vec<PermissionSetArn>, AwsError> {
    arns.iter().map(|arn| parsed(operation, "PermissionSets", arn)).collect()
}

/// `PT8H`, `PT90M`, `PT1H30M`: hours, minutes and seconds, as permission sets have them.
fn seconds_of_iso_8601(text: &str) -> Option<Seconds> {
    let mut rest = text.strip_prefix("PT")?;
    let mut total = 0_i64;
    for (unit, length) in [('H', 3_600_i64), ('M', 60), ('S', 1)] {
        if let Some((number, after)) = rest.split_once(unit) {
            total = total.checked_add(number.parse::<i64>().ok()?.checked_mul(length)?)?;
            rest = after;
        }
    }
    if rest.is_empty() && total > 0 { Seconds::new(total).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn session_lengths_are_read_as_aws_writes_them() {
        for (text, seconds) in [("PT1H", 3_600), ("PT8H", 28_800), ("PT90M", 5_400), ("PT1H30M15S", 5_415)] {
            assert_eq!(seconds_of_iso_8601(text), Some(Seconds::of(seconds)), "{text}");
        }
        for text in ["", "PT", "1H", "P1D", "PTH", "PT1X", "PT-1H", "PT99999999999999999999H"] {
            assert_eq!(seconds_of_iso_8601(text), None, "{text}");
        }
    }
}
