//! The stand-in's own time: the machine's, moved by an offset, or standing still until it is advanced.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// Where the stand-in's time comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SimClock {
    /// The machine's time plus this much.
    Running { offset: SignedDuration },
    /// Always this instant.
    Frozen { at: Timestamp },
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

impl SimClock {
    /// The machine's own time.
    pub(crate) fn system() -> Self {
        Self::Running { offset: SignedDuration::ZERO }
    }

    /// The present instant.
    pub(crate) fn now(&self) -> Timestamp {
        match *self {
            Self::Running { offset } => shifted(machine_now(), offset),
            Self::Frozen { at } => at,
        }
    }

    /// Moves time forward (or back, when negative), frozen or not.
    pub(crate) fn advance(&mut self, by: SignedDuration) {
        match self {
            Self::Running { offset } => *offset = offset.saturating_add(by),
            Self::Frozen { at } => *at = shifted(*at, by),
        }
    }

    /// Runs on, this far from the machine's time.
    pub(crate) fn run_at_offset(&mut self, offset: SignedDuration) {
        *self = Self::Running { offset };
    }

    /// Stands still, here or at the present instant.
    pub(crate) fn freeze(&mut self, at: Option<Timestamp>) {
        *self = Self::Frozen { at: at.unwrap_or_else(|| self.now()) };
    }

    /// Runs on from the present instant.
    pub(crate) fn thaw(&mut self) {
        let offset = self.now().duration_since(machine_now());
        *self = Self::Running { offset };
    }

    /// What is shown of it.
    pub(crate) fn view(&self) -> ClockView {
        ClockView { now: self.now(), frozen: matches!(self, Self::Frozen { .. }) }
    }
}

fn shifted(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.saturating_add(by).unwrap_or(at)
}

#[expect(clippy::disallowed_methods, reason = "the stand-in is a world of its own and keeps its own time")]
fn machine_now() -> Timestamp {
    Timestamp::now()
}
