//! The one place where AWS's words are read: the texts of changes that AWS took and that then failed.
//!
//! SSO Admin gives no code for these, only `FailureReason`, a free text. What is known of its forms is *observed*,
//! not documented:
//!
//! - `Received a 404 status error: EntitlementItem doesn't exist …`: a deletion of what isn't there.
//! - `Received a 404 status error: the USER assignee … was not found in directory …`: a person who is gone. It is
//!   also said of deletions while the assignment is still listed, so it proves nothing.
//! - `Received a 403 status error: …`, `Not supported policy …`, a role quota: the account is not ready for the set.
//! - the same form with another number, as of any failed call inside AWS.

use curfew_domain::assignment::{CallKind, CallOutcome};

const STATUS_BEFORE: &str = "Received a ";
const STATUS_AFTER: &str = " status error";
const ENTITLEMENT: &str = "EntitlementItem";

/// What it means that a change has failed for this reason.
pub(super) fn outcome_of_failure(kind: CallKind, reason: Option<&str>) -> CallOutcome {
    let reason = reason.unwrap_or("AWS gave no reason").to_owned();
    match (kind, status_in(&reason)) {
        (CallKind::Delete, Some(404)) if reason.contains(ENTITLEMENT) => CallOutcome::NoSuchEntitlement,
        (_, Some(409 | 429 | 500..=599)) => CallOutcome::Again { reason },
        _ => CallOutcome::Refused { reason },
    }
}

/// The HTTP status that AWS met inside, where the text names one.
fn status_in(reason: &str) -> Option<u16> {
    let (_, rest) = reason.split_once(STATUS_BEFORE)?;
    let (status, _) = rest.split_once(STATUS_AFTER)?;
    status.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_missing_entitlement_means_that_a_deletion_is_done() {
        let gone = "Received a 404 status error: EntitlementItem doesn't exist for accountId 1";
        assert_eq!(outcome_of_failure(CallKind::Delete, Some(gone)), CallOutcome::NoSuchEntitlement);
        assert!(matches!(outcome_of_failure(CallKind::Create, Some(gone)), CallOutcome::Refused { .. }));
        let no_user = "Received a 404 status error: the USER assignee u was not found in directory d";
        assert!(matches!(outcome_of_failure(CallKind::Delete, Some(no_user)), CallOutcome::Refused { .. }));
    }

    #[test]
    fn failures_inside_aws_are_tried_again() {
        for status in [409, 429, 500, 503] {
            let reason = format!("Received a {status} status error: whatever");
            assert!(matches!(outcome_of_failure(CallKind::Create, Some(&reason)), CallOutcome::Again { .. }));
        }
    }

    #[test]
    fn everything_else_is_final() {
        for reason in [
            "Received a 403 status error: Access denied by IAM",
            "Not supported policy P",
            "",
            "Received a x status error",
        ] {
            assert!(matches!(
                outcome_of_failure(CallKind::Create, Some(reason)),
                CallOutcome::Refused { .. }
            ));
        }
        assert!(matches!(outcome_of_failure(CallKind::Create, None), CallOutcome::Refused { .. }));
    }
}
