//! Why two decisions differ, for people.

use std::fmt::Write as _;

use curfew_domain::Seconds;
use curfew_domain::request::{ApprovalMode, ApprovalRequirement};
use curfew_policy::{Denial, Outcome, Terms};

use super::shelf::DecidingPolicy;
use super::simulation::Verdict;

/// Both sides in a sentence each, and what these don't tell.
pub(in crate::policies) fn why(before: &Verdict, after: &Verdict) -> String {
    let mut why = format!("Now {}. With the draft {}.", said(before), said(after));
    if let (Some(now), Some(then)) = (terms(&before.outcome), terms(&after.outcome)) {
        if now.maximum != then.maximum {
            let (now, then) = (now.maximum.get(), then.maximum.get());
            let _ = write!(why, " It could be extended to {then} s in all instead of {now} s.");
        }
        if now.approval_timeout != then.approval_timeout {
            let (now, then) = (waits(now.approval_timeout), waits(then.approval_timeout));
            let _ = write!(why, " It would wait for people {then} instead of {now}.");
        }
        if are_other_people(requirements(&before.outcome), requirements(&after.outcome)) {
            why.push_str(" Other people would have to approve.");
        }
        if before.audit_session != after.audit_session {
            let not = if after.audit_session { "" } else { "no longer " };
            let _ = write!(why, " Its sessions would {not}be followed.");
        }
    }
    if before.outcome == after.outcome && before.notices != after.notices {
        why.push_str(" Other notices would be shown.");
    }
    why
}

/// What is decided, as the rest of a sentence that begins with "now".
pub(in crate::policies) fn said(verdict: &Verdict) -> String {
    let by = by(&verdict.policies);
    match &verdict.outcome {
        Outcome::Approved { mode, terms } => {
            let how = if *mode == ApprovalMode::BreakGlass { " as an emergency" } else { "" };
            format!("it is approved at once{how} for {} s by {by}", terms.duration.get())
        }
        Outcome::NeedsApproval { requirements, terms } => {
            let approvals = requirements.iter().map(|one| one.approvals).max().unwrap_or(1);
            let noun = if approvals == 1 { "approval" } else { "approvals" };
            format!("it needs {approvals} {noun} for {} s by {by}", terms.duration.get())
        }
        Outcome::Denied { denial, max_duration } => {
            let denied = match denial {
                Denial::Forbidden => format!("it is denied by {by}"),
                Denial::NotPermitted => "it is denied, for no rule permits it".to_owned(),
                Denial::Unanswerable => "it is denied, for it can't be evaluated".to_owned(),
            };
            match max_duration {
                Some(longest) => format!("{denied}; {} s would not be denied", longest.get()),
                None => denied,
            }
        }
    }
}

/// `"Read in Dev" (rule 0) and "Freeze" (rules 1, 2)`.
fn by(policies: &[DecidingPolicy]) -> String {
    let one = |policy: &DecidingPolicy| {
        let ordinals: Vec<String> = policy.rules.iter().map(|rule| rule.ordinal.to_string()).collect();
        let noun = if policy.rule_count == 1 { "rule" } else { "rules" };
        let more = match policy.rule_count.saturating_sub(ordinals.len()) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        format!("\"{}\" ({noun} {}{more})", policy.name, ordinals.join(", "))
    };
    policies.iter().map(one).collect::<Vec<_>>().join(" and ")
}

fn terms(outcome: &Outcome) -> Option<&Terms> {
    match outcome {
        Outcome::Approved { terms, .. } | Outcome::NeedsApproval { terms, .. } => Some(terms),
        Outcome::Denied { .. } => None,
    }
}

fn requirements(outcome: &Outcome) -> &[ApprovalRequirement] {
    match outcome {
        Outcome::NeedsApproval { requirements, .. } => requirements,
        Outcome::Approved { .. } | Outcome::Denied { .. } => &[],
    }
}

fn waits(timeout: Option<Seconds>) -> String {
    timeout.map_or_else(|| "without end".to_owned(), |timeout| format!("{} s", timeout.get()))
}

fn are_other_people(before: &[ApprovalRequirement], after: &[ApprovalRequirement]) -> bool {
    let groups = |all: &[ApprovalRequirement]| -> Vec<_> {
        let mut groups: Vec<_> = all.iter().map(|one| one.groups.clone()).collect();
        groups.sort();
        groups.dedup();
        groups
    };
    !before.is_empty() && !after.is_empty() && groups(before) != groups(after)
}
