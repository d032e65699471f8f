//! Making, changing and deleting policies.

use std::collections::{HashMap, VecDeque};

use curfew_domain::audit::AuditAction;
use curfew_domain::policy::{ChangeReason, Policy, PolicyRule, PolicyTerms};
use curfew_domain::request::ApprovalMode;
use curfew_domain::{Change, DisplayName, GroupId, LongText, PolicyId, Scope, Seconds, Timestamp};
use curfew_store::ReadUnit;

use super::expected::Edit;
use super::read::PolicyDetail;
use super::statements::{self, NewRule};
use super::{groups, saving};
use crate::{App, AppError, Caller, Made, Once};

/// The most policies of a tenant: each may be a group of its own, which every decision asks.
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
    /// Why it is made.
    pub why: Option<ChangeReason>,
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
    /// Which versions it is meant for, and why.
    pub edit: Edit,
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
        return Ok(Made::Before(PolicyDetail::warned(app, caller.tenant, policy).await?));
    }
    let mut wanted = wanted;
    let (set, single) = (wanted.policy_set.take(), std::mem::take(&mut wanted.rules));
    let why = wanted.why.take();
    let rules = statements::rules(app, caller.tenant, set, single).await?;
    let now = app.now();
    let id = PolicyId::new(now, app.entropy.as_ref());
    let policy = wanted.with_rules(id, rules, now);
    let unit = app.store.tenant(caller.tenant).write().await?;
    if let Some(policy) = made_before(&unit, once, now).await? {
        drop(unit);
        return Ok(Made::Before(PolicyDetail::warned(app, caller.tenant, policy).await?));
    }
    refuse_one_more(&unit).await?;
    saving::check_room(&unit, None, &policy).await?;
    let entry = saving::entry(caller, AuditAction::PolicyCreated, &policy, why.as_ref())?;
    unit.insert_policy(&policy, saving::made_by(caller, why)).await?;
    caller.stays(&unit).await?;
    groups::refuse_missing(&unit, None, &policy).await?;
    unit.record(entry, app.now(), app.entropy.as_ref()).await?;
    once.remember(&unit, policy.id, now).await?;
    unit.commit().await?;
    Ok(Made::Now(PolicyDetail::warned(app, caller.tenant, policy).await?))
}

/// Refuses another policy where there are as many as there may be.
pub(super) async fn refuse_one_more(unit: &ReadUnit) -> Result<(), AppError> {
    if unit.count_policies().await? < MOST_POLICIES {
        return Ok(());
    }
    Err(too_many_policies())
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
    let before = saving::hold(&unit, id, &wanted.edit.expected).await?;
    let mut after = before.clone();
    let why = wanted.edit.why.clone();
    wanted.apply_to(&mut after);
    check(&after.terms)?;
    if let Some(rules) = new_rules {
        after.rules = as_they_were(&before.rules, rules);
    }
    let after = saving::save(app, caller, &unit, &before, after, why).await?;
    unit.commit().await?;
    PolicyDetail::warned(app, caller.tenant, after).await
}

/// Rules that are written anew as they were written stay the ones that they were, and their names stand for whom they
/// stood for.
pub(super) fn as_they_were(before: &[PolicyRule], written: Vec<PolicyRule>) -> Vec<PolicyRule> {
    let mut there: HashMap<&str, VecDeque<&PolicyRule>> = HashMap::new();
    for rule in before {
        there.entry(&rule.text).or_default().push_back(rule);
    }
    let stays = |rule: PolicyRule| match there.get_mut(rule.text.as_str()).and_then(VecDeque::pop_front) {
        Some(was) => PolicyRule { ordinal: rule.ordinal, ..was.clone() },
        None => rule,
    };
    written.into_iter().map(stays).collect()
}

/// Deletes a policy. What it decided stays as it is, and so do its versions.
pub async fn delete(app: &App, caller: &Caller, id: PolicyId, edit: Edit) -> Result<(), AppError> {
    caller.require(Scope::PoliciesDelete)?;
    let unit = app.store.tenant(caller.tenant).write().await?;
    let policy = saving::hold(&unit, id, &edit.expected).await?;
    unit.delete_policy(id).await?;
    let entry = saving::entry(caller, AuditAction::PolicyDeleted, &policy, edit.why.as_ref())?;
    unit.record(entry, app.now(), app.entropy.as_ref()).await?;
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

/// Checks what no single field can tell, but for groups, which the database knows.
pub(super) fn check(terms: &PolicyTerms) -> Result<(), AppError> {
    terms.check().map_err(|(field, problem)| AppError::invalid(field, &problem))
}
