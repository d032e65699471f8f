//! The leases that this node holds, as far as it can know.

use std::collections::HashMap;
use std::time::Duration;

use curfew_domain::TenantId;
use parking_lot::Mutex;
use tokio::time::Instant;

/// How long a lease lasts, on the database's clock.
pub(super) const LASTS: Duration = Duration::from_secs(15);

/// How often it is renewed.
pub(super) const RENEW_EVERY: Duration = Duration::from_secs(5);

/// A call to AWS takes 8 s at most, and starts only with this much of the lease left.
const NEEDED_FOR_A_CALL: Duration = Duration::from_secs(9);

/// The right to act on one tenant's AWS connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Held {
    /// Numbers the owners; every write of observed state carries it.
    pub(super) fence: u64,
    /// Until when at most, on this process's own clock: counted from before the database was asked, so that it
    /// ends here no later than there.
    until: Instant,
}

impl Held {
    /// A lease that the database gave to a question asked at `asked`.
    pub(super) fn given(fence: u64, asked: Instant) -> Self {
        Self { fence, until: asked + LASTS }
    }

    /// Whether a call may start at `now`.
    pub(super) fn allows_a_call(&self, now: Instant) -> bool {
        now + NEEDED_FOR_A_CALL <= self.until
    }
}

/// All leases of this node.
#[derive(Debug, Default)]
pub(super) struct Leases(Mutex<HashMap<TenantId, Held>>);

impl Leases {
    /// The lease on a tenant's connection, if this node holds one that is not over.
    pub(super) fn held(&self, tenant: TenantId, now: Instant) -> Option<Held> {
        self.0.lock().get(&tenant).copied().filter(|held| now < held.until)
    }

    /// Whose connections this node owns.
    pub(super) fn tenants(&self) -> Vec<TenantId> {
        self.0.lock().keys().copied().collect()
    }

    /// Whose connections this node may act on at `now`: of those that it owns, the ones whose lease is not over.
    pub(super) fn held_at(&self, now: Instant) -> Vec<TenantId> {
        let leases = self.0.lock();
        leases.iter().filter(|(_, held)| now < held.until).map(|(tenant, _)| *tenant).collect()
    }

    /// Takes note of a lease that was given or renewed.
    pub(super) fn note(&self, tenant: TenantId, held: Held) {
        self.0.lock().insert(tenant, held);
    }

    /// Takes note that a lease was lost or handed over.
    pub(super) fn drop(&self, tenant: TenantId) {
        self.0.lock().remove(&tenant);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_call_starts_with_less_than_nine_seconds_left() {
        let asked = Instant::now();
        let held = Held::given(1, asked);
        assert!(held.allows_a_call(asked + Duration::from_secs(6)));
        assert!(!held.allows_a_call(asked + Duration::from_millis(6_001)));
    }

    #[test]
    fn a_lease_that_is_over_is_not_held() {
        let (leases, tenant) =
            (Leases::default(), TenantId::from_uuid("00000000-0000-7000-8000-000000000009".parse().unwrap()));
        let asked = Instant::now();
        leases.note(tenant, Held::given(3, asked));
        assert_eq!(leases.held(tenant, asked + Duration::from_secs(14)).map(|held| held.fence), Some(3));
        assert_eq!(leases.held_at(asked + Duration::from_secs(14)), [tenant]);
        assert_eq!(leases.held(tenant, asked + LASTS), None);
        assert_eq!(leases.held_at(asked + LASTS), []);
        assert_eq!(leases.tenants(), [tenant], "it is renewed all the same");
    }
}
