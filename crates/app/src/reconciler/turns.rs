//! Work on one AWS account goes in turn.
//!
//! AWS updates one role an account at a time (IAM Identity Center quotas) and answers a second change with
//! `ConflictException`. So whoever sends a change to an account holds its turn until AWS has ended that change.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use curfew_domain::{AccountId, AssignmentId, TenantId};
use parking_lot::Mutex;

/// Who holds which account's turn, on this node. The one owner of a connection is the only one who asks.
#[derive(Debug, Default)]
pub(super) struct Turns(Mutex<HashMap<(TenantId, AccountId), AssignmentId>>);

impl Turns {
    /// Takes the turn for `assignment`, or says that another one holds it. Taking it again changes nothing.
    pub(super) fn take(&self, tenant: TenantId, account: &AccountId, assignment: AssignmentId) -> bool {
        match self.0.lock().entry((tenant, account.clone())) {
            Entry::Occupied(holder) => *holder.get() == assignment,
            Entry::Vacant(free) => {
                free.insert(assignment);
                true
            }
        }
    }

    /// Gives the turn back, if `assignment` holds it. Says whether it did.
    pub(super) fn release(&self, tenant: TenantId, account: &AccountId, assignment: AssignmentId) -> bool {
        let mut held = self.0.lock();
        let key = (tenant, account.clone());
        let is_holder = held.get(&key) == Some(&assignment);
        if is_holder {
            held.remove(&key);
        }
        is_holder
    }

    /// Forgets all turns of a tenant whose connection this node no longer owns.
    pub(super) fn forget(&self, tenant: TenantId) {
        self.0.lock().retain(|(owner, _), _| *owner != tenant);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids() -> (TenantId, AccountId, AssignmentId, AssignmentId) {
        let nth =
            |n| AssignmentId::from_uuid(format!("00000000-0000-7000-8000-00000000000{n}").parse().unwrap());
        let tenant = "00000000-0000-7000-8000-000000000009".parse().unwrap();
        (tenant, "123456789012".parse().unwrap(), nth(1), nth(2))
    }

    #[test]
    fn one_assignment_at_a_time_changes_an_account() {
        let (tenant, account, first, second) = ids();
        let turns = Turns::default();
        assert!(turns.take(tenant, &account, first));
        assert!(turns.take(tenant, &account, first));
        assert!(!turns.take(tenant, &account, second));
        assert!(!turns.release(tenant, &account, second));
        assert!(turns.release(tenant, &account, first));
        assert!(turns.take(tenant, &account, second));
    }

    #[test]
    fn a_lost_connection_holds_no_turn() {
        let (tenant, account, first, second) = ids();
        let turns = Turns::default();
        assert!(turns.take(tenant, &account, first));
        turns.forget(tenant);
        assert!(turns.take(tenant, &account, second));
    }
}
