use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use curfew_domain::{Clock, Timestamp};

/// The clock of a server in earnest: the greater of the wall's time and the last time plus what has passed since.
///
/// It never goes back and never stands still, so no change of the wall clock lengthens anybody's access: when the
/// wall is set back, this clock goes on as if nothing had happened, and is ahead until the wall has caught up. When the
/// wall is set forward, this clock follows it at once, for what ends; what begins waits until that was looked into.
///
/// Where several nodes work on one database its clock takes the wall's place ([`MonotonicWall::follow`]): moments that
/// one node writes are moments that the others wait for.
pub struct MonotonicWall {
    wall: Box<dyn Fn() -> Timestamp + Send + Sync>,
    elapsed: Box<dyn Fn() -> Duration + Send + Sync>,
    /// The clock that all nodes share minus elapsed time, in microseconds; [`NONE`] where there is none.
    shared: AtomicI64,
    /// Wall minus elapsed time, in microseconds, at its greatest so far: what to add to elapsed time.
    offset: AtomicI64,
    /// The last answer, in microseconds.
    last: AtomicI64,
    /// How often the wall went forward by more than time had passed, and how many of these times were looked into.
    leaps: AtomicU64,
    leaps_trusted: AtomicU64,
}

/// Of its own accord a clock drifts, and is slewed, by far less between two readings.
const LEAP: i64 = 5_000_000;

/// No clock is shared.
const NONE: i64 = i64::MIN;

impl MonotonicWall {
    /// The system's clocks, from `kept` on: what this or another process kept of its clock last.
    pub fn from_system(kept: Timestamp) -> Self {
        let begun = Instant::now();
        Self::new(Box::new(system_wall), Box::new(move || begun.elapsed()), kept)
    }

    fn new(
        wall: Box<dyn Fn() -> Timestamp + Send + Sync>,
        elapsed: Box<dyn Fn() -> Duration + Send + Sync>,
        kept: Timestamp,
    ) -> Self {
        let offset = kept.micros().saturating_sub(micros(elapsed()));
        Self {
            wall,
            elapsed,
            shared: AtomicI64::new(NONE),
            offset: AtomicI64::new(offset),
            last: AtomicI64::new(kept.micros()),
            leaps: AtomicU64::new(0),
            leaps_trusted: AtomicU64::new(0),
        }
    }

    /// Takes over what was kept of the clock, where that is later.
    pub fn not_before(&self, kept: Timestamp) {
        let offset = kept.micros().saturating_sub(micros((self.elapsed)()));
        self.offset.fetch_max(offset, Ordering::SeqCst);
        self.last.fetch_max(kept.micros(), Ordering::SeqCst);
    }

    /// From now on the clock that all nodes share is followed, and no longer this machine's: `moment` is what it says, or
    /// said just before. To be told again and again. The first time nothing was decided by this machine's clock yet, and
    /// what that said is forgotten.
    pub fn follow(&self, moment: Timestamp) {
        let offset = moment.micros().saturating_sub(micros((self.elapsed)()));
        if self.shared.swap(offset, Ordering::SeqCst) == NONE {
            self.offset.store(offset, Ordering::SeqCst);
            self.last.store(moment.micros(), Ordering::SeqCst);
            self.trust(self.leaps());
        }
    }

    /// How far this clock is ahead of the one that it follows.
    pub fn ahead(&self) -> Duration {
        let now = self.now();
        let elapsed = micros((self.elapsed)());
        now.since(Timestamp::from_micros(self.followed(elapsed).saturating_add(elapsed)))
    }

    /// What the clock that is followed says, minus elapsed time.
    fn followed(&self, elapsed: i64) -> i64 {
        match self.shared.load(Ordering::SeqCst) {
            NONE => self.wall().micros().saturating_sub(elapsed),
            shared => shared,
        }
    }

    /// How often it has leapt so far, to [`MonotonicWall::trust`] once that was looked into.
    pub fn leaps(&self) -> u64 {
        self.leaps.load(Ordering::SeqCst)
    }

    /// The first so many leaps were right, and are kept.
    pub fn trust(&self, leaps: u64) {
        self.leaps_trusted.fetch_max(leaps, Ordering::SeqCst);
    }

    /// What this machine's clock says.
    pub fn wall(&self) -> Timestamp {
        (self.wall)()
    }
}

impl Clock for MonotonicWall {
    fn now(&self) -> Timestamp {
        let elapsed = micros((self.elapsed)());
        let by_wall = self.followed(elapsed);
        // Counted before anybody's time is beyond it.
        if by_wall > self.offset.load(Ordering::SeqCst).saturating_add(LEAP) {
            self.leaps.fetch_add(1, Ordering::SeqCst);
        }
        let offset = self.offset.fetch_max(by_wall, Ordering::SeqCst).max(by_wall);
        let now = offset.saturating_add(elapsed);
        let last = self.last.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |last| Some(now.max(last + 1)));
        let (Ok(last) | Err(last)) = last;
        Timestamp::from_micros(now.max(last + 1))
    }

    fn has_leapt(&self) -> bool {
        self.leaps() > self.leaps_trusted.load(Ordering::SeqCst)
    }
}

impl std::fmt::Debug for MonotonicWall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MonotonicWall").field("last", &self.last).finish_non_exhaustive()
    }
}

/// The one place that asks the system for the time.
#[expect(clippy::disallowed_methods, reason = "the wiring is where the clock comes from")]
fn system_wall() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(micros(since_epoch))
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    /// A wall clock and a stopwatch that are moved by hand.
    struct Hands {
        wall: Arc<AtomicI64>,
        elapsed: Arc<AtomicI64>,
        clock: MonotonicWall,
    }

    const NOON: i64 = 1_772_366_400_000_000;
    const SECOND: i64 = 1_000_000;

    fn hands(kept: i64) -> Hands {
        let (wall, elapsed) = (Arc::new(AtomicI64::new(NOON)), Arc::new(AtomicI64::new(0)));
        let clock = MonotonicWall::new(
            Box::new({
                let wall = Arc::clone(&wall);
                move || Timestamp::from_micros(wall.load(Ordering::SeqCst))
            }),
            Box::new({
                let elapsed = Arc::clone(&elapsed);
                move || Duration::from_micros(elapsed.load(Ordering::SeqCst).unsigned_abs())
            }),
            Timestamp::from_micros(kept),
        );
        Hands { wall, elapsed, clock }
    }

    impl Hands {
        fn pass(&self, micros: i64) {
            self.wall.fetch_add(micros, Ordering::SeqCst);
            self.elapsed.fetch_add(micros, Ordering::SeqCst);
        }

        fn now(&self) -> i64 {
            self.clock.now().micros()
        }
    }

    #[test]
    fn it_follows_the_wall_and_never_stands_still() {
        let hands = hands(0);
        assert_eq!(hands.now(), NOON);
        assert_eq!(hands.now(), NOON + 1);
        hands.pass(SECOND);
        assert_eq!(hands.now(), NOON + SECOND);
        assert_eq!(hands.clock.ahead().as_micros(), 1);
    }

    #[test]
    fn a_wall_that_is_set_back_does_not_take_it_along() {
        let hands = hands(0);
        hands.pass(SECOND);
        let before = hands.now();
        hands.wall.fetch_sub(3_600 * SECOND, Ordering::SeqCst);
        hands.pass(10 * SECOND);
        assert_eq!(hands.now(), before + 10 * SECOND);
        assert_eq!(hands.clock.ahead(), Duration::from_micros(3_600_000_001));
    }

    #[test]
    fn a_wall_that_is_set_forward_is_followed() {
        let hands = hands(0);
        hands.wall.fetch_add(3_600 * SECOND, Ordering::SeqCst);
        assert_eq!(hands.now(), NOON + 3_600 * SECOND);
        hands.pass(SECOND);
        assert_eq!(hands.now(), NOON + 3_601 * SECOND);
    }

    #[test]
    fn a_leap_forward_is_not_trusted_before_somebody_has_looked_into_it() {
        let hands = hands(NOON);
        hands.now();
        assert!(!hands.clock.has_leapt());
        hands.wall.fetch_add(4 * SECOND, Ordering::SeqCst);
        hands.now();
        assert!(!hands.clock.has_leapt(), "it may have been slewed");
        hands.wall.fetch_add(6 * SECOND, Ordering::SeqCst);
        hands.now();
        let seen = hands.clock.leaps();
        assert!(hands.clock.has_leapt());
        hands.wall.fetch_add(600 * SECOND, Ordering::SeqCst);
        hands.now();
        hands.clock.trust(seen);
        assert!(hands.clock.has_leapt(), "another one came meanwhile");
        hands.clock.trust(hands.clock.leaps());
        hands.wall.fetch_sub(600 * SECOND, Ordering::SeqCst);
        hands.pass(3_600 * SECOND);
        hands.now();
        assert!(!hands.clock.has_leapt());
    }

    #[test]
    fn it_follows_the_clock_that_all_share_whatever_the_wall_says() {
        let hands = hands(0);
        hands.wall.fetch_add(3_600 * SECOND, Ordering::SeqCst);
        assert_eq!(hands.now(), NOON + 3_600 * SECOND);
        hands.clock.follow(Timestamp::from_micros(NOON));
        assert!(hands.now() < NOON + SECOND, "nothing was decided by the other one");
        assert!(!hands.clock.has_leapt());
        hands.wall.fetch_add(3_600 * SECOND, Ordering::SeqCst);
        hands.pass(SECOND);
        let now = hands.now();
        assert!((NOON + SECOND..NOON + 2 * SECOND).contains(&now));
        assert!(!hands.clock.has_leapt());
        hands.clock.follow(Timestamp::from_micros(NOON));
        assert!(hands.now() > now, "not back either");
        assert!((SECOND..2 * SECOND).contains(&micros(hands.clock.ahead())));
        hands.clock.follow(Timestamp::from_micros(NOON + 60 * SECOND));
        assert!(hands.now() >= NOON + 60 * SECOND);
        assert!(hands.clock.has_leapt());
    }

    #[test]
    fn it_goes_on_from_where_it_was_kept() {
        let kept = NOON + 600 * SECOND;
        let hands = hands(kept);
        assert!(hands.now() > kept);
        hands.pass(SECOND);
        assert!(hands.now() >= kept + SECOND);
        assert!(hands.clock.ahead() >= Duration::from_mins(10));

        let late = self::hands(0);
        late.now();
        late.clock.not_before(Timestamp::from_micros(kept));
        assert!(late.now() > kept);
    }
}
