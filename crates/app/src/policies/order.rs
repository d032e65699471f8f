//! Which of a tenant's policies is asked first, and which of a policy's rules stands first.

use std::collections::HashSet;
use std::fmt::Display;
use std::hash::Hash;

use curfew_domain::audit::AuditAction;
use curfew_domain::policy::{ChangeReason, Policy, PolicySummary};
use curfew_domain::{PolicyId, RuleId, Scope};
use curfew_policy::Warnings;
use serde_json::{Map, Value};

use super::expected::Edit;
use super::read::PolicyDetail;
use super::{saving, warnings};
use crate::{App, AppError, Caller};

/// Policies in the order in which they are asked now.
#[derive(Debug, Clone, PartialEq)]
pub struct Ordered {
    /// They, the first one at the head.
    pub policies: Vec<PolicySummary>,
    /// What is worth knowing of their order.
    pub warnings: Warnings,
}

/// Has the tenant's policies asked in this order, which names each of them once.
///
/// Priorities are dealt out strictly falling, so each policy stands alone in its own. Only those whose priority changes
/// get another version.
pub async fn reorder(
    app: &App,
    caller: &Caller,
    ids: &[PolicyId],
    why: Option<ChangeReason>,
) -> Result<Ordered, AppError> {
    let policies = put_into_order(app, caller, ids, why).await?;
    Ok(Ordered { policies, warnings: warnings::of_order(app, caller.tenant).await })
}

async fn put_into_order(
    app: &App,
    caller: &Caller,
    ids: &[PolicyId],
    why: Option<ChangeReason>,
) -> Result<Vec<PolicySummary>, AppError> {
    caller.require(Scope::PoliciesWrite)?;
    let unit = app.store.tenant(caller.tenant).write().await?;
    let present = unit.lock_policies().await?;
    refuse_stale(ids, present.iter().map(|policy| policy.id), "policies")?;
    let ordered = sorted(present, ids, |policy| policy.id);
    let changes: Vec<(Policy, Policy)> = ordered
        .iter()
        .zip(priorities(ids.len()))
        .filter(|(policy, priority)| policy.priority != *priority)
        .map(|(policy, priority)| {
            (policy.clone(), saving::next_version(app, policy, Policy { priority, ..policy.clone() }))
        })
        .collect();
    if changes.is_empty() {
        return Ok(ordered.iter().map(Policy::summary).collect());
    }
    let entries = changes.iter().map(|(before, after)| {
        let entry = saving::entry(caller, AuditAction::PolicyUpdated, after, why.as_ref())?;
        Ok(entry.with("changed", after.changed_since(before)))
    });
    let entries = entries.collect::<Result<Vec<_>, AppError>>()?;
    unit.save_policies(&changes, &saving::made_by(caller, why)).await?;
    // The tenant's version is moved: who makes or deletes a policy now waits. Who came before that is seen here.
    refuse_stale(ids, unit.policy_ids().await?, "policies")?;
    unit.record_all(entries, app.now(), app.entropy.as_ref()).await?;
    unit.commit().await?;
    let after = sorted(
        changes.into_iter().map(|(_, after)| after).chain(ordered).collect(),
        ids,
        |policy: &Policy| policy.id,
    );
    Ok(after.iter().map(Policy::summary).collect())
}

/// Puts a policy's rules into this order, which names each of them once.
pub async fn reorder_rules(
    app: &App,
    caller: &Caller,
    policy: PolicyId,
    ids: &[RuleId],
    edit: Edit,
) -> Result<PolicyDetail, AppError> {
    caller.require(Scope::PoliciesWrite)?;
    let unit = app.store.tenant(caller.tenant).write().await?;
    let before = saving::hold(&unit, policy, &edit.expected).await?;
    refuse_stale(ids, before.rules.iter().map(|rule| rule.id), "rules")?;
    let mut rules = sorted(before.rules.clone(), ids, |rule| rule.id);
    for (rule, ordinal) in rules.iter_mut().zip(0..) {
        rule.ordinal = ordinal;
    }
    if rules == before.rules {
        drop(unit);
        return PolicyDetail::warned(app, caller.tenant, before).await;
    }
    let after =
        saving::save(app, caller, &unit, &before, Policy { rules, ..before.clone() }, edit.why).await?;
    unit.commit().await?;
    PolicyDetail::warned(app, caller.tenant, after).await
}

/// Falling by tens to 10, so that a policy can be put between two without moving others.
fn priorities(count: usize) -> impl Iterator<Item = i32> {
    let count = i32::try_from(count).unwrap_or(i32::MAX / 10);
    (1..=count).rev().map(|place| place.saturating_mul(10))
}

/// Refuses a list that names one twice, leaves one out, or has one that is not there: it was read too long ago.
fn refuse_stale<Id: Copy + Eq + Hash + Display>(
    listed: &[Id],
    present: impl IntoIterator<Item = Id>,
    what: &str,
) -> Result<(), AppError> {
    let mut seen = HashSet::new();
    if let Some(twice) = listed.iter().find(|id| !seen.insert(**id)) {
        return Err(AppError::field("ids", format!("{twice} is listed twice")));
    }
    let present: Vec<Id> = present.into_iter().collect();
    let there: HashSet<Id> = present.iter().copied().collect();
    let missing: Vec<String> =
        present.iter().filter(|id| !seen.contains(id)).map(ToString::to_string).collect();
    let unknown: Vec<String> =
        listed.iter().filter(|id| !there.contains(id)).map(ToString::to_string).collect();
    if missing.is_empty() && unknown.is_empty() {
        return Ok(());
    }
    let message = format!("the list does not name each of the {what} that there are now: read them again");
    let details = Map::from_iter([
        ("missing".to_owned(), Value::from(missing)),
        ("unknown".to_owned(), Value::from(unknown)),
    ]);
    Err(AppError::Conflict { message, details })
}

/// The first of each of these ids, in their order.
fn sorted<T, Id: Copy + Eq + Hash>(things: Vec<T>, ids: &[Id], id: impl Fn(&T) -> Id) -> Vec<T> {
    let mut by_id = std::collections::HashMap::new();
    for thing in things {
        by_id.entry(id(&thing)).or_insert(thing);
    }
    ids.iter().filter_map(|id| by_id.remove(id)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_has_the_highest_priority_and_no_two_share_one() {
        assert_eq!(priorities(3).collect::<Vec<_>>(), [30, 20, 10]);
        assert_eq!(priorities(0).count(), 0);
    }

    #[test]
    fn a_list_that_is_not_whole_says_what_is_missing_and_what_is_unknown() {
        assert!(refuse_stale(&[2, 1], [1, 2], "numbers").is_ok());
        let Err(AppError::Conflict { details, .. }) = refuse_stale(&[1, 4], [1, 2, 3], "numbers") else {
            panic!("it is refused");
        };
        assert_eq!(details["missing"], serde_json::json!(["2", "3"]));
        assert_eq!(details["unknown"], serde_json::json!(["4"]));
        assert!(matches!(refuse_stale(&[1, 1], [1], "numbers"), Err(AppError::Invalid(_))));
    }
}
