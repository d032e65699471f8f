use curfew_domain::request::{ApprovalMode, RequestStatus, Verdict};
use curfew_domain::{
    AccountId, Action, GrantId, PermissionSetArn, PolicyId, Reason, RequestId, ResourceRef, Seconds,
    Timestamp, UserId,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::Review;
use crate::access::{ActionSchema, ApprovalModeSchema, ResourceRefSchema};

/// What somebody asks for.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAccessRequest {
    /// What is named: an account, a permission set, an organizational unit, a bucket, a database or a machine.
    #[schema(value_type = ResourceRefSchema)]
    pub resource: ResourceRef,
    /// What is to be done. Below the permission set's access level it is refused.
    #[schema(value_type = ActionSchema)]
    pub action: Action,
    /// Why.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 2000)]
    pub reason: Option<Reason>,
    /// How long; policies have their own answers when it is left out.
    #[serde(default)]
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 315_360_000)]
    pub duration_seconds: Option<Seconds>,
    /// Whether it is an emergency. It takes the scope `requests:break_glass` and a reason. Where a policy that decides lets
    /// emergencies pass it is approved at once, admins are told, and somebody else has to review it; else it is decided
    /// like any other request.
    #[serde(default)]
    pub break_glass: bool,
    /// The permission set, unless `resource` is one or `metadata` names it.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 2048, example = "arn:aws:sso:::permissionSet/ssoins-1234567890abcdef/ps-1234567890abcdef")]
    pub permission_set_arn: Option<PermissionSetArn>,
    /// The account, where `resource` is a permission set and `metadata` doesn't name it.
    #[serde(default)]
    #[schema(value_type = Option<String>, pattern = "^[0-9]{12}$")]
    pub account_id: Option<AccountId>,
    /// Whatever is to be kept with it, 16 KiB at most. `permission_set_arn`, `account_id` and `ticket` are read.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub metadata: Map<String, Value>,
}

/// A reviewer's word.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReviewRequest {
    /// Why.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 2000)]
    pub reasoning: Option<Reason>,
}

/// Somebody's wish for access, and what became of it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AccessRequest {
    /// Its id.
    #[schema(value_type = Uuid)]
    pub id: RequestId,
    /// Who asked.
    #[schema(value_type = String)]
    pub requester_id: UserId,
    /// What was named.
    #[schema(value_type = ResourceRefSchema)]
    pub resource: ResourceRef,
    /// What is to be done.
    #[schema(value_type = ActionSchema)]
    pub action: Action,
    /// Why.
    #[schema(required, value_type = Option<String>)]
    pub reason: Option<Reason>,
    /// Where it stands.
    #[schema(value_type = RequestStatusSchema)]
    pub status: RequestStatus,
    /// Why it was decided so.
    #[schema(required, value_type = Option<String>)]
    pub decision_reasoning: Option<Reason>,
    /// Who decided: a user, or `system`.
    #[schema(required)]
    pub decided_by: Option<String>,
    /// When it was decided.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub decided_at: Option<Timestamp>,
    /// How it is or was approved; null where policy denied it.
    #[schema(required, value_type = Option<ApprovalModeSchema>)]
    pub approval_mode: Option<ApprovalMode>,
    /// How many different people have to approve.
    pub approvals_required: u16,
    /// What people said so far.
    pub approvals: Vec<ApprovalBody>,
    /// Until when people may decide.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
    /// Whether it was asked as an emergency.
    pub break_glass: bool,
    /// How long it is given for, or was asked for; where it extends a grant, how long that lasts in all.
    #[schema(required, value_type = Option<i64>)]
    pub duration_seconds: Option<Seconds>,
    /// What it became.
    #[schema(required, value_type = Option<Uuid>)]
    pub grant_id: Option<GrantId>,
    /// The grant that it would make last longer; null where it asks for a new one.
    #[schema(required, value_type = Option<Uuid>)]
    pub extends_grant_id: Option<GrantId>,
    /// The first of the policies that decided.
    #[schema(required, value_type = Option<Uuid>)]
    pub policy_id: Option<PolicyId>,
    /// The texts of the rules that decided; in the answer to asking or approving also whether too few people could
    /// approve.
    pub notices: Vec<String>,
    /// What is owed for access that was given in an emergency, or was given; null where it was not.
    #[schema(required)]
    pub review: Option<Review>,
    /// What was kept with it.
    #[schema(value_type = Object)]
    pub metadata: Map<String, Value>,
    /// When it was asked.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it last changed.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
}

/// A reviewer's word on a request.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Approval)]
pub struct ApprovalBody {
    /// Whose.
    #[schema(value_type = String)]
    pub approver_id: UserId,
    /// For or against.
    #[schema(value_type = VerdictSchema)]
    pub decision: Verdict,
    /// Why.
    #[schema(required, value_type = Option<String>)]
    pub reasoning: Option<Reason>,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
}

/// Where a request stands.
#[derive(ToSchema)]
#[schema(as = RequestStatus, rename_all = "snake_case")]
#[expect(dead_code, reason = "only its description is used")]
pub(crate) enum RequestStatusSchema {
    Pending,
    Approved,
    Denied,
    Expired,
    Cancelled,
}

/// For or against.
#[derive(ToSchema)]
#[schema(as = Verdict, rename_all = "snake_case")]
#[expect(dead_code, reason = "only its description is used")]
pub(crate) enum VerdictSchema {
    Approved,
    Denied,
}

impl AccessRequest {
    /// The request as it stands `now`.
    pub fn new(request: curfew_domain::AccessRequest, now: Timestamp) -> Self {
        let approvals = request.approvals.iter().map(|approval| ApprovalBody {
            approver_id: approval.approver,
            decision: approval.verdict,
            reasoning: approval.reasoning.clone(),
            at: approval.at,
        });
        Self {
            approvals: approvals.collect(),
            status: request.status(now),
            approvals_required: request.approvals_required(),
            id: request.id,
            requester_id: request.requester,
            resource: request.resource,
            action: request.action,
            reason: request.reason,
            decision_reasoning: request.decision_reasoning,
            decided_by: request.decided_by.map(|by| by.to_string()),
            decided_at: request.decided_at,
            approval_mode: request.mode,
            expires_at: request.expires_at,
            break_glass: request.break_glass,
            duration_seconds: request.duration.or(request.requested_duration),
            grant_id: request.grant,
            extends_grant_id: request.extends,
            policy_id: request.policy,
            notices: request.notices,
            review: request.review.map(Review::from),
            metadata: request.metadata,
            created_at: request.created_at,
            updated_at: request.updated_at,
        }
    }
}
