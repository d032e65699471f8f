use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_ssoadmin::types::{
    AccountAssignment, AccountAssignmentOperationStatus, PrincipalType, StatusValues, TargetType,
};
use curfew_domain::assignment::{AssignmentKey, CallKind, CallOutcome};
use curfew_domain::{AccountId, InstanceArn, PermissionSetArn};

use crate::{Assignee, Assignments, AwsError, AwsErrorKind, CallStatus};

use super::answer::{parsed, required};
use super::cache::SessionEnd;
use super::classify::classify;
use super::clients::{NowSource, SsoAdmin};
use super::counted::TurnedAway;
use super::failure::outcome_of_failure;

const CREATE: &str = "sso:CreateAccountAssignment";
const DELETE: &str = "sso:DeleteAccountAssignment";
const CREATION_STATUS: &str = "sso:DescribeAccountAssignmentCreationStatus";
const DELETION_STATUS: &str = "sso:DescribeAccountAssignmentDeletionStatus";
const LIST: &str = "sso:ListAccountAssignments";

/// SSO Admin's assignment operations through the SDK.
pub(super) struct SdkAssignments {
    sso_admin: SsoAdmin,
    /// How long a whole list may take.
    list_within: Duration,
    now: NowSource,
    turned_away: TurnedAway,
    end: SessionEnd,
}

impl SdkAssignments {
    pub(super) fn new(
        sso_admin: SsoAdmin,
        list_within: Duration,
        now: NowSource,
        turned_away: TurnedAway,
        end: SessionEnd,
    ) -> Self {
        Self { sso_admin, list_within, now, turned_away, end }
    }

    async fn send_creation(
        &self,
        key: &AssignmentKey,
    ) -> Result<Option<AccountAssignmentOperationStatus>, AwsError> {
        let answer = self
            .sso_admin
            .change
            .create_account_assignment()
            .instance_arn(key.instance.as_str())
            .permission_set_arn(key.permission_set.as_str())
            .principal_type(PrincipalType::User)
            .principal_id(key.principal.as_str())
            .target_type(TargetType::AwsAccount)
            .target_id(key.account.as_str())
            .send()
            .await
            .map_err(|error| self.end.note(classify(CREATE, &error, self.now.now())))?;
        Ok(answer.account_assignment_creation_status)
    }

    async fn send_deletion(
        &self,
        key: &AssignmentKey,
    ) -> Result<Option<AccountAssignmentOperationStatus>, AwsError> {
        let answer = self
            .sso_admin
            .change
            .delete_account_assignment()
            .instance_arn(key.instance.as_str())
            .permission_set_arn(key.permission_set.as_str())
            .principal_type(PrincipalType::User)
            .principal_id(key.principal.as_str())
            .target_type(TargetType::AwsAccount)
            .target_id(key.account.as_str())
            .send()
            .await
            .map_err(|error| self.end.note(classify(DELETE, &error, self.now.now())))?;
        Ok(answer.account_assignment_deletion_status)
    }

    /// What a sent change has come to. What a session was refused that may have been revoked since is no last word.
    fn outcome(
        &self,
        kind: CallKind,
        answer: Result<Option<AccountAssignmentOperationStatus>, AwsError>,
    ) -> CallOutcome {
        match answer {
            Err(error) if self.end.may_be_to_blame(&error) => {
                CallOutcome::Again { reason: error.to_string() }
            }
            answer => outcome(kind, answer),
        }
    }

    async fn every_page(
        &self,
        instance: &InstanceArn,
        account: &AccountId,
        permission_set: &PermissionSetArn,
    ) -> Result<Vec<Assignee>, AwsError> {
        let mut assignees = Vec::new();
        let mut pages = self
            .sso_admin
            .look
            .list_account_assignments()
            .instance_arn(instance.as_str())
            .account_id(account.as_str())
            .permission_set_arn(permission_set.as_str())
            .into_paginator()
            .send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| self.end.note(classify(LIST, &error, self.now.now())))?;
            // No list at all is not an empty list: absence is a proof, and must be said.
            let page = required(LIST, "AccountAssignments", page.account_assignments)?;
            for assignment in &page {
                assignees.extend(assignee(assignment)?);
            }
        }
        Ok(assignees)
    }

    async fn ask_for_status(
        &self,
        instance: &InstanceArn,
        kind: CallKind,
        aws_request_id: &str,
    ) -> Result<Option<AccountAssignmentOperationStatus>, AwsError> {
        let now = || self.now.now();
        match kind {
            CallKind::Create => self
                .sso_admin
                .look
                .describe_account_assignment_creation_status()
                .instance_arn(instance.as_str())
                .account_assignment_creation_request_id(aws_request_id)
                .send()
                .await
                .map(|answer| answer.account_assignment_creation_status)
                .map_err(|error| classify(CREATION_STATUS, &error, now())),
            CallKind::Delete => self
                .sso_admin
                .look
                .describe_account_assignment_deletion_status()
                .instance_arn(instance.as_str())
                .account_assignment_deletion_request_id(aws_request_id)
                .send()
                .await
                .map(|answer| answer.account_assignment_deletion_status)
                .map_err(|error| classify(DELETION_STATUS, &error, now())),
        }
    }
}

#[async_trait]
impl Assignments for SdkAssignments {
    async fn create(&self, key: &AssignmentKey) -> CallOutcome {
        self.outcome(CallKind::Create, self.send_creation(key).await)
    }

    async fn delete(&self, key: &AssignmentKey) -> CallOutcome {
        self.outcome(CallKind::Delete, self.send_deletion(key).await)
    }

    async fn status(
        &self,
        instance: &InstanceArn,
        kind: CallKind,
        aws_request_id: &str,
    ) -> Result<CallStatus, AwsError> {
        let operation = if kind == CallKind::Create { CREATION_STATUS } else { DELETION_STATUS };
        match self.ask_for_status(instance, kind, aws_request_id).await {
            Ok(status) => progress(operation, kind, &required(operation, "the status", status)?),
            // How long AWS remembers a request is not said: a list tells what became of it.
            Err(error) if error.kind == AwsErrorKind::NotFound => {
                Ok(CallStatus::Ended(CallOutcome::Unknown { reason: error.to_string() }))
            }
            Err(error) => Err(self.end.note(error)),
        }
    }

    async fn list(
        &self,
        instance: &InstanceArn,
        account: &AccountId,
        permission_set: &PermissionSetArn,
    ) -> Result<Vec<Assignee>, AwsError> {
        let listed = self.every_page(instance, account, permission_set);
        tokio::time::timeout(self.list_within, listed)
            .await
            .unwrap_or_else(|_| Err(AwsError::out_of_time(LIST)))
    }

    fn turned_away(&self) -> u64 {
        self.turned_away.count()
    }
}

/// What a sent change has come to.
fn outcome(
    kind: CallKind,
    answer: Result<Option<AccountAssignmentOperationStatus>, AwsError>,
) -> CallOutcome {
    let unknown = |reason: &str| CallOutcome::Unknown { reason: reason.to_owned() };
    match answer {
        Err(error) => outcome_of_error(kind, &error),
        Ok(None) => unknown("AWS answered without a status"),
        Ok(Some(status)) => match (ended(kind, &status), status.status, status.request_id) {
            (Some(outcome), _, _) => outcome,
            (None, Some(StatusValues::InProgress), Some(aws_request_id)) => {
                CallOutcome::Accepted { aws_request_id }
            }
            _ => unknown("AWS answered without a status that is known, or without a request id"),
        },
    }
}

/// How AWS says that a change goes that it has taken.
fn progress(
    operation: &'static str,
    kind: CallKind,
    status: &AccountAssignmentOperationStatus,
) -> Result<CallStatus, AwsError> {
    match (ended(kind, status), &status.status) {
        (Some(outcome), _) => Ok(CallStatus::Ended(outcome)),
        (None, Some(StatusValues::InProgress)) => Ok(CallStatus::Working),
        (None, _) => Err(AwsError::garbage(operation, "the status is none that is known")),
    }
}

fn ended(kind: CallKind, status: &AccountAssignmentOperationStatus) -> Option<CallOutcome> {
    match status.status {
        Some(StatusValues::Succeeded) => Some(CallOutcome::Succeeded),
        Some(StatusValues::Failed) => Some(outcome_of_failure(kind, status.failure_reason.as_deref())),
        _ => None,
    }
}

fn outcome_of_error(kind: CallKind, error: &AwsError) -> CallOutcome {
    use AwsErrorKind as Kind;
    let reason = error.to_string();
    match error.kind {
        kind if kind.may_have_been_done() => CallOutcome::Unknown { reason },
        // The reference of DeleteAccountAssignment: what isn't there is not found.
        Kind::NotFound if kind == CallKind::Delete => CallOutcome::NoSuchEntitlement,
        // Fifteen creations at once are AWS's limit; where that is said as a quota it passes like a throttle.
        Kind::QuotaExceeded
        | Kind::Throttled
        | Kind::Conflict
        | Kind::ConnectionFailed
        | Kind::CredentialsExpired
        | Kind::InvalidToken
        | Kind::NoCredentials
        | Kind::ClockSkew => CallOutcome::Again { reason },
        _ => CallOutcome::Refused { reason },
    }
}

/// None where it is neither a user nor a group: then it is nobody that Curfew looks for.
fn assignee(assignment: &AccountAssignment) -> Result<Option<Assignee>, AwsError> {
    let id = required(LIST, "PrincipalId", assignment.principal_id())?;
    match assignment.principal_type() {
        Some(PrincipalType::User) => Ok(Some(Assignee::User(parsed(LIST, "PrincipalId", id)?))),
        Some(PrincipalType::Group) => Ok(Some(Assignee::Group(parsed(LIST, "PrincipalId", id)?))),
        Some(_) => Ok(None),
        None => Err(AwsError::garbage(LIST, "PrincipalType is missing")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assignee_of_a_kind_that_is_not_known_does_not_spoil_the_list() {
        let of_kind = |kind: Option<&str>| {
            let kind = kind.map(PrincipalType::from);
            let id = "a0f287110e-00000000-0000-4000-8000-000000000000";
            assignee(&AccountAssignment::builder().set_principal_type(kind).principal_id(id).build())
        };
        assert!(matches!(of_kind(Some("USER")), Ok(Some(Assignee::User(_)))));
        assert!(matches!(of_kind(Some("GROUP")), Ok(Some(Assignee::Group(_)))));
        assert_eq!(of_kind(Some("AGENT")), Ok(None));
        assert!(of_kind(None).is_err(), "whom an assignment without a kind is for is not said");
    }
}
