//! Single rules of a policy. Each change of one is a new version of its policy.

use curfew_domain::policy::{Policy, PolicyRule};
use curfew_domain::{Page, PageRequest, PolicyId, RuleId, Scope, TenantId, Timestamp};
use curfew_policy::{MOST_STATEMENTS, RuleShape, Warnings};
use curfew_store::ReadUnit;

use super::expected::Edit;
use super::read::shapes;
use super::rewrite::{self, RuleChange};
use super::statements::{self, NewRule};
use super::{TRIES, saving, warnings};
use crate::{App, AppError, Caller, Made, Once};

/// The largest ordinal that can be asked for.
const HIGHEST_ORDINAL: u32 = 1_000_000;

/// A rule and its fields.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleDetail {
    /// The rule.
    pub rule: PolicyRule,
    /// Its fields.
    pub shape: RuleShape,
}

/// A rule as it is at a version of its policy.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleAt {
    /// The policy's version.
    pub version: u32,
    /// The rule.
    pub detail: RuleDetail,
    /// What is worth knowing of it where it was saved; not looked for where it is only read.
    pub warnings: Warnings,
}

/// A page of a policy's rules, by ordinal.
pub async fn list(
    app: &App,
    caller: &Caller,
    policy: PolicyId,
    page: PageRequest,
) -> Result<Page<RuleDetail>, AppError> {
    caller.require(Scope::PoliciesRead)?;
    let unit = app.store.tenant(caller.tenant).read().await?;
    let found = unit.policy_rules(policy, &page).await?.ok_or(AppError::NotFound("policy"))?;
    drop(unit);
    let (items, shapes) = shapes(app, caller.tenant, found.items).await?;
    let items = items.into_iter().zip(shapes).map(|(rule, shape)| RuleDetail { rule, shape }).collect();
    Ok(Page { items, next: found.next })
}

/// One rule.
pub async fn get(app: &App, caller: &Caller, policy: PolicyId, id: RuleId) -> Result<RuleAt, AppError> {
    caller.require(Scope::PoliciesRead)?;
    let unit = app.store.tenant(caller.tenant).read().await?;
    let (rule, version) = unit.policy_rule(policy, id).await?.ok_or(AppError::NotFound("rule"))?;
    drop(unit);
    RuleAt::of(app, caller.tenant, rule, version).await
}

/// Adds a rule: where `ordinal` says, or as the last.
pub async fn add(
    app: &App,
    caller: &Caller,
    once: &Once,
    policy: PolicyId,
    (wanted, ordinal): (NewRule, Option<u32>),
    edit: Edit,
) -> Result<Made<RuleAt>, AppError> {
    caller.require(Scope::PoliciesWrite)?;
    check_ordinal(ordinal)?;
    let reading = app.store.tenant(caller.tenant).read().await?;
    let before = made_before(&reading, once, policy, app.now()).await?;
    let is_there = reading.policy_version_now(policy).await?.is_some();
    drop(reading);
    if let Some((rule, version)) = before {
        return Ok(Made::Before(RuleAt::saved(app, caller.tenant, policy, rule, version).await?));
    }
    if !is_there {
        return Err(AppError::NotFound("policy"));
    }
    let rule = statements::one(app, caller.tenant, wanted).await?;
    let unit = app.store.tenant(caller.tenant).write().await?;
    if let Some((rule, version)) = made_before(&unit, once, policy, app.now()).await? {
        drop(unit);
        return Ok(Made::Before(RuleAt::saved(app, caller.tenant, policy, rule, version).await?));
    }
    let held = saving::hold(&unit, policy, &edit.expected).await?;
    if held.rules.len() >= MOST_STATEMENTS {
        let message = format!("a policy has at most {MOST_STATEMENTS} rules: make another one");
        return Err(AppError::conflict(message));
    }
    let mut after = held.clone();
    let rule = place(&mut after.rules, rule, ordinal);
    let after = saving::save(app, caller, &unit, &held, after, edit.why).await?;
    once.remember(&unit, rule.id, app.now()).await?;
    unit.commit().await?;
    Ok(Made::Now(RuleAt::saved(app, caller.tenant, policy, rule, after.version).await?))
}

/// What the same request made before.
async fn made_before(
    unit: &ReadUnit,
    once: &Once,
    policy: PolicyId,
    now: Timestamp,
) -> Result<Option<(PolicyRule, u32)>, AppError> {
    let Some(id) = once.earlier::<RuleId>(unit, now).await? else { return Ok(None) };
    Ok(Some(unit.policy_rule(policy, id).await?.ok_or(AppError::NotFound("rule"))?))
}

/// Changes a rule. What is not said stays, also what somebody else changes at the same time.
pub async fn change(
    app: &App,
    caller: &Caller,
    policy: PolicyId,
    id: RuleId,
    (wanted, ordinal): (RuleChange, Option<u32>),
    edit: Edit,
) -> Result<RuleAt, AppError> {
    caller.require(Scope::PoliciesWrite)?;
    check_ordinal(ordinal)?;
    // What is written anew is written while no unit is held, and from a rule that somebody may have changed since.
    for _ in 0..TRIES {
        let unit = app.store.tenant(caller.tenant).read().await?;
        let (seen, _) = unit.policy_rule(policy, id).await?.ok_or(AppError::NotFound("rule"))?;
        drop(unit);
        let rewritten = rewrite::rewritten(app, caller.tenant, seen.clone(), wanted.clone()).await?;
        let unit = app.store.tenant(caller.tenant).write().await?;
        let held = saving::hold(&unit, policy, &edit.expected).await?;
        let mut after = held.clone();
        let mut rule = taken(&mut after, id)?;
        if !rewrite::is_same(&rule, &seen) {
            continue;
        }
        let ordinal = ordinal.unwrap_or(rule.ordinal);
        rule = PolicyRule { ordinal, created_at: rule.created_at, id, ..rewritten };
        let rule = place(&mut after.rules, rule, Some(ordinal));
        let after = saving::save(app, caller, &unit, &held, after, edit.why).await?;
        unit.commit().await?;
        return RuleAt::saved(app, caller.tenant, policy, rule, after.version).await;
    }
    Err(AppError::conflict("the rule is being changed all the time; try again"))
}

/// Takes a rule away. Answers the policy's version after that.
pub async fn remove(
    app: &App,
    caller: &Caller,
    policy: PolicyId,
    id: RuleId,
    edit: Edit,
) -> Result<u32, AppError> {
    caller.require(Scope::PoliciesWrite)?;
    let unit = app.store.tenant(caller.tenant).write().await?;
    let held = saving::hold(&unit, policy, &edit.expected).await?;
    let mut after = held.clone();
    taken(&mut after, id)?;
    let after = saving::save(app, caller, &unit, &held, after, edit.why).await?;
    unit.commit().await?;
    Ok(after.version)
}

impl RuleAt {
    async fn of(app: &App, tenant: TenantId, rule: PolicyRule, version: u32) -> Result<Self, AppError> {
        let (rules, shapes) = shapes(app, tenant, vec![rule]).await?;
        let found = rules.into_iter().zip(shapes).next().ok_or(AppError::NotFound("rule"))?;
        let detail = RuleDetail { rule: found.0, shape: found.1 };
        Ok(Self { version, detail, warnings: Warnings::default() })
    }

    async fn saved(
        app: &App,
        tenant: TenantId,
        policy: PolicyId,
        rule: PolicyRule,
        version: u32,
    ) -> Result<Self, AppError> {
        let warnings = warnings::of_rule(app, tenant, policy, rule.id).await;
        Ok(Self { warnings, ..Self::of(app, tenant, rule, version).await? })
    }
}

/// Takes a rule out of its policy. Others keep their places.
fn taken(policy: &mut Policy, id: RuleId) -> Result<PolicyRule, AppError> {
    let at = policy.rules.iter().position(|rule| rule.id == id).ok_or(AppError::NotFound("rule"))?;
    Ok(policy.rules.remove(at))
}

/// Puts a rule where `ordinal` says, else behind all. Whoever stands there moves down by one, and so on as far as
/// there is no gap.
fn place(rules: &mut Vec<PolicyRule>, rule: PolicyRule, ordinal: Option<u32>) -> PolicyRule {
    let behind_all = || rules.last().map_or(0, |last| last.ordinal.saturating_add(1));
    let ordinal = ordinal.unwrap_or_else(behind_all);
    let rule = PolicyRule { ordinal, ..rule };
    let at = rules.partition_point(|other| other.ordinal < ordinal);
    let mut taken = ordinal;
    for other in &mut rules[at..] {
        if other.ordinal > taken {
            break;
        }
        taken = taken.saturating_add(1);
        other.ordinal = taken;
    }
    rules.insert(at, rule.clone());
    rule
}

fn check_ordinal(ordinal: Option<u32>) -> Result<(), AppError> {
    match ordinal {
        Some(ordinal) if ordinal > HIGHEST_ORDINAL => Err(AppError::field(
            "ordinal",
            format!("an ordinal is a whole number from 0 to {HIGHEST_ORDINAL}"),
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(number: u128, ordinal: u32) -> PolicyRule {
        PolicyRule {
            id: RuleId::from_uuid(uuid::Uuid::from_u128(number)),
            ordinal,
            text: String::new(),
            resolved: String::new(),
            notice: None,
            audit_session: true,
            created_at: Timestamp::from_micros(0),
        }
    }

    fn placed(ordinals: &[u32], ordinal: Option<u32>) -> Vec<(u128, u32)> {
        let mut rules: Vec<_> = (1..).zip(ordinals).map(|(number, ordinal)| rule(number, *ordinal)).collect();
        place(&mut rules, rule(9, 77), ordinal);
        rules.iter().map(|rule| (rule.id.uuid().as_u128(), rule.ordinal)).collect()
    }

    #[test]
    fn a_rule_takes_its_place_and_moves_others_only_as_far_as_the_next_gap() {
        assert_eq!(placed(&[], None), [(9, 0)]);
        assert_eq!(placed(&[0, 5], None), [(1, 0), (2, 5), (9, 6)]);
        assert_eq!(placed(&[0, 1, 2, 5], Some(1)), [(1, 0), (9, 1), (2, 2), (3, 3), (4, 5)]);
        assert_eq!(placed(&[0, 5], Some(3)), [(1, 0), (9, 3), (2, 5)]);
        assert_eq!(placed(&[3, 4, 5], Some(3)), [(9, 3), (1, 4), (2, 5), (3, 6)]);
    }
}
