//! Reading at a measured pace: assignments share the same limits, and go first.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::pace::Turns;

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
pub(super) struct Pace(Mutex<Turns>);

impl Pace {
    pub(super) fn new(calls_a_second: u32) -> Self {
        let between = Duration::from_secs(1) / calls_a_second.max(1);
        Self(Mutex::new(Turns::begun(between, Instant::now()).having_saved(BURST)))
    }

    /// Waits until as many calls may be made at once.
    pub(super) async fn turns(&self, calls: u32) {
        let turn = self.0.lock().take(calls, Instant::now());
        tokio::time::sleep_until(turn).await;
    }

    /// Lets so many turns pass.
    pub(super) fn rest(&self, turns: u32) {
        self.0.lock().rest(turns, Instant::now());
    }
}

/// How many turns pass before a call that failed is made again, each time longer: some four minutes in all, at Identity
/// Center's pace. A reading takes thousands of calls, and none of them shall make it begin anew.
pub(super) fn rests() -> impl Iterator<Item = u32> {
    (0..7).map(|nth| BURST << nth)
}
