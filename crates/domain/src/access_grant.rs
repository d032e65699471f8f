//! A grant as it is kept.

use serde_json::{Map, Value};

use crate::grant::GrantTimes;
use crate::{
    AccountId, Action, DoneBy, GrantId, PermissionSetArn, Reason, RequestId, ResourceRef, Timestamp, UserId,
};

/// Why somebody has access. What AWS holds for it is a matter of its assignments.
#[derive(Debug, Clone, PartialEq)]
pub struct Grant {
    /// Its id.
    pub id: GrantId,
    /// The request that it came from; none when it was made by hand.
    pub request: Option<RequestId>,
    /// Who has the access.
    pub grantee: UserId,
    /// What was named.
    pub resource: ResourceRef,
    /// What they may do.
    pub action: Action,
    /// The account; none for an organizational unit, whose accounts its assignments have.
    pub account: Option<AccountId>,
    /// The permission set.
    pub permission_set: PermissionSetArn,
    /// Its moments.
    pub times: GrantTimes,
    /// Who ended it.
    pub revoked_by: Option<DoneBy>,
    /// Why it was ended.
    pub revoke_reason: Option<Reason>,
    /// Why it failed, in AWS's words.
    pub failure: Option<String>,
    /// Whether the sessions it gives are followed.
    pub audit_enabled: bool,
    /// What was kept with its request.
    pub metadata: Map<String, Value>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl Grant {
    /// When the access was given: when AWS had it, before that when it was decided.
    pub fn granted_at(&self) -> Timestamp {
        self.times.succeeded_at.unwrap_or(self.times.decided_at)
    }
}
