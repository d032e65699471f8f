//! Reading at a measured pace: assignments share the same limits, and go first.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// How fast AWS is read, in calls a second.
///
/// By AWS's own limits (quotas of IAM Identity Center and Organizations): Identity Center's APIs share 20 calls a
/// second, of which a fifth is taken; Identity Store has 20 for each operation; Organizations has 5 to 10, and 1
/// for what is asked once.
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
        Self { sso_admin: 4, identity_store: 10, organizations: 3 }
    }
}

/// One service's pace, within one reading.
pub(super) struct Pace {
    between: Duration,
    next: Mutex<Instant>,
}

impl Pace {
    pub(super) fn new(calls_a_second: u32) -> Self {
        Self { between: Duration::from_secs(1) / calls_a_second.max(1), next: Mutex::new(Instant::now()) }
    }

    /// Waits until as many calls may be made at once.
    pub(super) async fn turns(&self, calls: u32) {
        let turn = self.take(calls, Instant::now());
        tokio::time::sleep_until(turn).await;
    }

    fn take(&self, calls: u32, now: Instant) -> Instant {
        let mut next = self.next.lock();
        let turn = (*next).max(now);
        *next = turn + self.between * calls;
        turn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_come_no_faster_than_the_pace() {
        let pace = Pace::new(4);
        let start = Instant::now() + Duration::from_secs(1);
        assert_eq!(pace.take(1, start), start);
        assert_eq!(pace.take(3, start) - start, Duration::from_millis(250));
        assert_eq!(pace.take(1, start) - start, Duration::from_secs(1));
        let later = start + Duration::from_mins(1);
        assert_eq!(pace.take(1, later), later, "what was not used is not saved up");
    }
}
