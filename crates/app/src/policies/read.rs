//! Reading policies.

use curfew_domain::policy::{Policy, PolicyRule, PolicySummary};
use curfew_domain::{Page, PageRequest, PolicyId, Scope, TenantId};
use curfew_policy::{ACCESS_SCHEMA, PolicyInvalid, RuleShape, Statement, Warnings, access_schema_json};
use curfew_store::StoreError;

use super::warnings;
use crate::{App, AppError, Caller};

/// A policy, and the fields of each of its rules.
#[derive(Debug, Clone, PartialEq)]
pub struct PolicyDetail {
    /// The policy.
    pub policy: Policy,
    /// Its rules' fields, in their order.
    pub shapes: Vec<RuleShape>,
    /// What is worth knowing of it. Looked for where it is as it stands now, so not of a version that it was.
    pub warnings: Warnings,
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
    PolicyDetail::warned(app, caller.tenant, policy).await
}

/// The vocabulary that rules are validated against, in Cedar's language of schemas or in its JSON form.
pub fn schema(caller: &Caller, as_json: bool) -> Result<&'static str, AppError> {
    caller.require(Scope::PoliciesRead)?;
    Ok(if as_json { access_schema_json() } else { ACCESS_SCHEMA })
}

impl PolicyDetail {
    /// Reads the fields off the statements. Parsing is work for the processor, so it is done aside.
    pub(super) async fn of(app: &App, tenant: TenantId, policy: Policy) -> Result<Self, AppError> {
        let (rules, shapes) = shapes(app, tenant, policy.rules).await?;
        Ok(Self { policy: Policy { rules, ..policy }, shapes, warnings: Warnings::default() })
    }

    /// The same of a policy as it stands now, with what is worth knowing of it.
    pub(super) async fn warned(app: &App, tenant: TenantId, policy: Policy) -> Result<Self, AppError> {
        let warnings = warnings::of_policy(app, tenant, &policy, None).await;
        Ok(Self { warnings, ..Self::of(app, tenant, policy).await? })
    }
}

/// The fields of each of these rules, and the rules.
pub(super) async fn shapes(
    app: &App,
    tenant: TenantId,
    rules: Vec<PolicyRule>,
) -> Result<(Vec<PolicyRule>, Vec<RuleShape>), AppError> {
    let reading = app.policies.labour.of(tenant, move || {
        let shapes = rules.iter().map(|rule| shape(&rule.text).map_err(|problem| (rule.id, problem)));
        let shapes: Result<Vec<_>, _> = shapes.collect();
        shapes.map(|shapes| (rules, shapes))
    });
    reading.await?.map_err(|(id, problem)| {
        let (id, problem) = (id.to_string(), problem.to_string());
        AppError::internal(StoreError::Corrupt { table: "policy_rule", id, problem })
    })
}

pub(super) fn shape(text: &str) -> Result<RuleShape, PolicyInvalid> {
    RuleShape::of(&Statement::kept(text)?)
}
