//! What a trial comes to: which decisions differ, how, and for whom.

use curfew_domain::{AccountId, Action, PermissionSetArn, RequestId, ResourceRef, Timestamp, UserId};
use curfew_policy::Outcome;

use super::shelf::DecidingPolicy;

/// What came of a trial.
#[derive(Debug, Clone, PartialEq)]
pub struct Simulation {
    /// How many requests were decided by both.
    pub replayed: u64,
    /// How many past ones can't be asked again: what they were told of a person is erased.
    pub unreplayable: u64,
    /// How many of those that were decided come to the same.
    pub unchanged: u64,
    /// Whether all were asked; else the limit, or the time that a trial may take, ended it.
    pub complete: bool,
    /// When the oldest of those that were looked at was asked for.
    pub oldest: Option<Timestamp>,
    /// The differences of the kinds that were wanted, in the order in which they were asked; not more than so many.
    pub differences: Vec<Difference>,
    /// How many of those kinds there are.
    pub differences_total: u64,
    /// All of them, counted.
    pub summary: Summary,
    /// The draft's rules that failed.
    pub faults: Vec<DraftFault>,
}

/// How often what differs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// How often more is given.
    pub wider: u64,
    /// How often less is given.
    pub narrower: u64,
    /// How often it is something else.
    pub other: u64,
    /// For whom, those with the most differences first.
    pub people: Vec<PersonsDifferences>,
}

/// One person's differences, counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PersonsDifferences {
    /// Whose.
    pub person: UserId,
    /// How often they are given more.
    pub wider: u64,
    /// How often they are given less.
    pub narrower: u64,
    /// How often it is something else.
    pub other: u64,
}

/// What kind of difference it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DifferenceKind {
    /// More is given.
    Wider,
    /// Less is given.
    Narrower,
    /// Neither, or both; or only what is said beside the decision differs.
    Other,
}

impl DifferenceKind {
    /// All of them.
    pub const ALL: [DifferenceKind; 3] =
        [DifferenceKind::Wider, DifferenceKind::Narrower, DifferenceKind::Other];
}

/// A decision that differs.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// Who or what asks.
    pub asked_by: AskedBy,
    /// Who would get the access.
    pub requester: UserId,
    /// What was named.
    pub resource: ResourceRef,
    /// The one account; none for an organizational unit.
    pub account: Option<AccountId>,
    /// The permission set.
    pub permission_set: PermissionSetArn,
    /// What is to be done.
    pub action: Action,
    /// When it was asked for, as policies are told.
    pub requested_at: Timestamp,
    /// By the policies as they are.
    pub before: Verdict,
    /// By the draft.
    pub after: Verdict,
    /// What kind of difference it is.
    pub kind: DifferenceKind,
    /// Why, in words.
    pub why: String,
}

/// Where a question comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AskedBy {
    /// A past request.
    Request {
        /// Which.
        id: RequestId,
        /// What policy said then, in a word.
        recorded: String,
    },
    /// One that was supposed.
    Supposition {
        /// Its place in the list, counted from 0.
        number: usize,
    },
}

/// What policies say.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// That.
    pub outcome: Outcome,
    /// By which of them.
    pub policies: Vec<DecidingPolicy>,
    /// What the requester is told.
    pub notices: Vec<String>,
    /// Whether sessions would be followed.
    pub audit_session: bool,
}

/// A rule of the draft that failed, and forbade by that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DraftFault {
    /// Which, with its policy; none where the question itself could not be put.
    pub of: Option<DecidingPolicy>,
    /// What Cedar said the first time.
    pub message: String,
    /// In how many decisions.
    pub decisions: u64,
}
