//! The policies that decide, against those that the log tells of last.

use std::collections::BTreeMap;

use curfew_domain::PolicyId;
use curfew_domain::audit;
use curfew_domain::policy::Policy;

use super::Finding;

/// What the log tells of each policy, whatever its versions that are kept beside the log say: whoever can put a policy
/// in can put in its version as well.
#[derive(Debug, Default)]
pub(super) struct ToldPolicies(BTreeMap<PolicyId, LastTold>);

/// How a policy stands by the log.
#[derive(Debug)]
enum LastTold {
    Stands {
        version: u32,
        content: String,
    },
    /// As this version.
    Deleted {
        version: u32,
    },
}

impl LastTold {
    fn version(&self) -> u32 {
        match self {
            LastTold::Stands { version, .. } | LastTold::Deleted { version } => *version,
        }
    }
}

impl ToldPolicies {
    /// An entry tells that the policy is now of this version and content.
    ///
    /// The highest version is the last one. The entry that comes last in the chain need not be: entries of several
    /// nodes are sealed in the order of their clocks.
    pub(super) fn stands(&mut self, policy: PolicyId, version: u32, content: String) {
        if self.0.get(&policy).is_none_or(|last| last.version() < version) {
            self.0.insert(policy, LastTold::Stands { version, content });
        }
    }

    /// An entry tells that the policy was deleted when it was of this version. Who restores it makes a later one.
    pub(super) fn deleted(&mut self, policy: PolicyId, version: u32) {
        if self.0.get(&policy).is_none_or(|last| last.version() <= version) {
            self.0.insert(policy, LastTold::Deleted { version });
        }
    }

    /// Compares a policy that is there; none where it can't be read.
    pub(super) fn compare(&mut self, id: PolicyId, policy: Option<&Policy>) -> Option<Finding> {
        match self.0.remove(&id) {
            None | Some(LastTold::Deleted { .. }) => Some(Finding::UnloggedPolicy { policy: id }),
            Some(LastTold::Stands { version, content }) => {
                let is_so =
                    policy.is_some_and(|policy| audit::content_hash(policy).is_ok_and(|is| is == content));
                (!is_so).then_some(Finding::OtherPolicy { policy: id, version })
            }
        }
    }

    /// What should have been there to compare.
    pub(super) fn missing(self) -> impl Iterator<Item = Finding> {
        self.0.into_iter().filter_map(|(policy, last)| match last {
            LastTold::Stands { version, .. } => Some(Finding::PolicyTakenAway { policy, version }),
            LastTold::Deleted { .. } => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const POLICY: PolicyId = PolicyId::from_uuid(Uuid::from_u128(1));

    #[test]
    fn the_highest_version_stands_in_whatever_order_entries_were_sealed() {
        for order in [[1, 2, 3], [3, 2, 1], [2, 3, 1]] {
            let mut told = ToldPolicies::default();
            for version in order {
                told.stands(POLICY, version, format!("content {version}"));
            }
            let missing: Vec<_> = told.missing().collect();
            assert_eq!(missing, [Finding::PolicyTakenAway { policy: POLICY, version: 3 }]);
        }
    }

    #[test]
    fn what_was_deleted_is_gone_whichever_entry_was_sealed_last() {
        let mut told = ToldPolicies::default();
        told.deleted(POLICY, 2);
        told.stands(POLICY, 2, "content".to_owned());
        assert_eq!(told.compare(POLICY, None), Some(Finding::UnloggedPolicy { policy: POLICY }));
        assert_eq!(told.missing().count(), 0);
    }

    #[test]
    fn what_was_restored_stands_whichever_entry_was_sealed_last() {
        for restored_first in [false, true] {
            let mut told = ToldPolicies::default();
            if restored_first {
                told.stands(POLICY, 3, "content".to_owned());
            }
            told.deleted(POLICY, 2);
            told.stands(POLICY, 3, "content".to_owned());
            let missing: Vec<_> = told.missing().collect();
            assert_eq!(missing, [Finding::PolicyTakenAway { policy: POLICY, version: 3 }]);
        }
    }
}
