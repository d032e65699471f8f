//! Many measurements in a few figures.

use std::time::Duration;

/// Times of the same thing, done over and over.
#[derive(Default)]
pub(crate) struct Times(Vec<Duration>);

impl Times {
    pub(crate) fn add(&mut self, time: Duration) {
        self.0.push(time);
    }

    pub(crate) fn extend(&mut self, other: Times) {
        self.0.extend(other.0);
    }

    /// The time that this share of them did not exceed.
    pub(crate) fn quantile(&self, share: f64) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort();
        let last = sorted.len().checked_sub(1).expect("something was measured");
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "an index into a list in memory, by a share from 0 to 1"
        )]
        let index = (last as f64 * share).round() as usize;
        sorted[index]
    }

    pub(crate) fn median(&self) -> Duration {
        self.quantile(0.5)
    }
}

pub(crate) fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

pub(crate) fn microseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000_000.0
}

/// "goal at most 1.10: reached".
pub(crate) fn against(figure: f64, goal: f64, more_is_better: bool) -> String {
    let (side, reached) =
        if more_is_better { ("at least", figure >= goal) } else { ("at most", figure <= goal) };
    format!("goal {side} {goal}: {}", if reached { "reached" } else { "MISSED" })
}
