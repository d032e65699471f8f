use std::fmt::Display;
use std::net::IpAddr;
use std::str::FromStr;

use curfew_domain::policy::Effect;
use curfew_domain::request::ApprovalMode;
use curfew_domain::{
    AccountId, Action, DisplayName, GroupId, LockdownId, PermissionSetArn, PolicyId, Reason, ResourceRef,
    RuleId, Seconds, Timestamp,
};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::AtMost;
use crate::access::{ActionSchema, ApprovalModeSchema};
use crate::limit::at_most;
use crate::policy_rules::EffectSchema;

/// A request that nobody has made.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Evaluate {
    /// Who would ask: a user's id or e-mail address, also as `User::"…"`.
    #[schema(value_type = String, min_length = 1, max_length = 400, example = "alice@acme.example")]
    pub principal: AtMost<400>,
    /// Groups that they would be in besides, by id or name, also as `Group::"…"`.
    #[serde(default, deserialize_with = "at_most::<100, _, _>")]
    #[schema(value_type = Vec<String>, max_items = 100)]
    pub groups: Vec<AtMost<400>>,
    /// What they would name, as `type:id`.
    #[serde(deserialize_with = "from_text")]
    #[schema(value_type = String, pattern = "^[a-z0-9_]+:.+$", max_length = 2100, example = "aws_account:123456789012")]
    pub resource: ResourceRef,
    /// What is to be done.
    #[schema(value_type = ActionSchema)]
    pub action: Action,
    /// How long; policies have their own answers when it is left out.
    #[serde(default)]
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 315_360_000)]
    pub duration_seconds: Option<Seconds>,
    /// Under which circumstances.
    #[serde(default)]
    pub context: Option<EvaluationContext>,
}

/// Under which circumstances a request would be made. What is left out is as it is for a request now that says nothing
/// of it.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EvaluationContext {
    /// The permission set, unless `resource` is one.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 2048, example = "arn:aws:sso:::permissionSet/ssoins-1234567890abcdef/ps-1234567890abcdef")]
    pub permission_set_arn: Option<PermissionSetArn>,
    /// The account, where `resource` is a permission set.
    #[serde(default)]
    #[schema(value_type = Option<String>, pattern = "^[0-9]{12}$")]
    pub account_id: Option<AccountId>,
    /// Why.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 2000)]
    pub reason: Option<Reason>,
    /// A ticket that it would belong to.
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
    /// Whether it would be an emergency.
    #[serde(default)]
    pub break_glass: Option<bool>,
}

/// What the policies would say.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct EvaluationResult {
    /// Whether they permit it, at once or once it is approved.
    pub permitted: bool,
    /// The policies that decided; empty where none did.
    #[schema(value_type = Vec<Uuid>)]
    pub matching_policy_ids: Vec<PolicyId>,
    /// Why, in a sentence or two.
    pub reason: String,
    /// The texts of the rules that decided.
    pub notices: Vec<String>,
    /// How it would be approved; null where it is denied.
    #[schema(required, value_type = Option<ApprovalModeSchema>)]
    pub approval_mode: Option<ApprovalMode>,
    /// How long access would last.
    #[schema(required, value_type = Option<i64>)]
    pub duration_seconds: Option<Seconds>,
    /// How long it could last at most. Where it is denied for its duration alone: what would do.
    #[schema(required, value_type = Option<i64>)]
    pub max_duration_seconds: Option<Seconds>,
    /// How long it would wait for people.
    #[schema(required, value_type = Option<i64>)]
    pub approval_timeout_seconds: Option<Seconds>,
    /// Who would have to approve: each is to be met by itself.
    pub approvals: Vec<ApprovalNeeded>,
    /// The policies that decided, with their rules.
    pub determining: Vec<Determining>,
    /// What could not be evaluated, and forbade: 100 at most.
    pub faults: Vec<EvaluationFault>,
    /// How each resource was decided: those that deny first, 50 at most.
    pub trace: Vec<ResourceTrace>,
    /// How many more resources there are.
    pub trace_left_out: usize,
    /// The lockdown in force that would refuse the request now, whatever the policies say.
    #[schema(required, value_type = Option<Uuid>)]
    pub lockdown_id: Option<LockdownId>,
}

/// Approvals that would be needed.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ApprovalNeeded {
    /// Which policy asks for them.
    #[schema(value_type = Uuid)]
    pub policy_id: PolicyId,
    /// How many different people.
    pub approvals_required: u16,
    /// Out of which groups; anybody with the right where empty.
    #[schema(value_type = Vec<Uuid>)]
    pub approver_groups: Vec<GroupId>,
}

/// A policy that decided.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Determining {
    /// Which.
    #[schema(value_type = Uuid)]
    pub policy_id: PolicyId,
    /// In which version.
    pub version: u32,
    /// To what effect.
    #[schema(value_type = EffectSchema)]
    pub effect: Effect,
    /// By which of its rules: 100 at most.
    #[schema(value_type = Vec<Uuid>)]
    pub rule_ids: Vec<RuleId>,
    /// By how many of them.
    pub rule_count: usize,
}

/// Something that could not be evaluated.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct EvaluationFault {
    /// In which policy; null where the question itself could not be put.
    #[schema(required, value_type = Option<Uuid>)]
    pub policy_id: Option<PolicyId>,
    /// In which rule.
    #[schema(required, value_type = Option<Uuid>)]
    pub rule_id: Option<RuleId>,
    /// What Cedar says.
    pub message: String,
}

/// How one resource was decided.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ResourceTrace {
    /// In which account.
    #[schema(value_type = String, pattern = "^[0-9]{12}$")]
    pub account_id: AccountId,
    /// As what, as Cedar writes it: `AwsAccount::"123456789012"`.
    pub resource: String,
    /// What its last group said.
    pub verdict: TraceVerdict,
    /// The groups that were asked and have a rule for this person and resource, highest priority first. Those below the
    /// one that decided were not asked.
    pub groups: Vec<GroupTrace>,
    /// The others that were asked.
    pub silent_groups: SilentGroups,
}

/// Groups without a rule for the person and the resource.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SilentGroups {
    /// How many they are.
    pub groups: usize,
    /// How many of their rules are for other people.
    pub other_principals: usize,
    /// How many are for this person, and other resources.
    pub other_resources: usize,
}

/// What the policies of one priority say together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TraceVerdict {
    /// Yes.
    Permits,
    /// No.
    Forbids,
    /// Nothing: the next priority is asked.
    Silent,
}

/// How the policies of one priority answered.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct GroupTrace {
    /// Their priority.
    pub priority: i32,
    /// What they said together.
    pub verdict: TraceVerdict,
    /// The durations that they judged by: several where nobody asked for one.
    #[schema(value_type = Vec<i64>)]
    pub durations_seconds: Vec<Seconds>,
    /// Their rules whose principal and resource fit: those that matched first, those for other actions last. 100 at
    /// most for each resource, and 500 for all.
    pub rules: Vec<RuleTrace>,
    /// How many more of these there are.
    pub rules_left_out: usize,
    /// How many rules are for other people.
    pub other_principals: usize,
    /// How many are for this person, and other resources.
    pub other_resources: usize,
}

/// What became of a rule.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RuleTrace {
    /// In which policy.
    #[schema(value_type = Uuid)]
    pub policy_id: PolicyId,
    /// What people call it.
    #[schema(value_type = String)]
    pub policy_name: DisplayName,
    /// Which rule.
    #[schema(value_type = Uuid)]
    pub rule_id: RuleId,
    /// Whether it gives or takes.
    #[schema(value_type = EffectSchema)]
    pub effect: Effect,
    /// The duration that it judged by.
    #[schema(value_type = i64)]
    pub duration_seconds: Seconds,
    /// What became of it.
    pub result: RuleResult,
    /// Why it does not count, or could not be evaluated.
    #[schema(required)]
    pub message: Option<String>,
    /// Where it stopped to match.
    #[schema(required)]
    pub failed_at: Option<FailedAt>,
}

/// What became of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RuleResult {
    /// It matched.
    Matched,
    /// It matched and does not count: `message` says why.
    PassedOver,
    /// It did not match.
    Failed,
    /// It could not be evaluated, and forbids: `message` says why.
    Error,
}

/// Where a rule stopped to match.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FailedAt {
    /// `principal`, `action`, `resource` (of its scope), `when`, `unless`, or `rule`: all of it can't be read.
    pub part: &'static str,
    /// The condition as it was written, 500 characters at most.
    #[schema(required)]
    pub text: Option<String>,
    /// Where it begins in the rule, counted from 1.
    #[schema(required)]
    pub line: Option<usize>,
    /// Where in the line, in characters counted from 1.
    #[schema(required)]
    pub column: Option<usize>,
    /// What there was to choose from, where it is an `||`.
    pub alternatives: Vec<AlternativeTrace>,
    /// Everything that it mentions.
    pub values: Vec<ValueSeen>,
}

/// One of several conditions of which one would do.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AlternativeTrace {
    /// As it was written.
    pub text: String,
    /// Whether it is true; null where it can't be evaluated.
    #[schema(required)]
    pub holds: Option<bool>,
    /// Why it can't be.
    #[schema(required)]
    pub message: Option<String>,
}

/// What a condition looked at.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ValueSeen {
    /// `context.hour`, `resource.getTag("env")`, `principal`.
    pub path: String,
    /// What stood there; null where it is absent. Entities, addresses and moments as Cedar writes them; long texts and
    /// sets are cut.
    #[schema(required, value_type = Option<Value>)]
    pub value: Option<Value>,
    /// What the entity lies in, where that was asked.
    pub lies_in: Vec<String>,
}

/// For `deserialize_with`: a value that is written as a text here.
fn from_text<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: FromStr<Err: Display>,
    D: Deserializer<'de>,
{
    String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
}
