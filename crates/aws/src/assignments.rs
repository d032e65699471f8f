//! Giving access and taking it away.

use async_trait::async_trait;
use curfew_domain::assignment::{AssignmentKey, CallKind, CallOutcome};
use curfew_domain::{AccountId, InstanceArn, PermissionSetArn, StorePrincipalId};

use crate::AwsError;

/// SSO Admin's assignment operations, with one tenant's credentials, in one region.
///
/// A call ends within 8 s. Creations and deletions are sent once and never repeated here: each that is sent has a
/// row of its own, and whoever calls decides what comes next.
#[async_trait]
pub trait Assignments: Send + Sync {
    /// Sends `CreateAccountAssignment`. What can't be known is [`CallOutcome::Unknown`].
    async fn create(&self, key: &AssignmentKey) -> CallOutcome;

    /// Sends `DeleteAccountAssignment`.
    async fn delete(&self, key: &AssignmentKey) -> CallOutcome;

    /// Asks how a call goes that AWS has taken.
    async fn status(
        &self,
        instance: &InstanceArn,
        kind: CallKind,
        aws_request_id: &str,
    ) -> Result<CallStatus, AwsError>;

    /// Who has a permission set in an account, as users and groups that it is assigned to directly; all pages.
    async fn list(
        &self,
        instance: &InstanceArn,
        account: &AccountId,
        permission_set: &PermissionSetArn,
    ) -> Result<Vec<Assignee>, AwsError>;

    /// How many tries with this tenant's role, of all calls and repetitions so far, AWS has turned away as too many.
    fn turned_away(&self) -> u64;
}

/// How a call that AWS has taken goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallStatus {
    /// AWS works on it.
    Working,
    /// It has ended. [`CallOutcome::Unknown`] where AWS has forgotten the request: then a list tells.
    Ended(CallOutcome),
}

/// Who something is assigned to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Assignee {
    /// A person.
    User(StorePrincipalId),
    /// Everybody in a group.
    Group(StorePrincipalId),
}
