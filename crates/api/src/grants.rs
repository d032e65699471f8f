use curfew_domain::audit::AuditAction;
use curfew_domain::grant::{GrantStatus, ProvisioningStatus};
use curfew_domain::session_end::{SessionsReason, SessionsState, ShownSessions};
use curfew_domain::{
    AccountId, Action, ActorType, AuditEntryId, GrantId, PermissionSetArn, Reason, RequestId, ResourceRef,
    Seconds, Timestamp, UserId,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::Drift;
use crate::access::{ActionSchema, ResourceRefSchema};
use crate::audit::actor_type;

/// Why a grant ends before its time.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RevokeGrant {
    /// Why.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 2000)]
    pub reason: Option<Reason>,
}

/// What somebody gives by hand.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "grantee_id": "0192f0c1-7a3b-7c4d-8e5f-0123456789ab",
    "resource": { "type": "aws_account", "id": "123456789012" },
    "permission_set_arn": "arn:aws:sso:::permissionSet/ssoins-1234567890abcdef/ps-1234567890abcdef",
    "duration_seconds": 3600,
    "reason": "to look into INC-7 while nobody can approve"
}))]
pub struct NewGrant {
    /// Who gets it: never the caller.
    #[schema(value_type = Uuid)]
    pub grantee_id: UserId,
    /// What is named: an account, a permission set, an organizational unit, a bucket, a database or a machine.
    #[schema(value_type = ResourceRefSchema)]
    pub resource: ResourceRef,
    /// The permission set, unless `resource` is one.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 2048, example = "arn:aws:sso:::permissionSet/ssoins-1234567890abcdef/ps-1234567890abcdef")]
    pub permission_set_arn: Option<PermissionSetArn>,
    /// The account, where `resource` is a permission set.
    #[serde(default)]
    #[schema(value_type = Option<String>, pattern = "^[0-9]{12}$")]
    pub account_id: Option<AccountId>,
    /// What may be done; what the permission set's access level says, if it is left out.
    #[serde(default)]
    #[schema(value_type = Option<ActionSchema>)]
    pub action: Option<Action>,
    /// How long, within the tenant's maximum.
    #[schema(value_type = i64, minimum = 1, maximum = 315_360_000)]
    pub duration_seconds: Seconds,
    /// Why.
    #[schema(value_type = String, min_length = 1, max_length = 2000)]
    pub reason: Reason,
}

/// By how much a grant is to last longer.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "duration_seconds": 1800, "reason": "INC-7 is not over yet" }))]
pub struct ExtendGrant {
    /// So many seconds later it ends.
    #[schema(value_type = i64, minimum = 1, maximum = 315_360_000)]
    pub duration_seconds: Seconds,
    /// Why.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 2000)]
    pub reason: Option<Reason>,
}

/// Something that happened to a grant.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0192f0c1-7a3b-7c4d-8e5f-0123456789ab",
    "at": "2026-03-01T12:00:00.000000Z",
    "action": "assignment.called",
    "actor_id": "system",
    "actor_type": "system",
    "what": "AWS was asked to create it in 123456789012.",
    "details": { "account_id": "123456789012", "call": "create", "answered": true, "outcome": "accepted", "lease": 7 }
}))]
pub struct Happening {
    /// The entry of the audit log that tells of it.
    #[schema(value_type = Uuid)]
    pub id: AuditEntryId,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// What, as the audit log says it.
    #[schema(value_type = String, example = "grant.active")]
    pub action: AuditAction,
    /// The user or key that did it, or `system`.
    pub actor_id: String,
    /// How they proved who they are.
    #[schema(schema_with = actor_type)]
    pub actor_type: ActorType,
    /// What, in words.
    pub what: String,
    /// Facts. Of a call to AWS: `call` (`create`, `delete`), `sent_at`, `lease` (another number, another node), whether it was
    /// `answered`, and what AWS said: `aws_request_id`, `outcome`, `answered_at`, `error`.
    #[schema(value_type = std::collections::HashMap<String, Value>)]
    pub details: Map<String, Value>,
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
    /// How long it lasts in all, from when AWS has it.
    #[schema(value_type = i64)]
    pub duration_seconds: Seconds,
    /// Until when its creation may be sent to AWS; null once AWS has it.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub start_by: Option<Timestamp>,
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
    #[schema(required)]
    pub drift: Option<Drift>,
    /// Whether the access was there before, and stays.
    pub standing: bool,
    /// What becomes of the sessions that AWS issues for it: deleting access does not end them.
    pub sessions: GrantSessions,
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

/// AWS's own sessions of a grant.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[schema(example = json!({
    "state": "may_live", "may_live_until": "2026-03-01T14:00:00.000000Z", "reason": "not_chosen", "lasts_seconds": 3600,
    "outlasts_grant": false
}))]
pub struct GrantSessions {
    /// `none`: there never were any. `may_live`: they may be alive, and nobody means to end them now. `ending`: they are
    /// about to be denied. `ended`: none is of any use. `not_ended`: they were to be ended, and could not be.
    #[schema(value_type = SessionsStateSchema)]
    pub state: &'static str,
    /// Until when at most one may be alive; null where none may be, or where that is not known yet.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub may_live_until: Option<Timestamp>,
    /// Why they may be alive after the grant, where they may: `needed_by_another`, `standing`, `not_chosen`, `ended_by_time`,
    /// `no_room`, `management_account`, `unknown_permission_set`, `no_policy`, `policy_not_attached`, `not_permitted`,
    /// `no_connection`, `aws_failed`. There may be more in time.
    #[schema(required, value_type = Option<String>, example = "no_policy")]
    pub reason: Option<&'static str>,
    /// How long a session of the permission set lasts; null where AWS has not told.
    #[schema(required, value_type = Option<i64>)]
    pub lasts_seconds: Option<Seconds>,
    /// Whether a session lasts longer than the grant: it may then be alive that much later, unless it is ended.
    pub outlasts_grant: bool,
}

/// What became of sessions.
#[derive(ToSchema)]
#[schema(as = GrantSessionsState, rename_all = "snake_case")]
#[expect(dead_code, reason = "only its description is used")]
pub(crate) enum SessionsStateSchema {
    None,
    MayLive,
    Ending,
    Ended,
    NotEnded,
}

impl GrantSessions {
    /// Of sessions that last so long, and a grant of some duration.
    pub fn new(shown: ShownSessions, lasts: Option<Seconds>, duration: Seconds) -> Self {
        Self {
            state: match shown.state {
                SessionsState::None => "none",
                SessionsState::MayLive => "may_live",
                SessionsState::Ending => "ending",
                SessionsState::Ended => "ended",
                SessionsState::NotEnded => "not_ended",
            },
            may_live_until: shown.may_live_until,
            reason: shown.reason.map(SessionsReason::as_str),
            lasts_seconds: lasts,
            outlasts_grant: lasts.is_some_and(|lasts| lasts > duration),
        }
    }
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
        sessions: GrantSessions,
        attempts: u32,
        drift: Option<curfew_domain::Drift>,
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
            duration_seconds: grant.times.duration,
            start_by: Some(grant.times.start_by).filter(|_| grant.times.succeeded_at.is_none()),
            expires_at: grant.times.expires_at,
            revoked_at: grant.times.revoked_at,
            revoked_by: grant.revoked_by.map(|by| by.to_string()),
            revoke_reason: grant.revoke_reason,
            audit_enabled: grant.audit_enabled,
            attempts,
            drift: drift.map(Drift::from),
            standing,
            sessions,
            metadata: grant.metadata,
            created_at: grant.created_at,
            updated_at: grant.updated_at,
        }
    }
}
