//! Turns that come no faster than a pace.

use std::time::Duration;

use tokio::time::Instant;

/// Turns one after the other, `between` apart. Those that nobody took may be taken later, all at once, but no more of
/// them than `saved`.
#[derive(Debug)]
pub(crate) struct Turns {
    between: Duration,
    saved: u32,
    next: Instant,
}

impl Turns {
    /// From `now` on; nothing is ever saved up.
    pub(crate) fn begun(between: Duration, now: Instant) -> Self {
        Self { between, saved: 0, next: now }
    }

    /// So many are saved up already.
    #[must_use]
    pub(crate) fn having_saved(self, saved: u32) -> Self {
        let next = self.next.checked_sub(self.between * saved).unwrap_or(self.next);
        Self { saved, next, ..self }
    }

    /// When the next turn is.
    pub(crate) fn next(&self, now: Instant) -> Instant {
        self.next.max(now.checked_sub(self.between * self.saved).unwrap_or(now))
    }

    /// Takes so many turns at once: when they are.
    pub(crate) fn take(&mut self, turns: u32, now: Instant) -> Instant {
        let turn = self.next(now);
        self.next = turn + self.between * turns;
        turn
    }

    /// Lets so many turns pass, and what was saved.
    pub(crate) fn rest(&mut self, turns: u32, now: Instant) {
        self.next = self.next.max(now) + self.between * turns;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn at_once(turns: &mut Turns, now: Instant) -> usize {
        (0..100).filter(|_| turns.take(1, now) <= now).count()
    }

    #[test]
    fn turns_come_no_faster_than_the_pace() {
        let now = Instant::now();
        let mut turns = Turns::begun(SECOND, now);
        let waits: Vec<_> = (0..3).map(|_| (turns.take(1, now) - now).as_secs()).collect();
        assert_eq!(waits, [0, 1, 2]);
        let later = now + SECOND * 60;
        assert_eq!(at_once(&mut turns, later), 1, "nothing was saved up");
    }

    #[test]
    fn no_more_is_saved_up_than_may_be() {
        let now = Instant::now();
        let later = now + SECOND * 3_600;
        assert_eq!(at_once(&mut Turns::begun(SECOND, later).having_saved(8), later), 9);
    }

    #[test]
    fn a_rest_takes_what_was_saved_with_it() {
        let now = Instant::now() + SECOND * 60;
        let mut turns = Turns::begun(SECOND, now).having_saved(8);
        turns.rest(16, now);
        assert_eq!(turns.take(4, now) - now, SECOND * 16);
        assert_eq!(turns.take(1, now) - now, SECOND * 20);
    }
}
