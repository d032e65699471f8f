//! A grant: why somebody has access, and until when.
//!
//! Only moments are stored. What a grant *is* follows from them and from now, so time alone ends it: there is no
//! job that could be lost.

use serde::{Deserialize, Serialize};

use crate::assignment::Phase;
use crate::{Invalid, Seconds, Timestamp};

/// How long after its decision a grant may still be created; later it never is.
pub const START_WITHIN: Seconds = Seconds::of(15 * 60);

/// How much later than first written the end may become when success is seen.
pub const END_MAY_MOVE_BY: Seconds = Seconds::of(5 * 60);

/// The moments of a grant, as stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct GrantTimes {
    /// How long the access lasts.
    pub duration: Seconds,
    /// When it was decided.
    pub decided_at: Timestamp,
    /// Until when its first creation may be sent.
    pub start_by: Timestamp,
    /// When its first creation was sent. Set together with `expires_at`, before the call.
    pub started_at: Option<Timestamp>,
    /// When AWS was first seen to have it whole.
    pub succeeded_at: Option<Timestamp>,
    /// When it ends; unknown until it has started.
    pub expires_at: Option<Timestamp>,
    /// When it failed for good.
    pub failed_at: Option<Timestamp>,
    /// When somebody ended it.
    pub revoked_at: Option<Timestamp>,
}

impl GrantTimes {
    /// The moments of a grant that was decided just now.
    pub fn decided(now: Timestamp, duration: Seconds) -> Self {
        Self {
            duration,
            decided_at: now,
            start_by: now + START_WITHIN,
            started_at: None,
            succeeded_at: None,
            expires_at: None,
            failed_at: None,
            revoked_at: None,
        }
    }

    /// When time ends it: its `expires_at`, or before its first call its `start_by`.
    pub fn ends_at(&self) -> Timestamp {
        self.expires_at.unwrap_or(self.start_by)
    }

    /// Whether it is a reason for an assignment to exist.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.failed_at.is_none() && now < self.ends_at()
    }

    /// When it is no reason for an assignment any more, unless something changes: by time, failure or somebody's will.
    pub fn over_at(&self) -> Timestamp {
        let early = [self.revoked_at, self.failed_at].into_iter().flatten().min();
        early.map_or(self.ends_at(), |early| early.min(self.ends_at()))
    }

    /// Whether AWS was not seen to have it by the time that was allowed for it.
    pub fn missed_its_start(&self, now: Timestamp) -> bool {
        self.succeeded_at.is_none() && self.failed_at.is_none() && now >= self.start_by
    }

    /// The first creation is about to be sent: the end is written before the call, so that a crash or a lost
    /// reply can't stretch it. A grant that has started keeps its end.
    #[must_use]
    pub fn started(self, now: Timestamp) -> Self {
        if self.started_at.is_some() {
            return self;
        }
        Self { started_at: Some(now), expires_at: Some(now + self.duration), ..self }
    }

    /// AWS has it whole, first seen now: the duration counts from here, within [`END_MAY_MOVE_BY`] of what was
    /// first written. A grant that has ended stays ended.
    #[must_use]
    pub fn succeeded(self, now: Timestamp) -> Self {
        if self.succeeded_at.is_some() || !self.is_live(now) {
            return self;
        }
        let started_at = self.started_at.unwrap_or(now);
        let latest = started_at + self.duration + END_MAY_MOVE_BY;
        Self {
            started_at: Some(started_at),
            succeeded_at: Some(now),
            expires_at: Some((now + self.duration).min(latest)),
            ..self
        }
    }

    /// It failed for good.
    #[must_use]
    pub fn failed(self, now: Timestamp) -> Self {
        Self { failed_at: self.failed_at.or(Some(now)), ..self }
    }

    /// Somebody ends it now. What has ended can't be revoked.
    pub fn revoked(self, now: Timestamp) -> Result<Self, AlreadyEnded> {
        match self.status(now) {
            GrantStatus::Active => Ok(Self { revoked_at: Some(now), ..self }),
            status => Err(AlreadyEnded { status }),
        }
    }

    /// What the grantee is entitled to.
    pub fn status(&self, now: Timestamp) -> GrantStatus {
        if self.revoked_at.is_some() {
            GrantStatus::Revoked
        } else if now >= self.ends_at() {
            GrantStatus::Expired
        } else {
            GrantStatus::Active
        }
    }

    /// What AWS holds of it, read off its assignments: the least advanced one speaks for all.
    pub fn provisioning(
        &self,
        now: Timestamp,
        assignments: impl IntoIterator<Item = AssignmentView>,
    ) -> ProvisioningStatus {
        let views: Vec<AssignmentView> = assignments.into_iter().collect();
        if self.status(now) != GrantStatus::Active {
            let over = views.iter().all(|view| view.is_over());
            return if over { ProvisioningStatus::Revoked } else { ProvisioningStatus::Revoking };
        }
        if self.failed_at.is_some() {
            return ProvisioningStatus::Failed;
        }
        views.iter().map(|view| view.phase.provisioning()).min().unwrap_or(ProvisioningStatus::Pending)
    }
}

/// An assignment as one of its grants sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AssignmentView {
    /// Where it stands in AWS.
    pub phase: Phase,
    /// Whether another live grant needs it, so that it stays.
    pub needed_by_another: bool,
}

impl AssignmentView {
    /// Whether nothing more has to happen in AWS for a grant that has ended.
    fn is_over(self) -> bool {
        self.needed_by_another || matches!(self.phase, Phase::Unseen | Phase::Gone | Phase::Standing)
    }
}

/// What the grantee is entitled to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantStatus {
    /// Entitled.
    Active,
    /// Time is up.
    Expired,
    /// Ended early.
    Revoked,
}

impl GrantStatus {
    /// All of them.
    pub const ALL: [GrantStatus; 3] = [GrantStatus::Active, GrantStatus::Expired, GrantStatus::Revoked];

    /// The contract's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            GrantStatus::Active => "active",
            GrantStatus::Expired => "expired",
            GrantStatus::Revoked => "revoked",
        }
    }
}

impl std::fmt::Display for GrantStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for GrantStatus {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| Invalid::new("a grant's status is one of active, expired, revoked"))
    }
}

/// What AWS holds, least advanced first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProvisioningStatus {
    /// Nothing done yet.
    Pending,
    /// AWS works on it.
    Provisioning,
    /// It exists.
    Successful,
    /// AWS refused for good, or it was too late.
    Failed,
    /// Being taken back.
    Revoking,
    /// Gone.
    Revoked,
}

impl ProvisioningStatus {
    /// All of them.
    pub const ALL: [ProvisioningStatus; 6] = [
        ProvisioningStatus::Pending,
        ProvisioningStatus::Provisioning,
        ProvisioningStatus::Successful,
        ProvisioningStatus::Failed,
        ProvisioningStatus::Revoking,
        ProvisioningStatus::Revoked,
    ];

    /// The contract's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            ProvisioningStatus::Pending => "pending",
            ProvisioningStatus::Provisioning => "provisioning",
            ProvisioningStatus::Successful => "successful",
            ProvisioningStatus::Failed => "failed",
            ProvisioningStatus::Revoking => "revoking",
            ProvisioningStatus::Revoked => "revoked",
        }
    }
}

impl std::str::FromStr for ProvisioningStatus {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::ALL.into_iter().find(|status| status.as_str() == text).ok_or_else(|| {
            Invalid::new(
                "a provisioning status is one of pending, provisioning, successful, failed, revoking, revoked",
            )
        })
    }
}

/// A grant that has ended can't be ended again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the grant is {status}, no longer active")]
pub struct AlreadyEnded {
    /// What it is instead.
    pub status: GrantStatus,
}

#[cfg(test)]
mod tests {
    use super::*;

    const DECIDED: Timestamp = Timestamp::from_micros(1_000_000_000_000);
    const HOUR: Seconds = Seconds::of(3_600);

    fn at(seconds: u32) -> Timestamp {
        DECIDED + Seconds::of(seconds)
    }

    #[test]
    fn a_grant_that_never_starts_is_over_after_fifteen_minutes() {
        let grant = GrantTimes::decided(DECIDED, HOUR);
        assert!(grant.is_live(at(899)));
        assert!(!grant.is_live(at(900)));
        assert!(grant.missed_its_start(at(900)));
        assert_eq!(grant.status(at(900)), GrantStatus::Expired);
    }

    #[test]
    fn a_grant_is_over_at_the_first_of_its_ends() {
        let grant = GrantTimes::decided(DECIDED, HOUR).started(at(10));
        assert_eq!(grant.over_at(), at(3_610));
        assert_eq!(grant.failed(at(20)).over_at(), at(20));
        assert_eq!(grant.failed(at(20)).revoked(at(30)).unwrap().over_at(), at(20));
        assert_eq!(grant.failed(at(9_000)).over_at(), at(3_610));
    }

    #[test]
    fn the_end_is_written_before_the_first_call_and_counts_from_success() {
        let grant = GrantTimes::decided(DECIDED, HOUR).started(at(10));
        assert_eq!(grant.expires_at, Some(at(3_610)));
        assert_eq!(grant.started(at(100)), grant);
        let grant = grant.succeeded(at(40));
        assert_eq!(grant.expires_at, Some(at(3_640)));
        assert_eq!(grant.succeeded(at(80)), grant);
    }

    #[test]
    fn a_late_success_moves_the_end_by_five_minutes_at_most() {
        let grant = GrantTimes::decided(DECIDED, HOUR).started(at(10)).succeeded(at(800));
        assert_eq!(grant.expires_at, Some(at(3_910)));
    }

    #[test]
    fn a_success_after_the_end_does_not_bring_it_back() {
        let grant = GrantTimes::decided(DECIDED, Seconds::of(5)).started(at(10));
        assert_eq!(grant.succeeded(at(15)), grant);
        assert!(!grant.is_live(at(15)));
    }

    #[test]
    fn what_has_ended_can_not_be_revoked() {
        let grant = GrantTimes::decided(DECIDED, HOUR).started(at(0));
        let revoked = grant.revoked(at(1)).unwrap();
        assert!(!revoked.is_live(at(2)));
        assert_eq!(revoked.revoked(at(2)), Err(AlreadyEnded { status: GrantStatus::Revoked }));
        assert_eq!(grant.revoked(at(3_600)), Err(AlreadyEnded { status: GrantStatus::Expired }));
    }

    #[test]
    fn an_ended_grant_is_revoking_until_its_last_assignment_is_gone_or_needed_by_another() {
        let grant = GrantTimes::decided(DECIDED, HOUR).started(at(0)).revoked(at(1)).unwrap();
        let view = |phase, needed_by_another| AssignmentView { phase, needed_by_another };
        let status = |views: &[AssignmentView]| grant.provisioning(at(2), views.iter().copied());
        assert_eq!(
            status(&[view(Phase::Gone, false), view(Phase::Deleting, false)]),
            ProvisioningStatus::Revoking
        );
        assert_eq!(
            status(&[view(Phase::Gone, false), view(Phase::Present, true)]),
            ProvisioningStatus::Revoked
        );
        assert_eq!(status(&[view(Phase::Standing, false)]), ProvisioningStatus::Revoked);
    }

    #[test]
    fn the_least_advanced_assignment_speaks_for_a_live_grant() {
        let grant = GrantTimes::decided(DECIDED, HOUR).started(at(0));
        let view = |phase| AssignmentView { phase, needed_by_another: false };
        let status = |phases: &[Phase]| grant.provisioning(at(2), phases.iter().map(|phase| view(*phase)));
        assert_eq!(status(&[Phase::Present, Phase::Unseen]), ProvisioningStatus::Pending);
        assert_eq!(status(&[Phase::Present, Phase::Creating]), ProvisioningStatus::Provisioning);
        assert_eq!(status(&[Phase::Present, Phase::Standing]), ProvisioningStatus::Successful);
    }
}
