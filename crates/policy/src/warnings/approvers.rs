//! Policies that ask more people to approve than could.

use curfew_domain::policy::{Policy, PolicyTerms};

use super::{Surroundings, WarningCode, Warnings};

/// Warns of it, where it is known how many could.
pub(super) fn warn(policy: &Policy, around: &Surroundings, warnings: &mut Warnings) {
    let terms = &policy.terms;
    let Some(found) = around.approvers.filter(|found| *found < usize::from(terms.approvals_required)) else {
        return;
    };
    let code = if found == 0 && !terms.approver_groups.is_empty() {
        WarningCode::ApproverGroupEmpty
    } else {
        WarningCode::TooFewApprovers
    };
    warnings.of_policy(code, policy.id, words(terms, found));
}

fn words(terms: &PolicyTerms, found: usize) -> String {
    let needed = match terms.approvals_required {
        1 => "an approval is required".to_owned(),
        more => format!("{more} approvals are required"),
    };
    let found = match found {
        0 => "nobody".to_owned(),
        1 => "only one person".to_owned(),
        more => format!("only {more} people"),
    };
    let (of_whom, who) = if terms.approver_groups.is_empty() {
        ("", "whoever is active and has the right `requests:approve`")
    } else {
        (
            " by members of the policy's approver groups",
            "members who are active and have the right `requests:approve`",
        )
    };
    format!(
        "{needed}{of_whom}, and {found} could give one: it takes {who}. Requests would wait in vain. Add people, or require \
         fewer approvals"
    )
}
