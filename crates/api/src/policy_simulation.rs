use curfew_domain::policy::Effect;
use curfew_domain::request::ApprovalMode;
use curfew_domain::{
    AccountId, Action, DisplayName, GroupId, PermissionSetArn, PolicyId, RequestId, ResourceRef, RuleId,
    Seconds, Timestamp, UserId,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::{ActionSchema, ApprovalModeSchema, ResourceRefSchema};
use crate::policy_rules::EffectSchema;

/// What a draft would change.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PolicySimulation {
    /// How many requests were decided, by the policies as they are and by the draft.
    pub replayed: u64,
    /// How many past requests can't be asked again, since what policies were told of the person is erased.
    pub unreplayable: u64,
    /// How many of those that were decided come to the same.
    pub unchanged: u64,
    /// Whether all requests of the range were looked at. If not, the limit ended it, or the time that one simulation
    /// may take: `to` = `oldest_requested_at` goes on from there.
    pub complete: bool,
    /// When the oldest request that was looked at was made.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub oldest_requested_at: Option<Timestamp>,
    /// The decisions that differ, newest request first; of `requests`, in their order. 250 at most.
    #[schema(max_items = 250)]
    pub differences: Vec<Difference>,
    /// How many differences there are of the kinds that are listed.
    pub differences_total: u64,
    /// Whether there are more than are listed.
    pub has_more: bool,
    /// All differences, counted.
    pub summary: DifferenceSummary,
    /// The draft's rules that failed when they were evaluated. Each counted as a forbid. 50 at most.
    #[schema(max_items = 50)]
    pub faults: Vec<DraftFault>,
}

/// A decision that differs.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Difference {
    /// The past request; null for one of `requests`.
    #[schema(required, value_type = Option<Uuid>)]
    pub request_id: Option<RequestId>,
    /// The place in `requests`, counted from 0; null for a past request.
    #[schema(required)]
    pub request_index: Option<usize>,
    /// Who asks.
    #[schema(value_type = String)]
    pub requester_id: UserId,
    /// What was named.
    #[schema(value_type = ResourceRefSchema)]
    pub resource: ResourceRef,
    /// The account; null for an organizational unit.
    #[schema(required, value_type = Option<String>, pattern = "^[0-9]{12}$")]
    pub account_id: Option<AccountId>,
    /// The permission set.
    #[schema(value_type = String)]
    pub permission_set_arn: PermissionSetArn,
    /// What is to be done.
    #[schema(value_type = ActionSchema)]
    pub action: Action,
    /// When it was asked for.
    #[schema(value_type = String, format = DateTime)]
    pub requested_at: Timestamp,
    /// What policies said when it was asked for: those of today may say something else. Null for one of `requests`.
    #[schema(required, value_type = Option<DecisionOutcome>)]
    pub recorded_outcome: Option<String>,
    /// What the policies say as they are.
    pub before: SimulatedDecision,
    /// What the draft says.
    pub after: SimulatedDecision,
    /// Whether it gives more.
    pub kind: DifferenceKind,
    /// Why, for people.
    pub why: String,
}

/// Whether a decision gives more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DifferenceKind {
    /// Access instead of a denial, fewer approvals or fewer conditions on them, a longer time.
    Wider,
    /// The reverse.
    Narrower,
    /// More of one thing and less of another, other approvers, or only other notices or another following of sessions.
    Other,
}

/// What policies say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DecisionOutcome {
    /// Access at once.
    Approved,
    /// Access when people say so too.
    NeedsApproval,
    /// None.
    Denied,
}

/// Why policies deny.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DenialReason {
    /// A rule forbids it, or could not be evaluated.
    Forbidden,
    /// No rule permits it.
    NotPermitted,
    /// The question could not be put.
    Unanswerable,
}

/// What policies would decide.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SimulatedDecision {
    /// What they say.
    pub outcome: DecisionOutcome,
    /// Why it is denied; null where it is not.
    #[schema(required)]
    pub denial: Option<DenialReason>,
    /// How it is approved; null where it is denied.
    #[schema(required, value_type = Option<ApprovalModeSchema>)]
    pub approval_mode: Option<ApprovalMode>,
    /// How many different people have to approve at least.
    pub approvals_required: u16,
    /// What each policy asks of people, to be met by itself; one person may count for several.
    pub approvals: Vec<ApprovalsAsked>,
    /// How long the request would wait for people; null where it waits without end, or for nobody.
    #[schema(required, value_type = Option<i64>)]
    pub approval_timeout_seconds: Option<Seconds>,
    /// How long access is given; null where it is denied.
    #[schema(required, value_type = Option<i64>)]
    pub duration_seconds: Option<Seconds>,
    /// The longest that policies would give; where it is denied for its duration alone, what would not be denied.
    #[schema(required, value_type = Option<i64>)]
    pub max_duration_seconds: Option<Seconds>,
    /// Whether sessions would be followed.
    pub audit_session: bool,
    /// The policies that decide: 20 at most.
    pub policies: Vec<DecidingPolicy>,
    /// What the requester is told: 20 notices at most.
    pub notices: Vec<String>,
}

/// What one policy asks of people.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ApprovalsAsked {
    /// How many different people have to approve.
    pub approvals_required: u16,
    /// Out of which groups; anybody with the right where empty.
    #[schema(value_type = Vec<Uuid>)]
    pub approver_groups: Vec<GroupId>,
}

/// A policy that decides.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DecidingPolicy {
    /// Its id; null where the draft makes it.
    #[schema(required, value_type = Option<Uuid>)]
    pub policy_id: Option<PolicyId>,
    /// The place in `changes` of what makes or changes it, counted from 0; null where the draft leaves it as it is.
    #[schema(required)]
    pub change: Option<usize>,
    /// What people call it.
    #[schema(value_type = String)]
    pub name: DisplayName,
    /// Whether it gives or takes.
    #[schema(value_type = EffectSchema)]
    pub effect: Effect,
    /// By which of its rules: 20 at most.
    pub rules: Vec<DecidingRule>,
    /// By how many of them.
    pub rule_count: usize,
}

/// A rule that decides.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DecidingRule {
    /// Its id; null where the draft makes it.
    #[schema(required, value_type = Option<Uuid>)]
    pub rule_id: Option<RuleId>,
    /// Its place in the policy.
    pub ordinal: u32,
}

/// How often decisions differ.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DifferenceSummary {
    /// How often more is given.
    pub wider: u64,
    /// How often less is given.
    pub narrower: u64,
    /// How often it is something else.
    pub other: u64,
    /// For whom: the 50 people with the most differences.
    #[schema(max_items = 50)]
    pub people: Vec<PersonsDifferences>,
}

/// How often decisions differ for one person.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PersonsDifferences {
    /// Who.
    #[schema(value_type = String)]
    pub user_id: UserId,
    /// How often they are given more.
    pub wider: u64,
    /// How often they are given less.
    pub narrower: u64,
    /// How often it is something else.
    pub other: u64,
}

/// A rule of the draft that failed.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DraftFault {
    /// Its policy; null where the draft makes it.
    #[schema(required, value_type = Option<Uuid>)]
    pub policy_id: Option<PolicyId>,
    /// The place in `changes` of what makes or changes the policy; null where the draft leaves it as it is.
    #[schema(required)]
    pub change: Option<usize>,
    /// The rule; null where the draft makes it.
    #[schema(required, value_type = Option<Uuid>)]
    pub rule_id: Option<RuleId>,
    /// The rule's place in the policy; null where no rule failed, but the question could not be put.
    #[schema(required)]
    pub ordinal: Option<u32>,
    /// What went wrong, the first time.
    pub message: String,
    /// In how many decisions.
    pub decisions: u64,
}
