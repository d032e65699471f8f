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

/// How long before its end a grant's holder is told: this, or a fifth of its duration if that is less.
pub const TOLD_BEFORE_THE_END: Seconds = Seconds::of(10 * 60);

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

    /// When its holder is to be told that it ends soon; none before AWS was seen to have it.
    pub fn told_at(&self) -> Option<Timestamp> {
        let end = self.expires_at.filter(|_| self.succeeded_at.is_some())?;
        Some(end - notice_before_the_end(self.duration))
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

    /// The same, first seen by a clock that may be wrong: what has started ends when it was to end.
    #[must_use]
    pub fn succeeded_and_ends_as_written(self, now: Timestamp) -> Self {
        Self { expires_at: self.expires_at, ..self.succeeded(now) }
    }

    /// It lasts for `total` from now on, counted from where its duration is counted from: the end moves by as much as
    /// `total` is longer, or will be that much later where it is not known yet. What it must start by stays. Only a live
    /// grant, and never to less.
    pub fn extended(self, total: Seconds, now: Timestamp) -> Result<Self, NotExtended> {
        match self.status(now) {
            GrantStatus::Active if self.failed_at.is_some() || self.missed_its_start(now) => {
                Err(NotExtended::Failed)
            }
            GrantStatus::Active if total <= self.duration => {
                Err(NotExtended::LastsAsLong { duration: self.duration })
            }
            GrantStatus::Active => {
                let more = total.less(self.duration);
                Ok(Self { duration: total, expires_at: self.expires_at.map(|end| end + more), ..self })
            }
            status => Err(NotExtended::Ended(AlreadyEnded { status })),
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

/// How long before the end of what lasts `duration` it is said to end soon.
pub fn notice_before_the_end(duration: Seconds) -> Seconds {
    TOLD_BEFORE_THE_END.min(duration.part(5))
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

/// Why a grant can't last longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotExtended {
    /// It is over.
    #[error(transparent)]
    Ended(AlreadyEnded),
    /// AWS never came to have it, and won't.
    #[error("the grant has failed: ask for the access anew")]
    Failed,
    /// It lasts that long already.
    #[error("the grant lasts {} seconds already", duration.get())]
    LastsAsLong {
        /// How long it lasts.
        duration: Seconds,
    },
}

impl NotExtended {
    /// The state that it is in, in a word.
    pub const fn state(self) -> &'static str {
        match self {
            NotExtended::Ended(AlreadyEnded { status }) => status.as_str(),
            NotExtended::Failed => ProvisioningStatus::Failed.as_str(),
            NotExtended::LastsAsLong { .. } => GrantStatus::Active.as_str(),
        }
    }
}

#[cfg(test)]
mod tests;
