//! While much comes to its end at once, all else holds few places: the machine and the database are for what is to be
//! taken back.
//!
//! Others stand back for some seconds at most, and again only after a time in which less has ended: where much ends all
//! the time, or an AWS does not answer, access is given all the same.

use std::time::Duration;

use tokio::time::Instant;

/// So many rows of all connections are attended to meanwhile that are not about to be taken back.
pub(super) const PLACES_UNDER_PRESSURE: usize = 4;

/// When those who stand back should be looked for again.
pub(super) const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// So much that is about to be taken back is much, and more of it is expected for so long.
const MUCH: usize = 8;
const LASTS: Duration = Duration::from_millis(250);

/// How long others stand back at most; a time without pressure earns half of itself, up to this.
const LONGEST: Duration = Duration::from_secs(4);

/// Whether much is being taken back now.
#[derive(Debug)]
pub(super) struct Pressure {
    /// How long others may still be asked to stand back.
    left: Duration,
    /// When that was reckoned, and whether it was much then.
    as_of: Option<(Instant, bool)>,
    /// When it was much last.
    last: Option<Instant>,
}

impl Pressure {
    /// There is none yet.
    pub(super) const fn none() -> Self {
        Self { left: LONGEST, as_of: None, last: None }
    }

    /// Whether others stand back now, where so many rows wait or are about to be taken back.
    pub(super) fn is_high(&mut self, about_to_end: usize, now: Instant) -> bool {
        if about_to_end >= MUCH {
            self.last = Some(now);
        }
        let much = self.last.is_some_and(|last| now < last + LASTS);
        if let Some((before, was_much)) = self.as_of.replace((now, much)) {
            let passed = now.saturating_duration_since(before);
            self.left =
                if was_much { self.left.saturating_sub(passed) } else { LONGEST.min(self.left + passed / 2) };
        }
        much && !self.left.is_zero()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_ends_make_no_pressure() {
        let (mut pressure, now) = (Pressure::none(), Instant::now());
        assert!(!pressure.is_high(MUCH - 1, now));
        assert!(pressure.is_high(MUCH, now));
        assert!(pressure.is_high(0, now), "more of it is expected");
        assert!(!pressure.is_high(0, now + LASTS));
    }

    #[test]
    fn who_has_ends_all_the_time_gives_access_all_the_same() {
        let (mut pressure, now) = (Pressure::none(), Instant::now());
        assert!(pressure.is_high(MUCH, now));
        assert!(pressure.is_high(MUCH, now + LONGEST / 2));
        assert!(!pressure.is_high(MUCH, now + LONGEST), "others have waited for long enough");
        assert!(!pressure.is_high(MUCH, now + LONGEST * 100));
        let quiet = now + LONGEST * 100 + LASTS;
        assert!(!pressure.is_high(0, quiet));
        assert!(pressure.is_high(MUCH, quiet + LONGEST));
        assert!(!pressure.is_high(MUCH, quiet + LONGEST + LONGEST / 2), "half of the time was earned");
    }
}
