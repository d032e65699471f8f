//! Work on one AWS account goes in turn.
//!
//! AWS updates one role an account at a time (IAM Identity Center quotas) and answers a second change with
//! `ConflictException`. So whoever sends a change to an account holds its turn until AWS has ended that change; but not
//! for ever: after a while the next one is sent all the same. Deletions that wait go before creations.

use std::collections::HashMap;

use curfew_domain::assignment::CallKind;
use curfew_domain::{AccountId, AssignmentId, Seconds, TenantId, Timestamp};
use parking_lot::Mutex;

/// A change that AWS has not ended by then keeps no other one waiting: most take some seconds.
const HELD_AT_MOST: Seconds = Seconds::of(60);

/// How long a deletion that asked in vain counts as waiting: it asks again much sooner.
const STILL_WAITS: Seconds = Seconds::of(10);

/// Who holds which account's turn, on this node. The one owner of a connection is the only one who asks.
#[derive(Debug, Default)]
pub(super) struct Turns(Mutex<HashMap<(TenantId, AccountId), Turn>>);

#[derive(Debug, Default)]
struct Turn {
    holder: Option<Holder>,
    /// Deletions that found it taken, and when they last asked.
    waiting: HashMap<AssignmentId, Timestamp>,
}

#[derive(Debug)]
struct Holder {
    assignment: AssignmentId,
    since: Timestamp,
}

impl Turns {
    /// Takes the turn for a change of `assignment`, or says that it is another one's: one that holds it, or a deletion
    /// that a creation has to let go first.
    pub(super) fn take(
        &self,
        tenant: TenantId,
        account: &AccountId,
        assignment: AssignmentId,
        kind: CallKind,
        now: Timestamp,
    ) -> bool {
        let mut turns = self.0.lock();
        let turn = turns.entry((tenant, account.clone())).or_default();
        turn.waiting.retain(|_, asked| now < *asked + STILL_WAITS);
        let others_wait = turn.waiting.keys().any(|waiting| *waiting != assignment);
        let taken = turn.is_held_against(assignment, now) || (kind == CallKind::Create && others_wait);
        if !taken {
            turn.waiting.remove(&assignment);
            turn.holder = Some(Holder { assignment, since: now });
        } else if kind == CallKind::Delete {
            turn.waiting.insert(assignment, now);
        }
        !taken
    }

    /// Whether `assignment` holds the account's turn.
    pub(super) fn holds(&self, tenant: TenantId, account: &AccountId, assignment: AssignmentId) -> bool {
        let turns = self.0.lock();
        let holder = turns.get(&(tenant, account.clone())).and_then(|turn| turn.holder.as_ref());
        holder.is_some_and(|holder| holder.assignment == assignment)
    }

    /// AWS works on a change of `assignment` that was sent at `since`, perhaps by a node before this one: it holds the
    /// turn, unless another one does.
    pub(super) fn keep(
        &self,
        tenant: TenantId,
        account: &AccountId,
        assignment: AssignmentId,
        since: Timestamp,
    ) {
        let mut turns = self.0.lock();
        let turn = turns.entry((tenant, account.clone())).or_default();
        turn.holder.get_or_insert(Holder { assignment, since });
    }

    /// Gives the turn back, if `assignment` holds it.
    pub(super) fn release(&self, tenant: TenantId, account: &AccountId, assignment: AssignmentId) {
        let mut turns = self.0.lock();
        let key = (tenant, account.clone());
        let Some(turn) = turns.get_mut(&key) else { return };
        turn.holder.take_if(|holder| holder.assignment == assignment);
        if turn.holder.is_none() && turn.waiting.is_empty() {
            turns.remove(&key);
        }
    }

    /// Forgets all turns of a tenant whose connection this node no longer owns.
    pub(super) fn forget(&self, tenant: TenantId) {
        self.0.lock().retain(|(owner, _), _| *owner != tenant);
    }
}

impl Turn {
    fn is_held_against(&self, assignment: AssignmentId, now: Timestamp) -> bool {
        self.holder
            .as_ref()
            .is_some_and(|holder| holder.assignment != assignment && now < holder.since + HELD_AT_MOST)
    }
}

#[cfg(test)]
mod tests {
    use CallKind::{Create, Delete};

    use super::*;

    fn at(seconds: u32) -> Timestamp {
        Timestamp::from_micros(1_000_000_000) + Seconds::of(seconds)
    }

    fn nth(n: u32) -> AssignmentId {
        AssignmentId::from_uuid(format!("00000000-0000-7000-8000-00000000000{n}").parse().unwrap())
    }

    /// One account and its turns.
    struct Place {
        turns: Turns,
        tenant: TenantId,
        account: AccountId,
    }

    impl Place {
        fn new() -> Self {
            let tenant = "00000000-0000-7000-8000-000000000009".parse().unwrap();
            Self { turns: Turns::default(), tenant, account: "123456789012".parse().unwrap() }
        }

        fn take(&self, n: u32, kind: CallKind, now: u32) -> bool {
            self.turns.take(self.tenant, &self.account, nth(n), kind, at(now))
        }

        fn release(&self, n: u32) {
            self.turns.release(self.tenant, &self.account, nth(n));
        }
    }

    #[test]
    fn one_assignment_at_a_time_changes_an_account() {
        let place = Place::new();
        assert!(place.take(1, Create, 0));
        assert!(place.take(1, Create, 0));
        assert!(!place.take(2, Create, 0));
        place.release(2);
        assert!(!place.take(2, Create, 0));
        place.release(1);
        assert!(place.take(2, Create, 0));
    }

    #[test]
    fn a_deletion_that_waits_goes_before_creations_that_wait() {
        let place = Place::new();
        assert!(place.take(1, Create, 0));
        assert!(!place.take(2, Create, 1));
        assert!(!place.take(3, Delete, 2));
        place.release(1);
        assert!(!place.take(2, Create, 3));
        assert!(place.take(3, Delete, 3));
        place.release(3);
        assert!(place.take(2, Create, 4));
    }

    #[test]
    fn a_deletion_that_asks_no_more_keeps_nobody_waiting() {
        let place = Place::new();
        assert!(place.take(1, Create, 0));
        assert!(!place.take(2, Delete, 0));
        place.release(1);
        assert!(!place.take(3, Create, 9));
        assert!(place.take(3, Create, 10));
    }

    #[test]
    fn a_change_that_never_ends_keeps_the_turn_for_a_minute_at_most() {
        let place = Place::new();
        place.turns.keep(place.tenant, &place.account, nth(1), at(0));
        assert!(!place.take(2, Delete, 59));
        assert!(place.take(2, Delete, 60));
        place.release(1);
        assert!(!place.take(3, Delete, 61), "the first one holds it no more");
    }

    #[test]
    fn a_lost_connection_holds_no_turn() {
        let place = Place::new();
        assert!(place.take(1, Create, 0));
        place.turns.forget(place.tenant);
        assert!(place.take(2, Create, 0));
    }
}
