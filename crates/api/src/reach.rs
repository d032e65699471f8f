use std::net::IpAddr;

use curfew_domain::request::ApprovalMode;
use curfew_domain::{AccountId, Action, PermissionSetArn, Reason, Seconds, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::AtMost;
use crate::access::{ActionSchema, ApprovalModeSchema};
use crate::evaluate::{ApprovalNeeded, Determining};
use crate::limit::at_most;

/// Something of which is asked who can get it.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "account_id": "123456789012",
    "permission_set_arn": "arn:aws:sso:::permissionSet/ssoins-1234567890abcdef/ps-1234567890abcdef",
    "action": "admin"
}))]
pub struct WhoCanAccess {
    /// The account.
    #[schema(value_type = String, pattern = "^[0-9]{12}$")]
    pub account_id: AccountId,
    /// The permission set.
    #[schema(value_type = String, max_length = 2048)]
    pub permission_set_arn: PermissionSetArn,
    /// What is to be done.
    #[serde(default = "any_access")]
    #[schema(value_type = ActionSchema, default = "request_access")]
    pub action: Action,
    /// How long; policies have their own answers when it is left out.
    #[serde(default)]
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 315_360_000)]
    pub duration_seconds: Option<Seconds>,
    /// Under which circumstances.
    #[serde(default)]
    pub context: Option<ReachContext>,
}

/// Somebody of whom is asked what they can get.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "principal": "alice@acme.example", "duration_seconds": 3_600 }))]
pub struct WhatCanAccess {
    /// Who: a user's id or e-mail address, also as `User::"…"`.
    #[schema(value_type = String, min_length = 1, max_length = 400)]
    pub principal: AtMost<400>,
    /// Groups that they would be in besides, by id, also as `Group::"…"`.
    #[serde(default, deserialize_with = "at_most::<100, _, _>")]
    #[schema(value_type = Vec<String>, max_items = 100)]
    pub groups: Vec<AtMost<400>>,
    /// What is to be done.
    #[serde(default = "any_access")]
    #[schema(value_type = ActionSchema, default = "request_access")]
    pub action: Action,
    /// How long; policies have their own answers when it is left out.
    #[serde(default)]
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 315_360_000)]
    pub duration_seconds: Option<Seconds>,
    /// Under which circumstances.
    #[serde(default)]
    pub context: Option<ReachContext>,
}

const fn any_access() -> Action {
    Action::RequestAccess
}

/// Under which circumstances requests would be made. What is left out is as it is for a request now that says nothing of
/// it.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReachContext {
    /// Why.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 2000)]
    pub reason: Option<Reason>,
    /// A ticket that they would belong to.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 1000)]
    pub ticket: Option<AtMost<1_000>>,
    /// From where.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "192.0.2.1")]
    pub source_ip: Option<IpAddr>,
    /// When; now where it is left out. The hour and the day of the week follow, in the tenant's time zone.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub requested_at: Option<Timestamp>,
    /// Whether a second factor would be shown, and is enrolled.
    #[serde(default)]
    pub mfa: Option<bool>,
    /// Whether they would be emergencies.
    #[serde(default)]
    pub break_glass: Option<bool>,
}

/// The people who would get something.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct WhoCanAccessResult {
    /// They, in the order in which they were made: 1,000 at most.
    pub people: Vec<PersonsAccess>,
    /// How many there are, as far as was asked.
    pub found: u64,
    /// How many people were asked about: those who are active and whose address is verified.
    pub checked: u64,
    /// Whether some were not asked about, or are not listed.
    pub truncated: bool,
}

/// Somebody who would get it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PersonsAccess {
    /// Who.
    #[schema(value_type = Uuid)]
    pub user_id: UserId,
    /// How.
    #[serde(flatten)]
    pub given: GivenAccess,
}

/// What somebody would get.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct WhatCanAccessResult {
    /// The accounts and permission sets, in the order of their ids: 1,000 at most.
    pub access: Vec<PlaceAccess>,
    /// How many there are, as far as was asked.
    pub found: u64,
    /// How many were asked about: all pairs that can be asked for by this action.
    pub checked: u64,
    /// Whether some were not asked about, or are not listed.
    pub truncated: bool,
}

/// An account and a permission set that somebody would get.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PlaceAccess {
    /// The account.
    #[schema(value_type = String, pattern = "^[0-9]{12}$")]
    pub account_id: AccountId,
    /// The permission set.
    #[schema(value_type = String)]
    pub permission_set_arn: PermissionSetArn,
    /// How.
    #[serde(flatten)]
    pub given: GivenAccess,
}

/// How access would be given.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct GivenAccess {
    /// How it would be approved.
    #[schema(value_type = ApprovalModeSchema)]
    pub approval_mode: ApprovalMode,
    /// How many people would have to approve: the most that one policy asks for; 0 where it is given at once.
    pub approvals_required: u16,
    /// Who would have to approve: each is to be met by itself. Empty for those who may not read policies.
    pub approvals: Vec<ApprovalNeeded>,
    /// How long it would last.
    #[schema(value_type = i64)]
    pub duration_seconds: Seconds,
    /// How long it could last at most.
    #[schema(value_type = i64)]
    pub max_duration_seconds: Seconds,
    /// The policies that decide, with their rules; empty for those who may not read policies.
    pub determining: Vec<Determining>,
}
