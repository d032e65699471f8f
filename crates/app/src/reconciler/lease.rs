//! The leases that this node holds, as far as it can know.

use std::collections::HashMap;
use std::time::Duration;

use curfew_domain::TenantId;
use parking_lot::Mutex;
use tokio::time::Instant;

/// How long a lease lasts, on the database's clock.
pub(crate) const LASTS: Duration = Duration::from_secs(15);

/// How often it is renewed.
pub(crate) const RENEW_EVERY: Duration = Duration::from_secs(5);

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
pub(super) struct Leases {
    held: Mutex<HashMap<TenantId, Held>>,
    /// When those that another node held were last asked for.
    others: Mutex<HashMap<TenantId, Instant>>,
}

impl Leases {
    /// The lease on a tenant's connection, if this node holds one that is not over.
    pub(super) fn held(&self, tenant: TenantId, now: Instant) -> Option<Held> {
        self.held.lock().get(&tenant).copied().filter(|held| now < held.until)
    }

    /// The same lease as it is by now: it may have been renewed meanwhile, or lost.
    pub(super) fn still(&self, tenant: TenantId, held: Held, now: Instant) -> Option<Held> {
        self.held(tenant, now).filter(|still| still.fence == held.fence)
    }

    /// Whose connections this node owns.
    pub(super) fn tenants(&self) -> Vec<TenantId> {
        self.held.lock().keys().copied().collect()
    }

    /// Whose connections this node may act on at `now`: of those that it owns, the ones whose lease is not over.
    pub(super) fn held_at(&self, now: Instant) -> Vec<TenantId> {
        let leases = self.held.lock();
        leases.iter().filter(|(_, held)| now < held.until).map(|(tenant, _)| *tenant).collect()
    }

    /// Whether asking for a tenant's lease at `now` may change something: it is not held here, and was not another
    /// node's just now. Who asks for it all the time stands in its owner's way.
    pub(super) fn may_be_free(&self, tenant: TenantId, now: Instant) -> bool {
        let asked = self.others.lock().get(&tenant).copied();
        self.held(tenant, now).is_none() && asked.is_none_or(|asked| now >= asked + RENEW_EVERY)
    }

    /// Takes note that another node held a lease when it was asked for at `asked`.
    pub(super) fn note_other(&self, tenant: TenantId, asked: Instant) {
        self.others.lock().insert(tenant, asked);
    }

    /// Takes note of a lease that was given or renewed.
    pub(super) fn note(&self, tenant: TenantId, held: Held) {
        self.others.lock().remove(&tenant);
        self.held.lock().insert(tenant, held);
    }

    /// Takes note that a lease was lost or handed over.
    pub(super) fn forget(&self, tenant: TenantId) {
        self.held.lock().remove(&tenant);
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

    #[test]
    fn a_lease_that_was_renewed_allows_what_its_former_self_does_not() {
        let (leases, tenant) = (Leases::default(), TenantId::from_uuid(uuid::Uuid::from_u128(9)));
        let asked = Instant::now();
        let before = Held::given(3, asked);
        let later = asked + Duration::from_secs(10);
        leases.note(tenant, Held::given(3, later));
        assert!(!before.allows_a_call(later));
        assert!(leases.still(tenant, before, later).is_some_and(|held| held.allows_a_call(later)));
        leases.note(tenant, Held::given(4, later));
        assert_eq!(leases.still(tenant, before, later), None, "it is another one");
    }

    #[test]
    fn a_lease_is_not_asked_for_that_is_held_here_or_was_another_nodes_just_now() {
        let (leases, tenant) =
            (Leases::default(), TenantId::from_uuid("00000000-0000-7000-8000-000000000009".parse().unwrap()));
        let asked = Instant::now();
        assert!(leases.may_be_free(tenant, asked));
        leases.note_other(tenant, asked);
        assert!(!leases.may_be_free(tenant, asked));
        assert!(leases.may_be_free(tenant, asked + RENEW_EVERY));
        leases.note(tenant, Held::given(1, asked));
        assert!(!leases.may_be_free(tenant, asked));
        assert!(leases.may_be_free(tenant, asked + LASTS));
    }
}
