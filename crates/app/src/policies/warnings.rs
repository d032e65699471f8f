//! What is worth knowing of a policy, with the facts that this looks at.

use std::sync::Arc;

use curfew_domain::policy::Policy;
use curfew_domain::request::ApprovalMode;
use curfew_domain::{InstanceArn, PolicyId, RuleId, TenantId};
use curfew_policy::{Surroundings, Warning, WarningCode, Warnings, warnings_of, warnings_of_order};
use curfew_store::ReadUnit;

use super::snapshot::Snapshot;
use crate::{App, AppError, requests};

/// Warnings of a policy as it is now: where one `rule` of it was changed, of that rule and of the policy as a whole. The
/// policy is saved already, so where they can't be found that is what they say.
pub(super) async fn of_policy(
    app: &App,
    tenant: TenantId,
    policy: &Policy,
    rule: Option<RuleId>,
) -> Warnings {
    found(tenant, Some(policy.id), look_at_policy(app, tenant, policy, rule).await)
}

/// The same, of a policy that is still to be read.
pub(super) async fn of_rule(app: &App, tenant: TenantId, policy: PolicyId, rule: RuleId) -> Warnings {
    let looking = async {
        let unit = app.store.tenant(tenant).read().await?;
        let Some(policy) = unit.policy(policy).await? else { return Ok(Warnings::default()) };
        drop(unit);
        look_at_policy(app, tenant, &policy, Some(rule)).await
    };
    found(tenant, Some(policy), looking.await)
}

/// Warnings of the order that the tenant's policies have now.
pub(super) async fn of_order(app: &App, tenant: TenantId) -> Warnings {
    let looking = async {
        let (unit, _, snapshot) = app.policies.current(&app.store, tenant).await?;
        drop(unit);
        let look = move || warnings_of_order(&snapshot.policies, snapshot.settings.max_grant);
        app.policies.labour.of(tenant, look).await
    };
    found(tenant, None, looking.await)
}

fn found(tenant: TenantId, policy: Option<PolicyId>, looked: Result<Warnings, AppError>) -> Warnings {
    looked.unwrap_or_else(|problem| {
        tracing::warn!(tenant_id = %tenant, ?policy, ?problem, "a saved policy could not be looked through");
        let message = "it is saved, but it could not be looked through for warnings: read it again";
        let mut warnings = Warnings::default();
        warnings.add(Warning {
            code: WarningCode::NotChecked,
            policy,
            rule: None,
            message: message.to_owned(),
        });
        warnings
    })
}

async fn look_at_policy(
    app: &App,
    tenant: TenantId,
    policy: &Policy,
    rule: Option<RuleId>,
) -> Result<Warnings, AppError> {
    let (unit, _, snapshot) = app.policies.current(&app.store, tenant).await?;
    let around = surroundings(&unit, &snapshot, policy).await?;
    drop(unit);
    let (policy, policies) = (policy.clone(), Arc::clone(&snapshot.policies));
    app.policies.labour.of(tenant, move || warnings_of(&policy, rule, &policies, &around)).await
}

/// AWS is looked at for automatic policies alone, and people for those that ask them.
async fn surroundings(
    unit: &ReadUnit,
    snapshot: &Snapshot,
    policy: &Policy,
) -> Result<Surroundings, AppError> {
    let longest = snapshot.settings.max_grant;
    let terms = &policy.terms;
    let asks_people = terms.mode == ApprovalMode::Require || !terms.approver_groups.is_empty();
    let approvers = if asks_people { Some(requests::possible_approvers(unit, terms).await?) } else { None };
    let bare = Surroundings { longest, management: None, units: [].into(), strongest: Vec::new(), approvers };
    if terms.mode != ApprovalMode::Auto {
        return Ok(bare);
    }
    let connection = unit.connection().await?;
    match connection.and_then(|connection| connection.verified) {
        Some(verified) => with_aws(unit, &verified.saved.instance, bare).await,
        None => Ok(bare),
    }
}

async fn with_aws(
    unit: &ReadUnit,
    instance: &InstanceArn,
    bare: Surroundings,
) -> Result<Surroundings, AppError> {
    let accounts = requests::accounts(unit, instance).await?;
    let management = accounts.into_iter().find(|account| account.facts.is_management);
    let (management, units) =
        management.map_or((None, [].into()), |account| (Some(account.facts), account.units));
    let sets = requests::permission_sets(unit, instance).await?;
    let highest = sets.iter().filter_map(|set| set.facts.rank).max();
    let strongest =
        sets.into_iter().map(|set| set.facts).filter(|set| set.rank.is_some() && set.rank == highest);
    Ok(Surroundings { management, units, strongest: strongest.collect(), ..bare })
}
