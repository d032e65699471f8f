//! What people and other systems are told of: the contract's events.

use serde::{Deserialize, Serialize};

use crate::Invalid;
use crate::audit::AuditAction;

macro_rules! events {
    ($($variant:ident = $name:literal from $action:ident),+ $(,)?) => {
        /// Something that people and other systems may want to be told of. Names are the contract's, and never change.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Event {
            $(#[doc = concat!("`", $name, "`")] #[serde(rename = $name)] $variant),+
        }

        impl Event {
            /// All of them, in the contract's order.
            pub const ALL: &[Event] = &[$(Event::$variant),+];

            /// The contract's name.
            pub const fn as_str(self) -> &'static str {
                match self { $(Event::$variant => $name),+ }
            }

            /// What an entry of the audit log is an event of; none where nobody is told of such entries. An event is
            /// told of by the very transaction that records its entry, so the two never differ.
            pub const fn of(action: AuditAction) -> Option<Event> {
                match action {
                    $(AuditAction::$action => Some(Event::$variant),)+
                    _ => None,
                }
            }
        }
    };
}

events! {
    RequestPending = "request.pending" from RequestPending,
    RequestApproved = "request.approved" from RequestApproved,
    RequestDenied = "request.denied" from RequestDenied,
    RequestExpired = "request.expired" from RequestExpired,
    RequestCancelled = "request.cancelled" from RequestCancelled,
    RequestBreakGlass = "request.break_glass" from RequestBreakGlass,
    RequestReviewOwed = "request.review_owed" from RequestReviewOwed,
    GrantActive = "grant.active" from GrantActive,
    GrantExpiringSoon = "grant.expiring_soon" from GrantExpiringSoon,
    GrantExpired = "grant.expired" from GrantExpired,
    GrantRevoked = "grant.revoked" from GrantRevoked,
    GrantFailed = "grant.failed" from GrantFailed,
    DriftDetected = "drift.detected" from DriftDetected,
    RevocationOverdue = "revocation.overdue" from RevocationOverdue,
    LockdownStarted = "lockdown.started" from LockdownStarted,
    LockdownEnded = "lockdown.ended" from LockdownEnded,
}

impl Event {
    /// Whether it goes before others that wait to be told: somebody may have access who should not.
    pub const fn is_urgent(self) -> bool {
        matches!(
            self,
            Event::RequestBreakGlass
                | Event::DriftDetected
                | Event::RevocationOverdue
                | Event::LockdownStarted
        )
    }
}

impl std::fmt::Display for Event {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Event {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let known = || Self::ALL.iter().map(|event| event.as_str()).collect::<Vec<_>>().join(", ");
        Self::ALL
            .iter()
            .copied()
            .find(|event| event.as_str() == text)
            .ok_or_else(|| Invalid::new(format!("no such event; there are {}", known())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_read_back_by_its_name() {
        for event in Event::ALL {
            assert_eq!(event.as_str().parse(), Ok(*event));
        }
        assert!("grant.unknown".parse::<Event>().is_err());
    }

    #[test]
    fn an_event_has_the_name_of_the_entry_that_it_is_told_by() {
        for action in AuditAction::ALL {
            if let Some(event) = Event::of(*action) {
                assert_eq!(event.as_str(), action.as_str());
            }
        }
    }
}
