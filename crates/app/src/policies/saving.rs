//! A policy that is held, changed, and kept as its next version: the one way in which policies change.

use curfew_domain::audit::{AuditAction, NewEntry, content_hash};
use curfew_domain::policy::{ChangeReason, Policy};
use curfew_domain::{DoneBy, PolicyId};
use curfew_store::{MadeBy, ReadUnit, WriteUnit};

use super::expected::Expected;
use super::groups;
use crate::{App, AppError, Caller};

/// The largest that the texts of a policy's rules may be together, in bytes: what can be sent at once. Each change reads
/// them all, and keeps them as a version.
const LARGEST: usize = 1_048_576;

/// The most rules of a tenant.
pub(super) const MOST_RULES: u64 = 20_000;

/// Refuses a policy that is too large, or one rule too many. Who is above a limit already may still make less of it.
pub(super) async fn check_room(
    unit: &ReadUnit,
    before: Option<&Policy>,
    after: &Policy,
) -> Result<(), AppError> {
    let size = |policy: &Policy| policy.rules.iter().map(|rule| rule.text.len()).sum::<usize>();
    if size(after) > LARGEST.max(before.map_or(0, size)) {
        let message =
            format!("the rules of a policy have at most {LARGEST} bytes together: make another one");
        return Err(AppError::conflict(message));
    }
    let more = after.rules.len().saturating_sub(before.map_or(0, |before| before.rules.len()));
    if more > 0 && unit.count_rules().await?.saturating_add(more as u64) > MOST_RULES {
        return Err(too_many_rules());
    }
    Ok(())
}

pub(super) fn too_many_rules() -> AppError {
    AppError::conflict(format!(
        "a tenant has at most {MOST_RULES} rules: name groups, roles or units in them"
    ))
}

/// Holds a policy against other writers, and refuses a change that was meant for another version of it.
pub(super) async fn hold(unit: &WriteUnit, id: PolicyId, expected: &Expected) -> Result<Policy, AppError> {
    let policy = unit.lock_policy(id).await?.ok_or(AppError::NotFound("policy"))?;
    expected.check(policy.version)?;
    Ok(policy)
}

/// Makes `after` of a policy that is held: as its next version, and with an entry in the log.
pub(super) async fn save(
    app: &App,
    caller: &Caller,
    unit: &WriteUnit,
    before: &Policy,
    after: Policy,
    why: Option<ChangeReason>,
) -> Result<Policy, AppError> {
    let after = next_version(app, before, after);
    check_room(unit, Some(before), &after).await?;
    unit.save_policy(before, &after, made_by(caller, why.clone())).await?;
    caller.stays(unit).await?;
    groups::refuse_missing(unit, Some(before), &after).await?;
    let entry = entry(caller, AuditAction::PolicyUpdated, &after, why.as_ref())?
        .with("changed", after.changed_since(before));
    unit.record(entry, app.now(), app.entropy.as_ref()).await?;
    Ok(after)
}

/// `after` as the version that follows `before`.
pub(super) fn next_version(app: &App, before: &Policy, after: Policy) -> Policy {
    Policy { version: before.version.saturating_add(1), updated_at: app.now(), ..after }
}

pub(super) fn made_by(caller: &Caller, why: Option<ChangeReason>) -> MadeBy {
    MadeBy { by: DoneBy::Person(caller.user), reason: why }
}

/// What is logged of a policy: the hash proves the version that is kept.
pub(super) fn entry(
    caller: &Caller,
    action: AuditAction,
    policy: &Policy,
    why: Option<&ChangeReason>,
) -> Result<NewEntry, AppError> {
    let content = content_hash(policy).map_err(AppError::internal)?;
    let entry = NewEntry::new(caller.actor, action, "policy", policy.id)
        .with("version", policy.version)
        .with("content", content)
        .with("enabled", policy.enabled)
        .with("priority", policy.priority)
        .with("approval_mode", policy.terms.mode.as_str())
        .with("rules", policy.rules.len());
    Ok(match why {
        Some(why) => entry.with_personal("change_reason", why.as_str()),
        None => entry,
    })
}
