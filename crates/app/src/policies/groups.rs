//! The groups that a policy names are there when it is saved.
//!
//! Whoever deletes a group looks for policies that name it, and whoever saves a policy looks for its groups: each
//! after the tenant's version was moved, so that of two who do so at once the second waits, and sees what the first
//! did.

use std::collections::BTreeSet;

use curfew_domain::policy::Policy;
use curfew_domain::{GroupId, PolicyId};
use curfew_policy::{PolicyInvalid, PrincipalId, Problem, resolved_names};
use curfew_store::{ReadUnit, WriteUnit};

use super::statements;
use crate::AppError;

/// Refuses a policy that was written in this unit, where it names a group that is not there. `before` is what it
/// was: what stood there stands.
pub(super) async fn refuse_missing(
    unit: &WriteUnit,
    before: Option<&Policy>,
    after: &Policy,
) -> Result<(), AppError> {
    refuse_unknown_approvers(unit, &after.terms.approver_groups).await?;
    let stood = before.map(mentioned).unwrap_or_default();
    let new: Vec<GroupId> = mentioned(after).difference(&stood).copied().collect();
    let there = unit.groups_among(&new).await?;
    let gone: Vec<GroupId> = new.into_iter().filter(|group| !there.contains(group)).collect();
    let problems: Vec<Problem> = gone.iter().filter(|group| names(after, **group)).map(unknown).collect();
    if problems.is_empty() { Ok(()) } else { Err(statements::invalid(PolicyInvalid(problems))) }
}

/// Refuses approvers out of a group that is not there: nobody would ever be one.
pub(super) async fn refuse_unknown_approvers(unit: &ReadUnit, groups: &[GroupId]) -> Result<(), AppError> {
    let there = unit.groups_among(groups).await?;
    match groups.iter().enumerate().find(|(_, group)| !there.contains(group)) {
        None => Ok(()),
        Some((at, group)) => {
            let problem = format!("there is no group {group}; GET /v1/groups lists them");
            Err(AppError::field(format!("approver_groups[{at}]"), problem))
        }
    }
}

/// The groups whose ids stand in what is evaluated, in the one form in which names are replaced; in comments too.
fn mentioned(policy: &Policy) -> BTreeSet<GroupId> {
    const BEFORE: &str = "Group::\"";
    const UUID_LENGTH: usize = 36;
    let in_rule = |text: &str| -> Vec<GroupId> {
        let ids = text.match_indices(BEFORE).filter_map(|(at, _)| {
            let start = at + BEFORE.len();
            text.get(start..start + UUID_LENGTH)?.parse().ok()
        });
        ids.collect()
    };
    policy.rules.iter().flat_map(|rule| in_rule(&rule.resolved)).collect()
}

/// The policies that name a group, in a rule or as one of those that approve; also those that take no part now.
pub(crate) async fn policies_naming(unit: &ReadUnit, group: GroupId) -> Result<BTreeSet<PolicyId>, AppError> {
    let mut naming = unit.policies_approved_by_group(group).await?;
    let rules = unit.rules_mentioning_group(group).await?;
    naming.extend(rules.iter().filter(|(_, text)| rule_names(text, group)).map(|(policy, _)| *policy));
    Ok(naming)
}

/// Whether a rule does, and not a comment in it. This takes reading it, so only what is not there is asked for.
fn names(policy: &Policy, group: GroupId) -> bool {
    policy.rules.iter().any(|rule| rule_names(&rule.resolved, group))
}

fn rule_names(text: &str, group: GroupId) -> bool {
    resolved_names(text, text).iter().any(|(_, id)| *id == PrincipalId::Group(group))
}

fn unknown(group: &GroupId) -> Problem {
    Problem {
        message: format!("the group {group} is not there any more"),
        line: 1,
        column: 1,
        hint: "name another group; GET /v1/groups lists them".to_owned(),
    }
}
