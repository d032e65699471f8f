//! Work on one AWS account goes in turn, and no more creations are under way than AWS bears.
//!
//! AWS updates one role an account at a time (IAM Identity Center quotas) and answers a second change with
//! `ConflictException`. So whoever sends a change to an account holds its turn until AWS has ended that change; but not
//! for ever: after a while the next one is sent all the same. Deletions that wait go before creations. Whoever waits is
//! called when the turn is theirs.

use std::collections::{BTreeMap, HashMap};

use curfew_domain::assignment::CallKind;
use curfew_domain::{AccountId, AssignmentId, Seconds, TenantId, Timestamp};
use parking_lot::Mutex;

/// A change that AWS has not ended by then keeps no other one waiting: most take some seconds.
const HELD_AT_MOST: Seconds = Seconds::of(60);

/// For how long a turn is kept for whoever was called.
const KEPT: Seconds = Seconds::of(2);

/// How long one that asked in vain counts as waiting: it asks again sooner.
const STILL_WAITS: Seconds = Seconds::of(10);

/// So many creations may be outstanding in an instance (IAM Identity Center quotas: 15, not to be raised).
const OUTSTANDING_CREATIONS: usize = 15;

/// A creation that nobody has heard of for so long is held to have ended.
const OUTSTANDING_AT_MOST: Seconds = Seconds::of(5 * 60);

/// Who holds which account's turn, on this node. The one owner of a connection is the only one who asks.
#[derive(Debug, Default)]
pub(super) struct Turns {
    tenants: Mutex<HashMap<TenantId, Tenant>>,
    called: Mutex<Vec<AssignmentId>>,
}

#[derive(Debug, Default)]
struct Tenant {
    accounts: HashMap<AccountId, Turn>,
    /// Creations that found too many outstanding.
    crowded_out: Waiting,
}

#[derive(Debug, Default)]
struct Turn {
    holder: Option<Holder>,
    deletions: Waiting,
    creations: Waiting,
}

#[derive(Debug)]
struct Holder {
    assignment: AssignmentId,
    kind: CallKind,
    since: Timestamp,
    /// Called, and not come yet.
    is_called: bool,
}

impl Turns {
    /// Takes the turn for a change of `assignment`, or says that it is to wait: another one holds it, a deletion that a
    /// creation has to let go first waits for it, or too many creations are outstanding. Whoever waits is called.
    pub(super) fn take(
        &self,
        tenant: TenantId,
        account: &AccountId,
        assignment: AssignmentId,
        kind: CallKind,
        now: Timestamp,
    ) -> bool {
        let mut tenants = self.tenants.lock();
        let tenant = tenants.entry(tenant).or_default();
        let outstanding = tenant.outstanding(assignment, now);
        let crowded = kind == CallKind::Create && outstanding >= OUTSTANDING_CREATIONS;
        let turn = tenant.accounts.entry(account.clone()).or_default();
        if !turn.is_free_for(assignment, kind, now) {
            turn.waiting(kind).come(assignment, now);
            return false;
        }
        if crowded {
            turn.holder.take_if(|holder| holder.assignment == assignment);
            tenant.crowded_out.come(assignment, now);
            return false;
        }
        turn.waiting(kind).leave(assignment);
        turn.holder = Some(Holder { assignment, kind, since: now, is_called: false });
        tenant.crowded_out.leave(assignment);
        true
    }

    /// Whether `assignment` holds the account's turn.
    pub(super) fn holds(&self, tenant: TenantId, account: &AccountId, assignment: AssignmentId) -> bool {
        let tenants = self.tenants.lock();
        let turn = tenants.get(&tenant).and_then(|tenant| tenant.accounts.get(account));
        let holder = turn.and_then(|turn| turn.holder.as_ref());
        holder.is_some_and(|holder| holder.assignment == assignment && !holder.is_called)
    }

    /// AWS works on a change of `assignment` that was sent at `since`, perhaps by a node before this one: it holds the
    /// turn, unless another one does.
    pub(super) fn keep(
        &self,
        tenant: TenantId,
        account: &AccountId,
        assignment: AssignmentId,
        kind: CallKind,
        since: Timestamp,
    ) {
        let mut tenants = self.tenants.lock();
        let turn = tenants.entry(tenant).or_default().accounts.entry(account.clone()).or_default();
        turn.holder.take_if(|holder| holder.is_called);
        turn.holder.get_or_insert(Holder { assignment, kind, since, is_called: false });
    }

    /// Gives the turn back, if `assignment` holds it, and calls who is next.
    pub(super) fn release(
        &self,
        tenant: TenantId,
        account: &AccountId,
        assignment: AssignmentId,
        now: Timestamp,
    ) {
        let mut tenants = self.tenants.lock();
        let Some(tenant) = tenants.get_mut(&tenant) else { return };
        let Some(turn) = tenant.accounts.get_mut(account) else { return };
        let Some(ended) = turn.holder.take_if(|holder| holder.assignment == assignment) else { return };
        let mut called = self.called.lock();
        called.extend(turn.call_next(now));
        if ended.kind == CallKind::Create {
            called.extend(tenant.crowded_out.next(now));
        }
        if turn.is_idle() {
            tenant.accounts.remove(account);
        }
    }

    /// How many changes AWS works on, as far as they hold a turn.
    pub(super) fn under_way(&self, tenant: TenantId) -> u32 {
        let tenants = self.tenants.lock();
        let accounts = tenants.get(&tenant).into_iter().flat_map(|tenant| tenant.accounts.values());
        let holders = accounts.filter_map(|turn| turn.holder.as_ref()).filter(|holder| !holder.is_called);
        u32::try_from(holders.count()).unwrap_or(u32::MAX)
    }

    /// Who was called since this was last asked: they need not wait any longer.
    pub(super) fn called(&self) -> Vec<AssignmentId> {
        std::mem::take(&mut *self.called.lock())
    }

    /// Forgets all turns of a tenant whose connection this node no longer owns.
    pub(super) fn forget(&self, tenant: TenantId) {
        self.tenants.lock().remove(&tenant);
    }
}

impl Tenant {
    /// How many creations of others AWS works on.
    fn outstanding(&self, but: AssignmentId, now: Timestamp) -> usize {
        let holders = self.accounts.values().filter_map(|turn| turn.holder.as_ref());
        holders
            .filter(|holder| {
                holder.kind == CallKind::Create
                    && !holder.is_called
                    && holder.assignment != but
                    && now < holder.since + OUTSTANDING_AT_MOST
            })
            .count()
    }
}

impl Turn {
    fn is_free_for(&mut self, assignment: AssignmentId, kind: CallKind, now: Timestamp) -> bool {
        if let Some(holder) = self.holder.as_ref().filter(|holder| holder.assignment != assignment) {
            let over = now >= holder.since + if holder.is_called { KEPT } else { HELD_AT_MOST };
            let gives_way = holder.is_called && holder.kind == CallKind::Create && kind == CallKind::Delete;
            if !over && !gives_way {
                return false;
            }
        }
        kind == CallKind::Delete || !self.deletions.has_others(assignment, now)
    }

    fn waiting(&mut self, kind: CallKind) -> &mut Waiting {
        match kind {
            CallKind::Delete => &mut self.deletions,
            CallKind::Create => &mut self.creations,
        }
    }

    /// The turn is theirs, if they come soon.
    fn call_next(&mut self, now: Timestamp) -> Option<AssignmentId> {
        let deletion = self.deletions.next(now).map(|next| (next, CallKind::Delete));
        let next = deletion.or_else(|| self.creations.next(now).map(|next| (next, CallKind::Create)));
        let (assignment, kind) = next?;
        self.holder = Some(Holder { assignment, kind, since: now, is_called: true });
        Some(assignment)
    }

    fn is_idle(&self) -> bool {
        self.holder.is_none() && self.deletions.is_empty() && self.creations.is_empty()
    }
}

/// Those who wait, in the order in which they came first.
#[derive(Debug, Default)]
struct Waiting {
    arrived: u64,
    places: HashMap<AssignmentId, u64>,
    asked: BTreeMap<u64, (AssignmentId, Timestamp)>,
}

impl Waiting {
    fn come(&mut self, assignment: AssignmentId, now: Timestamp) {
        let arrived = &mut self.arrived;
        let place = *self.places.entry(assignment).or_insert_with(|| {
            *arrived += 1;
            *arrived
        });
        self.asked.insert(place, (assignment, now));
    }

    fn leave(&mut self, assignment: AssignmentId) {
        if let Some(place) = self.places.remove(&assignment) {
            self.asked.remove(&place);
        }
    }

    /// The first who still waits leaves.
    fn next(&mut self, now: Timestamp) -> Option<AssignmentId> {
        while let Some((_, (assignment, asked))) = self.asked.pop_first() {
            self.places.remove(&assignment);
            if now < asked + STILL_WAITS {
                return Some(assignment);
            }
        }
        None
    }

    fn has_others(&mut self, but: AssignmentId, now: Timestamp) -> bool {
        self.asked.retain(|_, (_, asked)| now < *asked + STILL_WAITS);
        let asked = &self.asked;
        self.places.retain(|_, place| asked.contains_key(place));
        self.places.keys().any(|waiting| *waiting != but)
    }

    fn is_empty(&self) -> bool {
        self.asked.is_empty()
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
        AssignmentId::from_uuid(uuid::Uuid::from_u128(u128::from(n)))
    }

    /// One account and its turns.
    struct Place {
        turns: Turns,
        tenant: TenantId,
        account: AccountId,
    }

    impl Place {
        fn new() -> Self {
            let tenant = TenantId::from_uuid(uuid::Uuid::from_u128(9));
            Self { turns: Turns::default(), tenant, account: "123456789012".parse().unwrap() }
        }

        fn take(&self, n: u32, kind: CallKind, now: u32) -> bool {
            self.turns.take(self.tenant, &self.account, nth(n), kind, at(now))
        }

        fn release(&self, n: u32, now: u32) {
            self.turns.release(self.tenant, &self.account, nth(n), at(now));
        }
    }

    #[test]
    fn one_assignment_at_a_time_changes_an_account() {
        let place = Place::new();
        assert!(place.take(1, Create, 0));
        assert!(place.take(1, Create, 0));
        assert!(!place.take(2, Create, 0));
        place.release(2, 0);
        assert!(!place.take(2, Create, 0));
        place.release(1, 0);
        assert!(place.take(2, Create, 0));
    }

    #[test]
    fn a_deletion_that_waits_goes_before_creations_that_wait() {
        let place = Place::new();
        assert!(place.take(1, Create, 0));
        assert!(!place.take(2, Create, 1));
        assert!(!place.take(3, Delete, 2));
        place.release(1, 3);
        assert_eq!(place.turns.called(), [nth(3)]);
        assert!(!place.take(2, Create, 3));
        assert!(place.take(3, Delete, 3));
        place.release(3, 4);
        assert_eq!(place.turns.called(), [nth(2)]);
        assert!(place.take(2, Create, 4));
    }

    #[test]
    fn who_waits_is_called_in_the_order_in_which_they_came() {
        let place = Place::new();
        assert!(place.take(1, Create, 0));
        for n in [2, 3, 2] {
            assert!(!place.take(n, Create, 1));
        }
        place.release(1, 2);
        assert_eq!(place.turns.called(), [nth(2)]);
        assert!(!place.take(3, Create, 2), "it is kept for the one that was called");
        assert!(place.take(4, Delete, 2), "but not against a deletion");
        place.release(4, 3);
        assert_eq!(place.turns.called(), [nth(3)]);
    }

    #[test]
    fn who_was_called_and_does_not_come_keeps_the_turn_for_two_seconds() {
        let place = Place::new();
        assert!(place.take(1, Create, 0));
        assert!(!place.take(2, Create, 0));
        place.release(1, 0);
        assert!(!place.take(3, Create, 1));
        assert!(place.take(3, Create, 2));
    }

    #[test]
    fn one_that_asks_no_more_keeps_nobody_waiting() {
        let place = Place::new();
        assert!(place.take(1, Create, 0));
        assert!(!place.take(2, Delete, 0));
        assert!(!place.take(3, Create, 9));
        place.release(1, 10);
        assert_eq!(place.turns.called(), [nth(3)]);
        assert!(place.take(3, Create, 10));
    }

    #[test]
    fn a_change_that_never_ends_keeps_the_turn_for_a_minute_at_most() {
        let place = Place::new();
        place.turns.keep(place.tenant, &place.account, nth(1), Create, at(0));
        assert!(!place.take(2, Delete, 59));
        assert!(place.take(2, Delete, 60));
        place.release(1, 60);
        assert!(!place.take(3, Delete, 61), "the first one holds it no more");
    }

    #[test]
    fn no_more_creations_are_under_way_than_aws_bears() {
        let (turns, tenant) = (Turns::default(), TenantId::from_uuid(uuid::Uuid::from_u128(9)));
        let account = |n: u32| format!("{n:012}").parse::<AccountId>().unwrap();
        let take_at = |n, kind, now| turns.take(tenant, &account(n), nth(n), kind, at(now));
        let take = |n, kind| take_at(n, kind, 0);
        for n in 1..=15 {
            assert!(take(n, Create), "{n}");
        }
        assert!(!take(16, Create));
        assert!(take(17, Delete), "deletions are not counted");
        turns.release(tenant, &account(3), nth(3), at(1));
        assert_eq!(turns.called(), [nth(16)]);
        assert!(take(16, Create));
        assert!(!take(3, Create));
        assert!(!take_at(3, Create, 299));
        assert!(take_at(3, Create, 300), "nobody knows of the others any more");
    }

    #[test]
    fn a_lost_connection_holds_no_turn() {
        let place = Place::new();
        assert!(place.take(1, Create, 0));
        place.turns.forget(place.tenant);
        assert!(place.take(2, Create, 0));
    }
}
