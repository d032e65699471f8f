//! Reading policies.

use curfew_domain::policy::{Policy, PolicySummary};
use curfew_domain::{Page, PageRequest, PolicyId, Scope, TenantId};
use curfew_policy::{PolicyInvalid, RuleShape, Statement};
use curfew_store::StoreError;

use crate::{App, AppError, Caller};

/// A policy, and the fields of each of its rules.
#[derive(Debug, Clone, PartialEq)]
pub struct PolicyDetail {
    /// The policy.
    pub policy: Policy,
    /// Its rules' fields, in their order.
    pub shapes: Vec<RuleShape>,
}

/// A page of the tenant's policies, newest first.
pub async fn list(app: &App, caller: &Caller, page: PageRequest) -> Result<Page<PolicySummary>, AppError> {
    caller.require(Scope::PoliciesRead)?;
    let unit = app.store.tenant(caller.tenant).read().await?;
    Ok(unit.policies(&page).await?)
}

/// A policy with its rules.
pub async fn get(app: &App, caller: &Caller, id: PolicyId) -> Result<PolicyDetail, AppError> {
    caller.require(Scope::PoliciesRead)?;
    let unit = app.store.tenant(caller.tenant).read().await?;
    let policy = unit.policy(id).await?.ok_or(AppError::NotFound("policy"))?;
    drop(unit);
    PolicyDetail::of(app, caller.tenant, policy).await
}

impl PolicyDetail {
    /// Reads the fields off the statements. Parsing is work for the processor, so it is done aside.
    pub(super) async fn of(app: &App, tenant: TenantId, policy: Policy) -> Result<Self, AppError> {
        let reading = app.policies.labour.of(tenant, move || {
            let shapes = policy.rules.iter().map(|rule| shape(&rule.text)).collect::<Result<_, _>>();
            (policy, shapes)
        });
        let (policy, shapes) = reading.await?;
        let shapes = shapes.map_err(|problem| {
            let id = policy.id.to_string();
            AppError::internal(StoreError::Corrupt { table: "policy_rule", id, problem: problem.to_string() })
        })?;
        Ok(Self { policy, shapes })
    }
}

fn shape(text: &str) -> Result<RuleShape, PolicyInvalid> {
    RuleShape::of(&Statement::one(text)?)
}
