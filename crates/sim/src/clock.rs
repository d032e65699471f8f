//! The stand-in's own time: the machine's, moved by an offset and by what tests advance it, or standing still.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// The greatest difference between a request's date and AWS's clock: "… (… - 5 min.)" in the refusals of STS.
const TOLERANCE: SignedDuration = SignedDuration::from_mins(5);

/// Where the stand-in's time comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SimClock {
    /// How far AWS's clock is from the machine's: a caller that is off by more than five minutes is refused.
    offset: SignedDuration,
    /// How much time was skipped.
    advanced: SignedDuration,
    /// Where time stands still.
    frozen: Option<Timestamp>,
}

/// What the control endpoint shows of the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockView {
    /// The stand-in's present instant.
    #[serde(with = "crate::iso")]
    pub now: Timestamp,
    /// Whether it stands still.
    pub frozen: bool,
}

/// On which side of AWS's clock a request's date is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dated {
    Now,
    /// More than the tolerance before this instant, which is AWS's.
    Before(Timestamp),
    /// More than the tolerance after this instant, which is AWS's.
    After(Timestamp),
}

impl SimClock {
    /// The machine's own time.
    pub(crate) fn system() -> Self {
        Self { offset: SignedDuration::ZERO, advanced: SignedDuration::ZERO, frozen: None }
    }

    /// The present instant.
    pub(crate) fn now(&self) -> Timestamp {
        self.frozen.unwrap_or_else(|| shifted(self.wall(), self.advanced))
    }

    /// The present instant as the world outside sees AWS's clock: skipped time is not part of it.
    pub(crate) fn wall(&self) -> Timestamp {
        shifted(machine_now(), self.offset)
    }

    /// Whether a request signed at this instant is signed now. A caller may live in skipped time or not: either is taken.
    pub(crate) fn date(&self, signed_at: Timestamp) -> Dated {
        let wall = self.wall();
        let is_near = |clock: Timestamp| clock.duration_since(signed_at).abs() <= TOLERANCE;
        if is_near(wall) || is_near(self.now()) {
            Dated::Now
        } else if signed_at < wall {
            Dated::Before(wall)
        } else {
            Dated::After(wall)
        }
    }

    /// Skips time (or takes it back, when negative), frozen or not.
    pub(crate) fn advance(&mut self, by: SignedDuration) {
        match &mut self.frozen {
            Some(at) => *at = shifted(*at, by),
            None => self.advanced = self.advanced.saturating_add(by),
        }
    }

    /// Runs on, this far from the machine's time.
    pub(crate) fn run_at_offset(&mut self, offset: SignedDuration) {
        *self = Self { offset, ..Self::system() };
    }

    /// Stands still, here or at the present instant.
    pub(crate) fn freeze(&mut self, at: Option<Timestamp>) {
        self.frozen = Some(at.unwrap_or_else(|| self.now()));
    }

    /// Runs on from the present instant.
    pub(crate) fn thaw(&mut self) {
        if let Some(at) = self.frozen.take() {
            self.advanced = at.duration_since(self.wall());
        }
    }

    /// What is shown of it.
    pub(crate) fn view(&self) -> ClockView {
        ClockView { now: self.now(), frozen: self.frozen.is_some() }
    }
}

/// A time moved by as much, as far as times go.
pub(crate) fn shifted(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.saturating_add(by).unwrap_or(at)
}

#[expect(clippy::disallowed_methods, reason = "the stand-in is a world of its own and keeps its own time")]
fn machine_now() -> Timestamp {
    Timestamp::now()
}
