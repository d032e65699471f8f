//! Whether AWS can be worked with from this node: where it can't be for long, perhaps another node can.

use std::collections::HashMap;

use curfew_domain::{Seconds, TenantId, Timestamp};
use parking_lot::Mutex;

/// When calls for a tenant have come to nothing for so long, its connection is handed over.
const PATIENCE: Seconds = Seconds::of(60);

/// And not taken again for so long, so that another node may: then this one tries again.
const AWAY: Seconds = Seconds::of(60);

/// How calls went, tenant by tenant.
#[derive(Debug, Default)]
pub(crate) struct Reach(Mutex<HashMap<TenantId, Trouble>>);

#[derive(Debug, Clone, Copy)]
enum Trouble {
    /// Nothing but failures since then.
    Since(Timestamp),
    /// Handed over; not to be taken before then.
    AwayUntil(Timestamp),
}

impl Reach {
    /// A call came to nothing. Says whether the connection should be handed over.
    pub(super) fn failed(&self, tenant: TenantId, now: Timestamp) -> bool {
        let mut troubles = self.0.lock();
        let trouble = troubles.entry(tenant).or_insert(Trouble::Since(now));
        match *trouble {
            Trouble::Since(began) if now < began + PATIENCE => false,
            Trouble::Since(_) => {
                *trouble = Trouble::AwayUntil(now + AWAY);
                true
            }
            Trouble::AwayUntil(until) => {
                if now >= until {
                    *trouble = Trouble::Since(now);
                }
                false
            }
        }
    }

    /// AWS has answered.
    pub(super) fn answered(&self, tenant: TenantId) {
        self.0.lock().remove(&tenant);
    }

    /// Whether another node should have the connection.
    pub(crate) fn keeps_away(&self, tenant: TenantId, now: Timestamp) -> bool {
        matches!(self.0.lock().get(&tenant), Some(Trouble::AwayUntil(until)) if now < *until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u32) -> Timestamp {
        Timestamp::from_micros(1_000_000_000) + Seconds::of(seconds)
    }

    #[test]
    fn a_connection_through_which_nothing_comes_for_a_minute_is_left_to_others_for_another() {
        let (reach, tenant) = (Reach::default(), TenantId::from_uuid(uuid::Uuid::from_u128(9)));
        assert!(!reach.failed(tenant, at(0)));
        assert!(!reach.failed(tenant, at(59)));
        assert!(reach.failed(tenant, at(60)));
        assert!(reach.keeps_away(tenant, at(119)));
        assert!(!reach.keeps_away(tenant, at(120)));
        assert!(!reach.failed(tenant, at(121)), "it is tried anew");
        assert!(!reach.failed(tenant, at(180)));
        assert!(reach.failed(tenant, at(181)));
    }

    #[test]
    fn an_answer_ends_the_trouble() {
        let (reach, tenant) = (Reach::default(), TenantId::from_uuid(uuid::Uuid::from_u128(9)));
        assert!(!reach.failed(tenant, at(0)));
        reach.answered(tenant);
        assert!(!reach.failed(tenant, at(60)));
        assert!(!reach.keeps_away(tenant, at(61)));
    }
}
