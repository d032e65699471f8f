//! Policies.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use curfew_api::{
    ErrorBody, NewPolicy, NewPolicyRule, PageBody, Policy, PolicyChange, PolicyFields, PolicySummary,
};
use curfew_app::policies::{self, NewRule, PolicyDetail, TermsChange};
use curfew_domain::PolicyId;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::policy_rules::{new_rule, shown_rule};
use crate::{
    ApiCreate, ApiError, ApiJson, ApiList, ApiPath, Authenticated, Created, HttpState, ListQuery, NoFilters,
};

pub(crate) fn routes() -> OpenApiRouter<HttpState> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(get, change, delete))
}

/// The tenant's policies, newest first.
#[utoipa::path(get, path = "/v1/policies", tag = "policies", params(ListQuery),
    responses((status = 200, body = PageBody<PolicySummary>)))]
async fn list(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    list: ApiList<NoFilters>,
) -> Result<Json<PageBody<PolicySummary>>, ApiError> {
    let page = list.page(&state, &caller)?;
    let policies = policies::list(&state.app, &caller, page).await?;
    let summary = |policy: curfew_domain::policy::PolicySummary| PolicySummary {
        fields: PolicyFields::of(&policy),
        rule_count: policy.rules.0,
    };
    Ok(Json(list.body(&state, &caller, policies.map(summary))))
}

/// Make a policy.
///
/// Rules are validated strictly against the published schema. `User::"alice@acme.com"` and `Group::"engineering"`
/// are resolved to ids; what was written is kept and returned as it was.
#[utoipa::path(post, path = "/v1/policies", tag = "policies", request_body = NewPolicy,
    responses((status = 201, body = Policy),
        (status = 404, description = "What the same key made was deleted since.", body = ErrorBody),
        (status = 409, description = "The key was used for another body, or there are 1,000 policies.", body = ErrorBody),
        (status = 422, description = "Cedar that does not parse or validate, or is too much of it.", body = ErrorBody)))]
async fn create(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiCreate { body, once }: ApiCreate<NewPolicy>,
) -> Result<Created<Policy>, ApiError> {
    let wanted = new_policy(body)?;
    let made = policies::create(&state.app, &caller, &once, wanted).await?;
    Ok(Created(made.map(shown)))
}

/// One policy with its rules.
#[utoipa::path(get, path = "/v1/policies/{policyId}", tag = "policies", params(("policyId" = Uuid, Path)),
    responses((status = 200, body = Policy)))]
async fn get(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiPath(id): ApiPath<PolicyId>,
) -> Result<Json<Policy>, ApiError> {
    Ok(Json(shown(policies::get(&state.app, &caller, id).await?)))
}

/// Change a policy; each change is a new version of it. What is left out stays.
#[utoipa::path(patch, path = "/v1/policies/{policyId}", tag = "policies", params(("policyId" = Uuid, Path)),
    request_body = PolicyChange,
    responses((status = 200, body = Policy),
        (status = 422, description = "Cedar that does not parse or validate.", body = ErrorBody)))]
async fn change(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiPath(id): ApiPath<PolicyId>,
    ApiJson(body): ApiJson<PolicyChange>,
) -> Result<Json<Policy>, ApiError> {
    let wanted = policy_change(body);
    Ok(Json(shown(policies::change(&state.app, &caller, id, wanted).await?)))
}

/// Delete a policy. What it decided stays as it is.
#[utoipa::path(delete, path = "/v1/policies/{policyId}", tag = "policies", params(("policyId" = Uuid, Path)),
    responses((status = 204)))]
async fn delete(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiPath(id): ApiPath<PolicyId>,
) -> Result<StatusCode, ApiError> {
    policies::delete(&state.app, &caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn shown(detail: PolicyDetail) -> Policy {
    let fields = PolicyFields::of(&detail.policy);
    let rules =
        detail.policy.rules.into_iter().zip(detail.shapes).map(|(rule, shape)| shown_rule(rule, shape));
    Policy { fields, rules: rules.collect() }
}

/// Reads the body of a new policy.
pub(super) fn new_policy(body: NewPolicy) -> Result<policies::NewPolicy, ApiError> {
    let terms = body.terms();
    Ok(policies::NewPolicy {
        name: body.name,
        description: body.description,
        enabled: body.enabled,
        priority: body.priority,
        terms,
        notification_channel: body.notification_channel,
        policy_set: body.cedar_policy_set,
        rules: new_rules(body.rules)?,
    })
}

/// Reads single rules.
pub(super) fn new_rules(rules: Vec<NewPolicyRule>) -> Result<Vec<NewRule>, ApiError> {
    rules.into_iter().enumerate().map(|(index, rule)| new_rule(index, rule)).collect()
}

/// Reads the body of a change.
pub(super) fn policy_change(body: PolicyChange) -> policies::PolicyChange {
    policies::PolicyChange {
        name: body.name,
        description: body.description,
        enabled: body.enabled,
        priority: body.priority,
        terms: TermsChange {
            maximum: body.max_duration_seconds,
            default: body.default_duration_seconds,
            mode: body.approval_mode,
            approval_timeout: body.approval_timeout_seconds,
            approvals_required: body.approvals_required,
            approver_groups: body.approver_groups,
            allow_break_glass: body.allow_break_glass,
            break_glass_maximum: body.break_glass_max_duration_seconds,
        },
        notification_channel: body.notification_channel,
        policy_set: body.cedar_policy_set,
    }
}
