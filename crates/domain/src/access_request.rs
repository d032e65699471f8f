//! An access request as it is kept.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde_json::{Map, Value};

use crate::emergency::{Review, ReviewStatus};
use crate::request::{ApprovalMode, ApprovalRequirement, RequestStatus, Verdict};
use crate::{
    AccountId, Action, ApprovalId, GrantId, GroupId, Invalid, PermissionSetArn, PolicyId, Reason, RequestId,
    ResourceRef, Seconds, StorePrincipalId, Timestamp, UserId,
};

/// Somebody's wish for access, and what became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct AccessRequest {
    /// Its id.
    pub id: RequestId,
    /// Who asks, and would get the access.
    pub requester: UserId,
    /// What was named.
    pub resource: ResourceRef,
    /// What they want to do.
    pub action: Action,
    /// The account it comes down to; none for an organizational unit.
    pub account: Option<AccountId>,
    /// The permission set it comes down to.
    pub permission_set: PermissionSetArn,
    /// The requester, as Identity Center knows them.
    pub principal: StorePrincipalId,
    /// Why.
    pub reason: Option<Reason>,
    /// What was last decided. Time alone may have turned it since: see [`AccessRequest::status`].
    pub decided_status: RequestStatus,
    /// Why it was decided so, where somebody said.
    pub decision_reasoning: Option<Reason>,
    /// Who decided.
    pub decided_by: Option<DoneBy>,
    /// When it was decided.
    pub decided_at: Option<Timestamp>,
    /// How it is or was approved; none where policy denied it.
    pub mode: Option<ApprovalMode>,
    /// What each determining policy asks of people.
    pub requirements: Vec<ApprovalRequirement>,
    /// What people said so far.
    pub approvals: Vec<Approval>,
    /// Whether it was asked as an emergency.
    pub break_glass: bool,
    /// How long it was asked for, if that was said.
    pub requested_duration: Option<Seconds>,
    /// How long it is given for; none where policy denied it.
    pub duration: Option<Seconds>,
    /// What is owed where it was approved as an emergency, or was given.
    pub review: Option<Review>,
    /// Until when people may decide.
    pub expires_at: Option<Timestamp>,
    /// What it became.
    pub grant: Option<GrantId>,
    /// The grant that it would make last longer; none where it asks for a new one. Its durations are then those of the
    /// whole grant.
    pub extends: Option<GrantId>,
    /// The first of the policies that decided.
    pub policy: Option<PolicyId>,
    /// The texts of the rules that decided.
    pub notices: Vec<String>,
    /// Whatever the requester wants to keep with it.
    pub metadata: Map<String, Value>,
    /// Where it came from.
    pub source_ip: Option<IpAddr>,
    /// When it was asked.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl AccessRequest {
    /// Where it stands: a pending one whose deadline has passed has expired, whether or not anybody wrote it down.
    pub fn status(&self, now: Timestamp) -> RequestStatus {
        match (self.decided_status, self.expires_at) {
            (RequestStatus::Pending, Some(deadline)) if now >= deadline => RequestStatus::Expired,
            (status, _) => status,
        }
    }

    /// When somebody has to look at it again although nobody does anything: at its deadline, or to tell of a review that is
    /// owed.
    pub fn next_due(&self, now: Timestamp) -> Option<Timestamp> {
        match (self.decided_status, &self.review) {
            (RequestStatus::Pending, _) => self.expires_at,
            (_, Some(review)) if review.status() == ReviewStatus::Owed => Some(review.next_reminder(now)),
            _ => None,
        }
    }

    /// How many different people have to approve at least: the most that one policy asks.
    pub fn approvals_required(&self) -> u16 {
        self.requirements.iter().map(|requirement| requirement.approvals).max().unwrap_or(0)
    }

    /// Who decided on it so far.
    pub fn reviewers(&self) -> Vec<UserId> {
        self.approvals.iter().map(|approval| approval.approver).collect()
    }
}

/// A reviewer's word on a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// Its id.
    pub id: ApprovalId,
    /// Whose word.
    pub approver: UserId,
    /// The groups that they were in when they gave it.
    pub groups: BTreeSet<GroupId>,
    /// For or against.
    pub verdict: Verdict,
    /// Why.
    pub reasoning: Option<Reason>,
    /// When.
    pub at: Timestamp,
}

/// Who decided or ended something: a person, or Curfew by a rule or by time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DoneBy {
    /// Curfew.
    System,
    /// A person.
    Person(UserId),
}

impl fmt::Display for DoneBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DoneBy::System => f.write_str("system"),
            DoneBy::Person(user) => user.fmt(f),
        }
    }
}

impl FromStr for DoneBy {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        match text {
            "system" => Ok(DoneBy::System),
            user => user.parse().map(DoneBy::Person),
        }
    }
}
