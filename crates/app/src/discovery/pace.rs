//! Reading at a measured pace: assignments share the same limits, and go first.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// How fast AWS is read, in calls a second.
///
/// By AWS's own limits (quotas of IAM Identity Center and Organizations): Identity Center's APIs share 20 calls a
/// second, of which a fifth is taken; Identity Store has 20 for each operation; Organizations has 5, or 8 at once,
/// for the slowest that is called more than once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rates {
    /// Identity Center's own API.
    pub sso_admin: u32,
    /// Its directory.
    pub identity_store: u32,
    /// The organization.
    pub organizations: u32,
}

impl Default for Rates {
    fn default() -> Self {
        Self { sso_admin: 4, identity_store: 10, organizations: 5 }
    }
}

/// So many calls may be made at once after a rest.
const BURST: u32 = 8;

/// One service's pace, within one reading.
pub(super) struct Pace {
    between: Duration,
    next: Mutex<Instant>,
}

impl Pace {
    pub(super) fn new(calls_a_second: u32) -> Self {
        Self::begun(calls_a_second, Instant::now())
    }

    fn begun(calls_a_second: u32, now: Instant) -> Self {
        let between = Duration::from_secs(1) / calls_a_second.max(1);
        Self { between, next: Mutex::new(now.checked_sub(between * BURST).unwrap_or(now)) }
    }

    /// Waits until as many calls may be made at once.
    pub(super) async fn turns(&self, calls: u32) {
        let turn = self.take(calls, Instant::now());
        tokio::time::sleep_until(turn).await;
    }

    fn take(&self, calls: u32, now: Instant) -> Instant {
        let mut next = self.next.lock();
        let rested = now.checked_sub(self.between * BURST).unwrap_or(now);
        let turn = (*next).max(rested);
        *next = turn + self.between * calls;
        turn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_burst_turns_come_no_faster_than_the_pace() {
        let start = Instant::now() + Duration::from_mins(1);
        let pace = Pace::begun(4, start);
        let at_once = (0..100).filter(|_| pace.take(1, start) <= start).count();
        assert_eq!(at_once, 9);
        assert_eq!(pace.take(4, start) - start, Duration::from_secs(23));
        assert_eq!(pace.take(1, start) - start, Duration::from_secs(24));
        let later = start + Duration::from_mins(2);
        let at_once = (0..100).filter(|_| pace.take(1, later) <= later).count();
        assert_eq!(at_once, 9, "no more than a burst is saved up");
    }
}
