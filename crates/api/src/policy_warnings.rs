use curfew_domain::{PolicyId, RuleId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::policies::{Policy, PolicySummary};
use crate::policy_rules::PolicyRule;

/// What a warning is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PolicyWarningCode {
    /// A permit looks at nobody in particular, so it is for everybody.
    PermitForEveryone,
    /// A rule can match nothing.
    NeverMatches,
    /// Another policy always decides before.
    Unreachable,
    /// The management account may be given without anybody's approval.
    AutoOnManagementAccount,
    /// A permission set of the highest rank may be given without anybody's approval.
    AutoOnTopRank,
    /// Nobody in the policy's groups of approvers could approve.
    ApproverGroupEmpty,
    /// Fewer people could approve than have to.
    TooFewApprovers,
    /// Something was not looked at: `message` says what.
    NotChecked,
}

/// Something worth knowing of a policy. It refuses nothing.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "code": "permit_for_everyone",
    "policy_id": "019ca0d2-5f6e-7c4d-8e5f-0123456789ab",
    "rule_id": "019ca0d2-5f6e-7c4d-8e5f-0123456789ac",
    "message": "this permit is for everybody in the tenant: neither its scope nor its conditions look at the principal. …"
}))]
pub struct PolicyWarning {
    /// What kind of thing it is.
    pub code: PolicyWarningCode,
    /// Of which policy: also of another one, where what was saved decides before it.
    #[schema(required, value_type = Option<Uuid>)]
    pub policy_id: Option<PolicyId>,
    /// Of which rule; null where it is the whole policy.
    #[schema(required, value_type = Option<Uuid>)]
    pub rule_id: Option<RuleId>,
    /// What it is and what to do, in words.
    pub message: String,
}

/// What is worth knowing of what was saved.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PolicyWarnings {
    /// Warnings, 100 at most; empty where there is nothing to say.
    pub warnings: Vec<PolicyWarning>,
    /// How many more there are.
    pub warnings_left_out: usize,
}

/// A policy as it is now, its rules, and what is worth knowing of it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct WarnedPolicy {
    /// The policy.
    #[serde(flatten)]
    pub policy: Policy,
    /// What is worth knowing.
    #[serde(flatten)]
    pub warned: PolicyWarnings,
}

/// A rule that was saved, and what is worth knowing of it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct WarnedPolicyRule {
    /// The rule.
    #[serde(flatten)]
    pub rule: PolicyRule,
    /// What is worth knowing.
    #[serde(flatten)]
    pub warned: PolicyWarnings,
}

/// The tenant's policies in their order, and what is worth knowing of it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct WarnedPolicyOrder {
    /// All of them, the one that is asked first at the head.
    pub data: Vec<PolicySummary>,
    /// What is worth knowing.
    #[serde(flatten)]
    pub warned: PolicyWarnings,
}
