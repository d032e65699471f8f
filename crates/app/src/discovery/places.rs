//! Which tenants a node reads, and which of them rest.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use curfew_domain::{Clock, Seconds, TenantId, Timestamp};
use parking_lot::Mutex;

use super::due::HowDue;

/// How many tenants are read at once: a reading does little but wait for its next turn.
const PLACES: usize = 16;

/// So many places are for readings that somebody waits for: where all the others are with organizations that take an
/// hour, whoever has just connected theirs need not wait for them.
const FOR_WHO_WAITS: usize = 4;

/// How long a tenant rests whose reading came to nothing: another node is at it, or the database could not be written.
/// Whoever asks again at once does nothing else.
const REST: Seconds = Seconds::of(5);

/// The readings of one node.
#[derive(Clone)]
pub(super) struct Places {
    clock: Arc<dyn Clock>,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Default)]
struct Taken {
    by: HashSet<TenantId>,
    resting: HashMap<TenantId, Timestamp>,
}

/// A tenant's place. Given up before [`ended`](Self::ended), the tenant rests.
pub(super) struct Place {
    places: Places,
    tenant: TenantId,
    has_ended: bool,
}

impl Places {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, taken: Arc::default() }
    }

    /// A place for the tenant, where one is free and the tenant neither has one nor rests.
    pub(super) fn take(&self, tenant: TenantId, how: HowDue) -> Option<Place> {
        let places = match how {
            HowDue::Wanted(_) => PLACES,
            HowDue::InTime(_) => PLACES - FOR_WHO_WAITS,
        };
        let now = self.clock.now();
        let mut taken = self.taken.lock();
        taken.resting.retain(|_, until| now < *until);
        if taken.by.len() >= places || taken.resting.contains_key(&tenant) || !taken.by.insert(tenant) {
            return None;
        }
        Some(Place { places: self.clone(), tenant, has_ended: false })
    }

    /// Whether the tenant has a place.
    pub(super) fn has(&self, tenant: TenantId) -> bool {
        self.taken.lock().by.contains(&tenant)
    }
}

impl Place {
    pub(super) fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// The reading has come to its end, and that is kept.
    pub(super) fn ended(mut self) {
        self.has_ended = true;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let until = self.places.clock.now() + REST;
        let mut taken = self.places.taken.lock();
        taken.by.remove(&self.tenant);
        if !self.has_ended {
            taken.resting.insert(self.tenant, until);
        }
    }
}

#[cfg(test)]
mod tests {
    use curfew_domain::testing::TestClock;
    use uuid::Uuid;

    use super::*;

    fn places() -> (Arc<TestClock>, Places) {
        let clock = Arc::new(TestClock::default());
        (clock.clone(), Places::new(clock))
    }

    fn tenant(n: usize) -> TenantId {
        TenantId::from_uuid(Uuid::from_u128(n as u128))
    }

    #[test]
    fn a_reading_that_came_to_nothing_is_not_begun_again_at_once() {
        let (clock, places) = places();
        let wanted = HowDue::Wanted(clock.now());
        drop(places.take(tenant(1), wanted).unwrap());
        assert!(places.take(tenant(1), wanted).is_none());
        assert!(places.take(tenant(2), wanted).is_some(), "no other waits for that");
        clock.advance(REST);
        places.take(tenant(1), wanted).unwrap().ended();
        assert!(places.take(tenant(1), wanted).is_some(), "whoever asks after a reading gets another");
    }

    #[test]
    fn some_places_are_for_readings_that_somebody_waits_for() {
        let (clock, places) = places();
        let (wanted, in_time) = (HowDue::Wanted(clock.now()), HowDue::InTime(clock.now()));
        let taken: Vec<_> = (0..100).map_while(|n| places.take(tenant(n), in_time)).collect();
        assert_eq!(taken.len(), PLACES - FOR_WHO_WAITS);
        let more: Vec<_> = (100..200).map_while(|n| places.take(tenant(n), wanted)).collect();
        assert_eq!(more.len(), FOR_WHO_WAITS);
    }
}
