//! The answer to an [`crate::AccessQuestion`], with everything that explains it later.

use curfew_domain::policy::Effect;
use curfew_domain::request::{ApprovalMode, ApprovalRequirement};
use curfew_domain::{AccountId, PolicyId, RuleId, Seconds};
use serde::{Deserialize, Serialize};

/// What policies say, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// What they say.
    pub outcome: Outcome,
    /// The policies and rules that decided, with their versions.
    pub determining: Vec<DeterminingPolicy>,
    /// The texts of the rules that decided.
    pub notices: Vec<String>,
    /// Whether a rule that gave access wants its sessions followed.
    pub audit_session: bool,
    /// What went wrong; each counted as a forbid.
    pub faults: Vec<Fault>,
    /// How each resource was decided, group by group.
    pub trace: Vec<PointTrace>,
}

/// What policies say.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// At once: `auto` or `break_glass`.
    Approved {
        /// Which of the two.
        mode: ApprovalMode,
        /// On what terms.
        terms: Terms,
    },
    /// When people say so too.
    NeedsApproval {
        /// Each is to be met by itself.
        requirements: Vec<ApprovalRequirement>,
        /// On what terms.
        terms: Terms,
    },
    /// No.
    Denied {
        /// Why.
        denial: Denial,
        /// The longest duration that would not be denied, where the duration alone is why.
        max_duration: Option<Seconds>,
    },
}

/// On what terms access is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// How long.
    pub duration: Seconds,
    /// How long it may become by extension: the smallest maximum of the policies that decided.
    pub maximum: Seconds,
    /// How long the request waits for people.
    pub approval_timeout: Option<Seconds>,
}

/// Why policies deny.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Denial {
    /// A rule forbids it, or could not be evaluated.
    Forbidden,
    /// No rule permits it.
    NotPermitted,
    /// The question could not be put: nothing was asked for, or its facts contradict the schema.
    Unanswerable,
}

/// A policy that decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeterminingPolicy {
    /// Which.
    pub policy: PolicyId,
    /// In which version.
    pub version: u32,
    /// To what effect.
    pub effect: Effect,
    /// By which of its rules.
    pub rules: Vec<RuleId>,
}

/// Something that could not be evaluated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// In which policy; none when the question itself could not be put.
    pub policy: Option<PolicyId>,
    /// In which rule.
    pub rule: Option<RuleId>,
    /// What Cedar says.
    pub message: String,
}

/// How one resource was decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PointTrace {
    /// In which account.
    pub account: AccountId,
    /// As what: `AwsAccount::"123456789012"`.
    pub resource: String,
    /// The groups that were asked and have a rule that speaks of this person, action and resource, highest priority
    /// first; the last one decided, if any did.
    pub groups: Vec<GroupTrace>,
    /// How many others were asked, and had nothing to say.
    #[serde(default)]
    pub silent_groups: usize,
}

/// How the policies of one priority answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupTrace {
    /// Their priority.
    pub priority: i32,
    /// What they said together.
    pub verdict: GroupVerdict,
    /// The durations that its policies judged by, shortest first: several where nobody asked for one, and their usual
    /// ones differ.
    pub durations: Vec<Seconds>,
    /// The permits that matched, also where a forbid takes what they give.
    pub permits: Vec<RuleId>,
    /// The forbids that matched.
    pub forbids: Vec<RuleId>,
    /// Policies whose permits matched but did not count.
    pub passed_over: Vec<PassedOver>,
}

/// What a group says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupVerdict {
    /// Yes.
    Permits,
    /// No.
    Forbids,
    /// Nothing: the next group is asked.
    Silent,
}

/// A policy whose permits matched but did not count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum PassedOver {
    /// The duration is above its maximum.
    AboveMaximum {
        /// Which policy.
        policy: PolicyId,
        /// Its maximum.
        maximum: Seconds,
    },
    /// It gives access in emergencies only, and this is none.
    EmergencyOnly {
        /// Which policy.
        policy: PolicyId,
    },
}
