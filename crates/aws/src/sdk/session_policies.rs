use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_organizations::Client;
use aws_sdk_organizations::operation::update_policy::UpdatePolicyError;
use aws_sdk_organizations::types::{PolicySummary, PolicyType, TargetType};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use curfew_domain::SessionPolicyId;

use crate::{AwsError, AwsErrorKind, SESSION_POLICY_PREFIX, SessionPolicies, SessionPolicy};

use super::answer::{parsed, required};
use super::cache::SessionEnd;
use super::classify::classify;
use super::clients::NowSource;

const LIST: &str = "organizations:ListPolicies";
const DESCRIBE: &str = "organizations:DescribePolicy";
const LIST_TARGETS: &str = "organizations:ListTargetsForPolicy";
const UPDATE: &str = "organizations:UpdatePolicy";

/// Organizations' policies through the SDK.
pub(super) struct SdkSessionPolicies {
    client: Client,
    /// How long each of the port's calls may take, with all that it asks.
    within: Duration,
    now: NowSource,
    /// Where the session comes from a cache.
    end: Option<SessionEnd>,
}

impl SdkSessionPolicies {
    pub(super) fn new(client: Client, within: Duration, now: NowSource, end: Option<SessionEnd>) -> Self {
        Self { client, within, now, end }
    }

    /// One after the other: Organizations takes few calls a second. One that the role may not read, or that is gone since
    /// it was listed, keeps the others from nothing; where there is none but such, the first refusal says so.
    async fn find_all(&self) -> Result<Vec<SessionPolicy>, AwsError> {
        let (mut found, mut refusal) = (Vec::new(), None);
        for (id, name) in self.curfews_own().await? {
            match self.read(id, name.clone()).await {
                Ok(policy) => found.push(policy),
                Err(error) if concerns_it_alone(&error) => {
                    tracing::warn!(policy = name, error = %error, "a policy that ends sessions is left aside");
                    refusal = refusal.or(Some(error));
                }
                Err(error) => return Err(error),
            }
        }
        match refusal {
            Some(refusal) if found.is_empty() => Err(refusal),
            _ => Ok(found),
        }
    }

    async fn read(&self, id: SessionPolicyId, name: String) -> Result<SessionPolicy, AwsError> {
        let document = self.document(&id).await?;
        let at_root = self.is_at_root(&id).await?;
        Ok(SessionPolicy { id, name, document, at_root })
    }

    /// Curfew's policies in the order of their numbers. A name that goes on with anything but a number is not Curfew's.
    async fn curfews_own(&self) -> Result<Vec<(SessionPolicyId, String)>, AwsError> {
        let mut numbered = Vec::new();
        let listing = self.client.list_policies().filter(PolicyType::ServiceControlPolicy);
        let mut pages = listing.into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| classify(LIST, &error, self.now.now()))?;
            for policy in required(LIST, "Policies", page.policies)? {
                if let Some((number, name)) = numbered_name(&policy) {
                    let id = required(LIST, "Id", policy.id.as_deref())?;
                    numbered.push((number, parsed(LIST, "Id", id)?, name));
                }
            }
        }
        numbered.sort_by_key(|(number, ..)| *number);
        Ok(numbered.into_iter().map(|(_, id, name)| (id, name)).collect())
    }

    async fn document(&self, id: &SessionPolicyId) -> Result<String, AwsError> {
        let answer = self.client.describe_policy().policy_id(id.as_str()).send().await;
        let answer = answer.map_err(|error| classify(DESCRIBE, &error, self.now.now()))?;
        let policy = required(DESCRIBE, "Policy", answer.policy)?;
        required(DESCRIBE, "Content", policy.content)
    }

    async fn is_at_root(&self, id: &SessionPolicyId) -> Result<bool, AwsError> {
        let listing = self.client.list_targets_for_policy().policy_id(id.as_str());
        let mut pages = listing.into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| classify(LIST_TARGETS, &error, self.now.now()))?;
            let targets = required(LIST_TARGETS, "Targets", page.targets)?;
            if targets.iter().any(|target| target.r#type == Some(TargetType::Root)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn update(&self, id: &SessionPolicyId, document: &str) -> Result<(), AwsError> {
        let answer = self.client.update_policy().policy_id(id.as_str()).content(document).send().await;
        answer.map(drop).map_err(|error| refusal_to_update(&error, &self.now))
    }

    /// Within the time that there is; and tells the cache when the session has ended.
    async fn in_time<T>(
        &self,
        operation: &'static str,
        work: impl Future<Output = Result<T, AwsError>> + Send,
    ) -> Result<T, AwsError> {
        let answer = tokio::time::timeout(self.within, work).await;
        answer.unwrap_or_else(|_| Err(AwsError::out_of_time(operation))).map_err(|error| match &self.end {
            Some(end) => end.note(error),
            None => error,
        })
    }
}

#[async_trait]
impl SessionPolicies for SdkSessionPolicies {
    async fn find(&self) -> Result<Vec<SessionPolicy>, AwsError> {
        self.in_time(LIST, self.find_all()).await
    }

    async fn replace(&self, policy: &SessionPolicyId, document: &str) -> Result<(), AwsError> {
        self.in_time(UPDATE, self.update(policy, document)).await
    }
}

fn concerns_it_alone(error: &AwsError) -> bool {
    matches!(error.kind, AwsErrorKind::AccessDenied | AwsErrorKind::NotFound)
}

fn numbered_name(policy: &PolicySummary) -> Option<(u32, String)> {
    let name = policy.name.as_deref()?;
    let number = name.strip_prefix(SESSION_POLICY_PREFIX)?.parse().ok()?;
    Some((number, name.to_owned()))
}

/// A constraint says by its reason, which is no part of the message, which limit it is.
fn refusal_to_update(error: &SdkError<UpdatePolicyError, HttpResponse>, now: &NowSource) -> AwsError {
    let mut refusal = classify(UPDATE, error, now.now());
    if let Some(UpdatePolicyError::ConstraintViolationException(constraint)) = error.as_service_error()
        && let Some(reason) = constraint.reason()
    {
        refusal.message = format!("{} ({})", refusal.message, reason.as_str());
    }
    refusal
}
