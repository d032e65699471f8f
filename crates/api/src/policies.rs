use curfew_domain::policy::{ChangeReason, Policy as KeptPolicy, PolicyTerms};
use curfew_domain::request::ApprovalMode;
use curfew_domain::{Change, DisplayName, GroupId, LongText, PolicyId, Seconds, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::{ApprovalModeSchema, yes};
use crate::limit::at_most;
use crate::policy_rules::{NewPolicyRule, PolicyRule};

/// A policy that somebody wants.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPolicy {
    /// What people call it.
    #[schema(value_type = String, min_length = 1, max_length = 200)]
    pub name: DisplayName,
    /// What it is for.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 10000)]
    pub description: Option<LongText>,
    /// Whether it takes part in decisions at once.
    #[serde(default = "yes")]
    #[schema(default = true)]
    pub enabled: bool,
    /// Higher is asked first; equal ones are asked together.
    #[serde(default)]
    #[schema(default = 0)]
    pub priority: i32,
    /// Above this its permits don't match.
    #[schema(value_type = i64, minimum = 1, maximum = 315_360_000)]
    pub max_duration_seconds: Seconds,
    /// How long, when nobody said.
    #[serde(default)]
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 315_360_000)]
    pub default_duration_seconds: Option<Seconds>,
    /// Where its events are told besides.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 200)]
    pub notification_channel: Option<DisplayName>,
    /// Many Cedar statements: each becomes a rule. 1,000 at most, together with `rules`.
    #[serde(default)]
    #[schema(max_length = 1_048_576)]
    pub cedar_policy_set: Option<String>,
    /// Single rules, after those.
    #[serde(default, deserialize_with = "at_most::<1000, _, _>")]
    #[schema(max_items = 1000)]
    pub rules: Vec<NewPolicyRule>,
    /// How requests are approved.
    #[serde(default = "by_people")]
    #[schema(value_type = ApprovalModeSchema, default = "require")]
    pub approval_mode: ApprovalMode,
    /// How long a request waits for people.
    #[serde(default)]
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 315_360_000)]
    pub approval_timeout_seconds: Option<Seconds>,
    /// How many different people have to approve.
    #[serde(default = "one")]
    #[schema(minimum = 1, maximum = 20, default = 1)]
    pub approvals_required: u16,
    /// Who may approve; anybody with the right where empty.
    #[serde(default, deserialize_with = "at_most::<100, _, _>")]
    #[schema(value_type = Vec<Uuid>, max_items = 100)]
    pub approver_groups: Vec<GroupId>,
    /// Whether an emergency passes without approval. Requests for emergency access are refused in this version.
    #[serde(default)]
    pub allow_break_glass: bool,
    /// How long an emergency lasts at most: no longer than `max_duration_seconds`, and only where emergencies pass.
    #[serde(default)]
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 315_360_000)]
    pub break_glass_max_duration_seconds: Option<Seconds>,
    /// Why it is made.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 1000)]
    pub change_reason: Option<ChangeReason>,
}

const fn by_people() -> ApprovalMode {
    ApprovalMode::Require
}

const fn one() -> u16 {
    1
}

impl NewPolicy {
    /// On what terms it would give access.
    pub fn terms(&self) -> PolicyTerms {
        PolicyTerms {
            maximum: self.max_duration_seconds,
            default: self.default_duration_seconds,
            mode: self.approval_mode,
            approval_timeout: self.approval_timeout_seconds,
            approvals_required: self.approvals_required,
            approver_groups: self.approver_groups.clone(),
            allow_break_glass: self.allow_break_glass,
            break_glass_maximum: self.break_glass_max_duration_seconds,
        }
    }
}

/// What is to change of a policy; what is left out stays.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyChange {
    /// Another name.
    #[serde(default)]
    #[schema(value_type = Option<String>, nullable = false, min_length = 1, max_length = 200)]
    pub name: Change<DisplayName>,
    /// Another description.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 10000)]
    pub description: Change<Option<LongText>>,
    /// Whether it takes part in decisions.
    #[serde(default)]
    #[schema(value_type = Option<bool>, nullable = false)]
    pub enabled: Change<bool>,
    /// Another priority.
    #[serde(default)]
    #[schema(value_type = Option<i32>, nullable = false)]
    pub priority: Change<i32>,
    /// Another maximum.
    #[serde(default)]
    #[schema(value_type = Option<i64>, nullable = false, minimum = 1, maximum = 315_360_000)]
    pub max_duration_seconds: Change<Seconds>,
    /// Another default.
    #[serde(default)]
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 315_360_000)]
    pub default_duration_seconds: Change<Option<Seconds>>,
    /// Another channel.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 200)]
    pub notification_channel: Change<Option<DisplayName>>,
    /// Cedar statements in the place of all of its rules.
    #[serde(default)]
    #[schema(value_type = Option<String>, nullable = false, max_length = 1_048_576)]
    pub cedar_policy_set: Change<String>,
    /// Another way of approval.
    #[serde(default)]
    #[schema(value_type = Option<ApprovalModeSchema>, nullable = false)]
    pub approval_mode: Change<ApprovalMode>,
    /// Another timeout.
    #[serde(default)]
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 315_360_000)]
    pub approval_timeout_seconds: Change<Option<Seconds>>,
    /// Another number of approvals.
    #[serde(default)]
    #[schema(value_type = Option<u16>, nullable = false, minimum = 1, maximum = 20)]
    pub approvals_required: Change<u16>,
    /// Other groups.
    #[serde(default)]
    #[schema(value_type = Option<Vec<Uuid>>, nullable = false, max_items = 100)]
    pub approver_groups: Change<Vec<GroupId>>,
    /// Whether an emergency passes without approval.
    #[serde(default)]
    #[schema(value_type = Option<bool>, nullable = false)]
    pub allow_break_glass: Change<bool>,
    /// Another maximum of emergencies.
    #[serde(default)]
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 315_360_000)]
    pub break_glass_max_duration_seconds: Change<Option<Seconds>>,
    /// Why it is changed.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 1000)]
    pub change_reason: Option<ChangeReason>,
}

/// An order of the tenant's policies.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyOrder {
    /// Each policy of the tenant once; the first one is asked first.
    #[serde(deserialize_with = "at_most::<1000, _, _>")]
    #[schema(value_type = Vec<Uuid>, max_items = 1000)]
    pub ids: Vec<PolicyId>,
    /// Why.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 1000)]
    pub change_reason: Option<ChangeReason>,
}

/// Why something is deleted, or made again.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyChangeReason {
    /// Why.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 1000)]
    pub change_reason: Option<ChangeReason>,
}

/// A version of a policy.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PolicyVersion {
    /// Its number: 1 for the first.
    pub version: u32,
    /// Who made it: a user's id, or `system`.
    pub made_by: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub made_at: Timestamp,
    /// Why, where somebody said.
    #[schema(required, value_type = Option<String>)]
    pub change_reason: Option<ChangeReason>,
    /// The names of the fields that differ from the version before; none of the first.
    pub changed: Vec<String>,
}

/// A policy as it was at a version.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PolicyAtVersion {
    /// Which version.
    #[serde(flatten)]
    pub version: PolicyVersion,
    /// The policy.
    pub policy: Policy,
}

/// What all views of a policy show.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PolicyFields {
    /// Its id.
    #[schema(value_type = Uuid)]
    pub id: PolicyId,
    /// What people call it.
    #[schema(value_type = String)]
    pub name: DisplayName,
    /// What it is for.
    #[schema(required, value_type = Option<String>)]
    pub description: Option<LongText>,
    /// Whether it takes part in decisions.
    pub enabled: bool,
    /// Higher is asked first.
    pub priority: i32,
    /// Above this its permits don't match.
    #[schema(value_type = i64)]
    pub max_duration_seconds: Seconds,
    /// How long, when nobody said.
    #[schema(required, value_type = Option<i64>)]
    pub default_duration_seconds: Option<Seconds>,
    /// Where its events are told besides.
    #[schema(required, value_type = Option<String>)]
    pub notification_channel: Option<DisplayName>,
    /// How requests are approved.
    #[schema(value_type = ApprovalModeSchema)]
    pub approval_mode: ApprovalMode,
    /// How long a request waits for people.
    #[schema(required, value_type = Option<i64>)]
    pub approval_timeout_seconds: Option<Seconds>,
    /// How many different people have to approve.
    pub approvals_required: u16,
    /// Who may approve; anybody with the right where empty.
    #[schema(value_type = Vec<Uuid>)]
    pub approver_groups: Vec<GroupId>,
    /// Whether an emergency passes without approval.
    pub allow_break_glass: bool,
    /// How long an emergency lasts at most.
    #[schema(required, value_type = Option<i64>)]
    pub break_glass_max_duration_seconds: Option<Seconds>,
    /// 1 when it was made, one more at each change.
    pub version: u32,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it was last changed.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
}

impl PolicyFields {
    /// What all views show of `policy`.
    pub fn of<Rules>(policy: &KeptPolicy<Rules>) -> Self {
        let terms = policy.terms.clone();
        Self {
            id: policy.id,
            name: policy.name.clone(),
            description: policy.description.clone(),
            enabled: policy.enabled,
            priority: policy.priority,
            max_duration_seconds: terms.maximum,
            default_duration_seconds: terms.default,
            notification_channel: policy.notification_channel.clone(),
            approval_mode: terms.mode,
            approval_timeout_seconds: terms.approval_timeout,
            approvals_required: terms.approvals_required,
            approver_groups: terms.approver_groups,
            allow_break_glass: terms.allow_break_glass,
            break_glass_max_duration_seconds: terms.break_glass_maximum,
            version: policy.version,
            created_at: policy.created_at,
            updated_at: policy.updated_at,
        }
    }
}

/// A policy and its rules.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Policy {
    /// The policy.
    #[serde(flatten)]
    pub fields: PolicyFields,
    /// Its rules, by ordinal.
    pub rules: Vec<PolicyRule>,
}

/// A policy in a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PolicySummary {
    /// The policy.
    #[serde(flatten)]
    pub fields: PolicyFields,
    /// How many rules it has.
    pub rule_count: u32,
}
