//! Making, changing and deleting policies.

use curfew_domain::audit::{AuditAction, NewEntry, content_hash};
use curfew_domain::policy::{Policy, PolicyRule, PolicyTerms};
use curfew_domain::request::ApprovalMode;
use curfew_domain::{Change, DisplayName, DoneBy, GroupId, LongText, PolicyId, Scope, Seconds, Timestamp};
use curfew_store::ReadUnit;

use crate::requests::NO_EMERGENCIES;
use crate::{App, AppError, Caller, Made, Once};

use super::read::PolicyDetail;
use super::statements::{self, NewRule};

/// The most policies of a tenant: each is asked at each decision, and compiled anew at each change of any.
pub(super) const MOST_POLICIES: u64 = 1_000;

/// A policy that somebody wants.
#[derive(Debug, Clone, PartialEq)]
pub struct NewPolicy {
    /// What people call it.
    pub name: DisplayName,
    /// What it is for.
    pub description: Option<LongText>,
    /// Whether it takes part at once.
    pub enabled: bool,
    /// Higher is asked first.
    pub priority: i32,
    /// On what terms it gives access.
    pub terms: PolicyTerms,
    /// Where its events are told besides.
    pub notification_channel: Option<DisplayName>,
    /// Many Cedar statements: each becomes a rule.
    pub policy_set: Option<String>,
    /// Single rules, after those.
    pub rules: Vec<NewRule>,
}

/// What is to change of a policy; what is not said stays.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PolicyChange {
    /// Another name.
    pub name: Change<DisplayName>,
    /// Another description, or none.
    pub description: Change<Option<LongText>>,
    /// Whether it takes part.
    pub enabled: Change<bool>,
    /// Another priority.
    pub priority: Change<i32>,
    /// Other terms.
    pub terms: TermsChange,
    /// Another channel, or none.
    pub notification_channel: Change<Option<DisplayName>>,
    /// Statements in the place of all of its rules.
    pub policy_set: Change<String>,
}

/// What is to change of a policy's terms.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TermsChange {
    /// Another maximum.
    pub maximum: Change<Seconds>,
    /// Another default, or none.
    pub default: Change<Option<Seconds>>,
    /// Another mode.
    pub mode: Change<ApprovalMode>,
    /// Another timeout, or none.
    pub approval_timeout: Change<Option<Seconds>>,
    /// Another number of approvals.
    pub approvals_required: Change<u16>,
    /// Other groups.
    pub approver_groups: Change<Vec<GroupId>>,
    /// Whether an emergency passes without approval.
    pub allow_break_glass: Change<bool>,
    /// Another maximum of emergencies, or none.
    pub break_glass_maximum: Change<Option<Seconds>>,
}

/// Makes a policy.
pub async fn create(
    app: &App,
    caller: &Caller,
    once: &Once,
    wanted: NewPolicy,
) -> Result<Made<PolicyDetail>, AppError> {
    caller.require(Scope::PoliciesWrite)?;
    check(&wanted.terms)?;
    let reading = app.store.tenant(caller.tenant).read().await?;
    // What it named then may be gone by now.
    let before = made_before(&reading, once, app.now()).await?;
    drop(reading);
    if let Some(policy) = before {
        return Ok(Made::Before(PolicyDetail::of(app, caller.tenant, policy).await?));
    }
    let mut wanted = wanted;
    let (set, single) = (wanted.policy_set.take(), std::mem::take(&mut wanted.rules));
    let rules = statements::rules(app, caller.tenant, set, single).await?;
    let now = app.now();
    let id = PolicyId::new(now, app.entropy.as_ref());
    let policy = wanted.with_rules(id, rules, now);
    let unit = app.store.tenant(caller.tenant).write().await?;
    if let Some(policy) = made_before(&unit, once, now).await? {
        drop(unit);
        return Ok(Made::Before(PolicyDetail::of(app, caller.tenant, policy).await?));
    }
    if unit.count_policies().await? >= MOST_POLICIES {
        return Err(too_many_policies());
    }
    unit.insert_policy(&policy, DoneBy::Person(caller.user)).await?;
    unit.record(entry(caller, AuditAction::PolicyCreated, &policy)?, app.now(), app.entropy.as_ref()).await?;
    once.remember(&unit, policy.id, now).await?;
    unit.commit().await?;
    Ok(Made::Now(PolicyDetail::of(app, caller.tenant, policy).await?))
}

/// What the same request made before.
async fn made_before(unit: &ReadUnit, once: &Once, now: Timestamp) -> Result<Option<Policy>, AppError> {
    let Some(id) = once.earlier::<PolicyId>(unit, now).await? else { return Ok(None) };
    Ok(Some(unit.policy(id).await?.ok_or(AppError::NotFound("policy"))?))
}

/// Changes a policy; each change is a new version of it.
pub async fn change(
    app: &App,
    caller: &Caller,
    id: PolicyId,
    wanted: PolicyChange,
) -> Result<PolicyDetail, AppError> {
    caller.require(Scope::PoliciesWrite)?;
    let new_rules = match wanted.policy_set.clone() {
        Change::Keep => None,
        Change::To(text) => Some(statements::rules(app, caller.tenant, Some(text), Vec::new()).await?),
    };
    let unit = app.store.tenant(caller.tenant).write().await?;
    let mut policy = unit.lock_policy(id).await?.ok_or(AppError::NotFound("policy"))?;
    let now = app.now();
    wanted.apply_to(&mut policy);
    check(&policy.terms)?;
    policy.version = policy.version.saturating_add(1);
    policy.updated_at = now;
    if let Some(rules) = new_rules {
        policy.rules = rules;
        unit.replace_rules(&policy).await?;
    }
    unit.update_policy(&policy, DoneBy::Person(caller.user)).await?;
    unit.record(entry(caller, AuditAction::PolicyUpdated, &policy)?, app.now(), app.entropy.as_ref()).await?;
    unit.commit().await?;
    PolicyDetail::of(app, caller.tenant, policy).await
}

/// Deletes a policy. What it decided stays as it is.
pub async fn delete(app: &App, caller: &Caller, id: PolicyId) -> Result<(), AppError> {
    caller.require(Scope::PoliciesDelete)?;
    let unit = app.store.tenant(caller.tenant).write().await?;
    let policy = unit.lock_policy(id).await?.ok_or(AppError::NotFound("policy"))?;
    unit.delete_policy(id).await?;
    unit.record(entry(caller, AuditAction::PolicyDeleted, &policy)?, app.now(), app.entropy.as_ref()).await?;
    unit.commit().await?;
    Ok(())
}

pub(super) fn too_many_policies() -> AppError {
    AppError::conflict(format!(
        "a tenant has at most {MOST_POLICIES} policies: delete some, or put rules together"
    ))
}

impl NewPolicy {
    /// The policy in its first version. What it wants for rules is `rules` by now.
    pub(super) fn with_rules(self, id: PolicyId, rules: Vec<PolicyRule>, now: Timestamp) -> Policy {
        Policy {
            id,
            name: self.name,
            description: self.description,
            enabled: self.enabled,
            priority: self.priority,
            terms: self.terms,
            notification_channel: self.notification_channel,
            rules,
            version: 1,
            created_at: now,
            updated_at: now,
        }
    }
}

impl PolicyChange {
    pub(super) fn apply_to(self, policy: &mut Policy) {
        self.name.apply_to(&mut policy.name);
        self.description.apply_to(&mut policy.description);
        self.enabled.apply_to(&mut policy.enabled);
        self.priority.apply_to(&mut policy.priority);
        self.notification_channel.apply_to(&mut policy.notification_channel);
        self.terms.apply_to(&mut policy.terms);
    }
}

impl TermsChange {
    fn apply_to(self, terms: &mut PolicyTerms) {
        self.maximum.apply_to(&mut terms.maximum);
        self.default.apply_to(&mut terms.default);
        self.mode.apply_to(&mut terms.mode);
        self.approval_timeout.apply_to(&mut terms.approval_timeout);
        self.approvals_required.apply_to(&mut terms.approvals_required);
        self.approver_groups.apply_to(&mut terms.approver_groups);
        self.allow_break_glass.apply_to(&mut terms.allow_break_glass);
        self.break_glass_maximum.apply_to(&mut terms.break_glass_maximum);
    }
}

/// Checks terms that are to be saved.
pub(super) fn check(terms: &PolicyTerms) -> Result<(), AppError> {
    terms.check().map_err(|(field, problem)| AppError::invalid(field, &problem))?;
    for (field, said) in [
        ("approval_mode", terms.mode == ApprovalMode::BreakGlass),
        ("allow_break_glass", terms.allow_break_glass),
        ("break_glass_max_duration_seconds", terms.break_glass_maximum.is_some()),
    ] {
        // It would pass every approval, and nobody would be told, nor asked to review it.
        if said {
            return Err(AppError::field(field, NO_EMERGENCIES));
        }
    }
    // There are no groups before identity providers bring them: naming one would wait for nobody.
    match terms.approver_groups.first() {
        Some(group) => Err(AppError::field("approver_groups", format!("there is no group {group}"))),
        None => Ok(()),
    }
}

/// What is logged of a policy: the hash proves the version that is kept.
fn entry(caller: &Caller, action: AuditAction, policy: &Policy) -> Result<NewEntry, AppError> {
    let content = content_hash(policy).map_err(AppError::internal)?;
    Ok(NewEntry::new(caller.actor, action, "policy", policy.id)
        .with("version", policy.version)
        .with("content", content)
        .with("enabled", policy.enabled)
        .with("priority", policy.priority)
        .with("approval_mode", policy.terms.mode.as_str())
        .with("rules", policy.rules.len()))
}
