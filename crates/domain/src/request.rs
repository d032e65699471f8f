//! An access request and the states it goes through.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{GroupId, Invalid, PolicyId, Timestamp, UserId};

/// How a request is approved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalMode {
    /// At once, by the system.
    Auto,
    /// At once, as an emergency, reviewed afterwards.
    BreakGlass,
    /// By people. The strictest: it wins over the others.
    Require,
}

impl ApprovalMode {
    /// The contract's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            ApprovalMode::Auto => "auto",
            ApprovalMode::BreakGlass => "break_glass",
            ApprovalMode::Require => "require",
        }
    }
}

impl std::str::FromStr for ApprovalMode {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        [ApprovalMode::Auto, ApprovalMode::BreakGlass, ApprovalMode::Require]
            .into_iter()
            .find(|mode| mode.as_str() == text)
            .ok_or_else(|| Invalid::new("an approval mode is one of auto, require, break_glass"))
    }
}

/// Where a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestStatus {
    /// Waits for people.
    Pending,
    /// Granted.
    Approved,
    /// Refused by policy or by a person.
    Denied,
    /// Nobody decided in time.
    Expired,
    /// Taken back.
    Cancelled,
}

impl RequestStatus {
    /// All of them.
    pub const ALL: [RequestStatus; 5] = [
        RequestStatus::Pending,
        RequestStatus::Approved,
        RequestStatus::Denied,
        RequestStatus::Expired,
        RequestStatus::Cancelled,
    ];

    /// The contract's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            RequestStatus::Pending => "pending",
            RequestStatus::Approved => "approved",
            RequestStatus::Denied => "denied",
            RequestStatus::Expired => "expired",
            RequestStatus::Cancelled => "cancelled",
        }
    }

    /// What `event` turns this state into. Total: every pair has an answer.
    pub fn on(self, event: RequestEvent) -> Result<RequestStatus, NotPending> {
        match (self, event) {
            (RequestStatus::Pending, RequestEvent::Approved { complete: false }) => {
                Ok(RequestStatus::Pending)
            }
            (RequestStatus::Pending, RequestEvent::Approved { complete: true }) => {
                Ok(RequestStatus::Approved)
            }
            (RequestStatus::Pending, RequestEvent::Denied) => Ok(RequestStatus::Denied),
            (RequestStatus::Pending, RequestEvent::TimedOut) => Ok(RequestStatus::Expired),
            (RequestStatus::Pending, RequestEvent::Cancelled) => Ok(RequestStatus::Cancelled),
            (state, _) => Err(NotPending { state }),
        }
    }
}

impl std::fmt::Display for RequestStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for RequestStatus {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::ALL.into_iter().find(|status| status.as_str() == text).ok_or_else(|| {
            Invalid::new("a request's status is one of pending, approved, denied, expired, cancelled")
        })
    }
}

/// What can happen to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestEvent {
    /// A reviewer approved; `complete` when no further approval is needed.
    Approved {
        /// Whether that was the last one needed.
        complete: bool,
    },
    /// A reviewer, or policy when asked again, denied.
    Denied,
    /// Its approval deadline passed.
    TimedOut,
    /// Its requester took it back, or was suspended.
    Cancelled,
}

/// The request was decided before: exactly one outcome stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the request is {state}, no longer pending")]
pub struct NotPending {
    /// What it is instead.
    pub state: RequestStatus,
}

/// A reviewer's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// For it.
    Approved,
    /// Against it.
    Denied,
}

impl Verdict {
    /// As stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Verdict::Approved => "approved",
            Verdict::Denied => "denied",
        }
    }
}

impl std::str::FromStr for Verdict {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        match text {
            "approved" => Ok(Verdict::Approved),
            "denied" => Ok(Verdict::Denied),
            _ => Err(Invalid::new("a verdict is approved or denied")),
        }
    }
}

/// What one determining policy asks of people. Each policy's is met by itself; one person may count for several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalRequirement {
    /// Whose requirement it is.
    pub policy: PolicyId,
    /// How many different people.
    pub approvals: u16,
    /// Out of which groups; anybody with the right where empty.
    pub groups: Vec<GroupId>,
}

/// Somebody who approved, with their groups at that moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approver {
    /// Who.
    pub person: UserId,
    /// The groups they were in.
    pub groups: BTreeSet<GroupId>,
}

impl ApprovalRequirement {
    /// Whether `approver` counts for it.
    pub fn counts(&self, approver: &Approver) -> bool {
        self.groups.is_empty() || approver.groups.iter().any(|group| self.groups.contains(group))
    }

    /// Whether these approvals are enough. The same person counts once.
    pub fn is_met(&self, approvers: &[Approver]) -> bool {
        let people: BTreeSet<UserId> = approvers
            .iter()
            .filter(|approver| self.counts(approver))
            .map(|approver| approver.person)
            .collect();
        people.len() >= usize::from(self.approvals)
    }
}

/// A reviewer, as far as independence from the requester goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reviewer {
    /// Who decides; a key counts as its maker.
    pub person: UserId,
    /// Who made this account or last set its password, and when.
    pub account_set_by: Option<(UserId, Timestamp)>,
}

/// Why a reviewer may not decide a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotIndependent {
    /// They asked for it themselves.
    #[error("nobody decides their own request")]
    OwnRequest,
    /// The requester made or reset their account within 30 days.
    #[error("the requester made or reset this account within 30 days, so it can't decide the request")]
    AccountOfRequester,
    /// They decided already.
    #[error("the same person can't decide a request twice")]
    DecidedBefore,
}

/// How long an account stays tied to whoever made it or set its password.
const TIED_FOR: crate::Seconds = crate::Seconds::of(30 * 86_400);

impl Reviewer {
    /// Whose account the requester made or reset after this moment is tied to them at `now`.
    pub fn tied_after(now: Timestamp) -> Timestamp {
        now - TIED_FOR
    }

    /// Of whom they are not independent at `now`, besides themselves.
    pub fn depends_on(&self, now: Timestamp) -> Option<UserId> {
        self.account_set_by.filter(|(_, at)| now < *at + TIED_FOR).map(|(by, _)| by)
    }

    /// Whether they are independent of `requester`, and new to the request.
    pub fn check(&self, requester: UserId, decided: &[UserId], now: Timestamp) -> Result<(), NotIndependent> {
        if self.person == requester {
            return Err(NotIndependent::OwnRequest);
        }
        if self.depends_on(now) == Some(requester) {
            return Err(NotIndependent::AccountOfRequester);
        }
        if decided.contains(&self.person) {
            return Err(NotIndependent::DecidedBefore);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: [RequestEvent; 5] = [
        RequestEvent::Approved { complete: false },
        RequestEvent::Approved { complete: true },
        RequestEvent::Denied,
        RequestEvent::TimedOut,
        RequestEvent::Cancelled,
    ];

    #[test]
    fn what_is_decided_stays_decided() {
        for state in RequestStatus::ALL.into_iter().filter(|state| *state != RequestStatus::Pending) {
            for event in EVENTS {
                assert_eq!(state.on(event), Err(NotPending { state }));
            }
        }
    }

    #[test]
    fn a_pending_request_takes_every_event() {
        for event in EVENTS {
            assert!(RequestStatus::Pending.on(event).is_ok());
        }
    }

    #[test]
    fn the_strictest_mode_is_the_greatest() {
        assert!(ApprovalMode::Require > ApprovalMode::BreakGlass);
        assert!(ApprovalMode::BreakGlass > ApprovalMode::Auto);
    }

    #[test]
    fn a_requirement_counts_different_people_of_its_groups() {
        let group = |n| GroupId::from_uuid(uuid::Uuid::from_u128(n));
        let policy = PolicyId::from_uuid(uuid::Uuid::from_u128(9));
        let requirement = ApprovalRequirement { policy, approvals: 2, groups: vec![group(1)] };
        let by = |n, groups: &[u128]| Approver {
            person: person(n),
            groups: groups.iter().copied().map(group).collect(),
        };
        assert!(!requirement.is_met(&[by(1, &[1]), by(1, &[1])]));
        assert!(!requirement.is_met(&[by(1, &[1]), by(2, &[2])]));
        assert!(requirement.is_met(&[by(1, &[1]), by(2, &[2, 1])]));
    }

    fn person(n: u128) -> UserId {
        UserId::from_uuid(uuid::Uuid::from_u128(n))
    }

    #[test]
    fn nobody_decides_their_own_request_by_any_of_their_accounts() {
        let now = Timestamp::from_micros(100 * 86_400_000_000);
        let requester = person(1);
        let own = Reviewer { person: requester, account_set_by: None };
        assert_eq!(own.check(requester, &[], now), Err(NotIndependent::OwnRequest));
        let puppet = Reviewer {
            person: person(2),
            account_set_by: Some((requester, now - crate::Seconds::of(29 * 86_400))),
        };
        assert_eq!(puppet.check(requester, &[], now), Err(NotIndependent::AccountOfRequester));
        let colleague = Reviewer {
            person: person(2),
            account_set_by: Some((requester, now - crate::Seconds::of(31 * 86_400))),
        };
        assert_eq!(colleague.check(requester, &[], now), Ok(()));
        assert_eq!(colleague.check(requester, &[person(2)], now), Err(NotIndependent::DecidedBefore));
    }
}
