//! AWS's rate limits, kept to before AWS enforces them.

use std::collections::HashMap;
use std::time::Duration;

use curfew_domain::TenantId;
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::pace::Turns;

/// Identity Center's APIs share 20 calls/s an account (IAM Identity Center quotas, "API throttle limits").
const CALLS_A_SECOND: u32 = 20;

/// A slot every 50 ms for each connection; one owner calls, so no agreement between nodes is needed.
#[derive(Debug, Default)]
pub(super) struct Paces(Mutex<HashMap<TenantId, Turns>>);

impl Paces {
    /// Waits for the connection's next free slot. Idle time gives back up to one second's worth of calls.
    pub(super) async fn take(&self, tenant: TenantId) {
        let slot = self.next_slot(tenant, Instant::now());
        tokio::time::sleep_until(slot).await;
    }

    fn next_slot(&self, tenant: TenantId, now: Instant) -> Instant {
        let between = Duration::from_secs(1) / CALLS_A_SECOND;
        let mut tenants = self.0.lock();
        let turns =
            tenants.entry(tenant).or_insert_with(|| Turns::begun(between, now).saving(CALLS_A_SECOND));
        turns.take(1, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_followed_by_one_call_every_fiftieth_of_a_second() {
        let (paces, tenant) =
            (Paces::default(), TenantId::from_uuid("00000000-0000-7000-8000-000000000009".parse().unwrap()));
        let start = Instant::now();
        let later = start + Duration::from_secs(10);
        paces.next_slot(tenant, start);
        let at_once = (0..100).filter(|_| paces.next_slot(tenant, later) <= later).count();
        assert_eq!(at_once, 21);
        let ahead = paces.next_slot(tenant, later) - later;
        assert_eq!(ahead, Duration::from_millis(50) * 80);
    }
}
