use curfew_domain::grant::{GrantStatus, ProvisioningStatus};
use curfew_domain::{
    AccountId, Action, GrantId, PermissionSetArn, Reason, RequestId, ResourceRef, Timestamp, UserId,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::access::{ActionSchema, ResourceRefSchema};

/// Why a grant ends before its time.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RevokeGrant {
    /// Why.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 2000)]
    pub reason: Option<Reason>,
}

/// What is to change of a grant.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GrantChange {
    /// Whether its sessions are followed.
    pub audit_enabled: bool,
}

/// Why somebody has access, and what AWS holds of it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Grant {
    /// Its id.
    #[schema(value_type = Uuid)]
    pub id: GrantId,
    /// The request that it came from; null when it was made by hand.
    #[schema(required, value_type = Option<Uuid>)]
    pub request_id: Option<RequestId>,
    /// Who has the access.
    #[schema(value_type = String)]
    pub grantee_id: UserId,
    /// What was named.
    #[schema(value_type = ResourceRefSchema)]
    pub resource: ResourceRef,
    /// What may be done.
    #[schema(value_type = ActionSchema)]
    pub action: Action,
    /// What the grantee is entitled to.
    #[schema(value_type = GrantStatusSchema)]
    pub status: GrantStatus,
    /// What AWS holds.
    #[schema(value_type = ProvisioningStatusSchema)]
    pub provisioning_status: ProvisioningStatus,
    /// Why it failed, in AWS's words.
    #[schema(required)]
    pub provisioning_error: Option<String>,
    /// The account; null for an organizational unit.
    #[schema(required, value_type = Option<String>)]
    pub account_id: Option<AccountId>,
    /// The permission set.
    #[schema(required, value_type = Option<String>)]
    pub permission_set_arn: Option<PermissionSetArn>,
    /// When it ends; null until its first creation is sent to AWS.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
    /// When the access was given: when AWS had it, before that when it was decided.
    #[schema(value_type = String, format = DateTime)]
    pub granted_at: Timestamp,
    /// When somebody ended it.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub revoked_at: Option<Timestamp>,
    /// Who ended it: a user, or `system`.
    #[schema(required)]
    pub revoked_by: Option<String>,
    /// Why it was ended.
    #[schema(required, value_type = Option<String>)]
    pub revoke_reason: Option<Reason>,
    /// Whether its sessions are followed.
    pub audit_enabled: bool,
    /// Tries in a row that failed, of what AWS is asked to do for it now.
    pub attempts: u32,
    /// How AWS differs from what should be there, where it does.
    #[schema(required, value_type = Option<Object>)]
    pub drift: Option<Value>,
    /// Whether the access was there before, and stays.
    pub standing: bool,
    /// What was kept with its request.
    #[schema(value_type = Object)]
    pub metadata: Map<String, Value>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it last changed.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
}

/// What a grantee is entitled to.
#[derive(ToSchema)]
#[schema(as = GrantStatus, rename_all = "snake_case")]
#[expect(dead_code, reason = "only its description is used")]
pub(crate) enum GrantStatusSchema {
    Active,
    Expired,
    Revoked,
}

/// What AWS holds of a grant.
#[derive(ToSchema)]
#[schema(as = ProvisioningStatus, rename_all = "snake_case")]
#[expect(dead_code, reason = "only its description is used")]
pub(crate) enum ProvisioningStatusSchema {
    Pending,
    Provisioning,
    Successful,
    Failed,
    Revoking,
    Revoked,
}

impl Grant {
    /// The grant as it stands `now`, with what AWS holds of it.
    pub fn new(
        grant: curfew_domain::Grant,
        provisioning: ProvisioningStatus,
        standing: bool,
        attempts: u32,
        now: Timestamp,
    ) -> Self {
        Self {
            granted_at: grant.granted_at(),
            status: grant.times.status(now),
            id: grant.id,
            request_id: grant.request,
            grantee_id: grant.grantee,
            resource: grant.resource,
            action: grant.action,
            provisioning_status: provisioning,
            provisioning_error: grant.failure,
            account_id: grant.account,
            permission_set_arn: Some(grant.permission_set),
            expires_at: grant.times.expires_at,
            revoked_at: grant.times.revoked_at,
            revoked_by: grant.revoked_by.map(|by| by.to_string()),
            revoke_reason: grant.revoke_reason,
            audit_enabled: grant.audit_enabled,
            attempts,
            drift: None,
            standing,
            metadata: grant.metadata,
            created_at: grant.created_at,
            updated_at: grant.updated_at,
        }
    }
}
