//! Policies.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use curfew_api::{
    ErrorBody, NewPolicy, NewPolicyRule, PageBody, Policy, PolicyChange, PolicyChangeReason, PolicyFields,
    PolicyOrder, PolicySummary, WarnedPolicy, WarnedPolicyOrder,
};
use curfew_app::Made;
use curfew_app::policies::{self, Edit, Expected, NewRule, PolicyDetail, RuleDetail, TermsChange};
use curfew_domain::PolicyId;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::policy_warnings;
use super::rule_fields::{new_rule, shown_rule};
use crate::extract::IfMatchHeader;
use crate::tagged::Tagged;
use crate::{
    ApiCreate, ApiError, ApiJson, ApiList, ApiPath, Authenticated, Created, HttpState, IfMatch, ListQuery,
    NoFilters,
};

pub(crate) fn routes() -> OpenApiRouter<HttpState> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get, change, delete))
        .routes(routes!(reorder))
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
    Ok(Json(list.body(&state, &caller, policies.map(|policy| summary(&policy)))))
}

/// Make a policy.
///
/// Rules are validated strictly against the published schema. `User::"alice@acme.com"` and `Group::"engineering"`
/// are resolved to ids; what was written is kept and returned as it was. `warnings` say what is worth knowing of it.
#[utoipa::path(post, path = "/v1/policies", tag = "policies", request_body = NewPolicy,
    responses((status = 201, body = WarnedPolicy, headers(("ETag" = String, description = "The policy's version."))),
        (status = 404, description = "What the same key made was deleted since.", body = ErrorBody),
        (status = 409, description = "The key was used for another body, or there are 1,000 policies.", body = ErrorBody),
        (status = 422, description = "Cedar that does not parse or validate, or is too much of it.", body = ErrorBody)))]
async fn create(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiCreate { body, once }: ApiCreate<NewPolicy>,
) -> Result<Tagged<Created<WarnedPolicy>>, ApiError> {
    let wanted = new_policy(body)?;
    let made = policies::create(&state.app, &caller, &once, wanted).await?;
    let version = match &made {
        Made::Now(detail) | Made::Before(detail) => detail.policy.version,
    };
    Ok(Tagged(version, Created(made.map(warned))))
}

/// One policy with its rules.
#[utoipa::path(get, path = "/v1/policies/{policyId}", tag = "policies", params(("policyId" = Uuid, Path)),
    responses((status = 200, body = WarnedPolicy, headers(("ETag" = String, description = "The policy's version.")))))]
async fn get(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiPath(id): ApiPath<PolicyId>,
) -> Result<Tagged<Json<WarnedPolicy>>, ApiError> {
    Ok(shown(policies::get(&state.app, &caller, id).await?))
}

/// Change a policy; each change is a new version of it. What is left out stays.
///
/// Of `cedar_policy_set`, statements that are there as they are written stay the rules that they are, with their ids.
#[utoipa::path(patch, path = "/v1/policies/{policyId}", tag = "policies",
    params(("policyId" = Uuid, Path), IfMatchHeader), request_body = PolicyChange,
    responses((status = 200, body = WarnedPolicy, headers(("ETag" = String, description = "The policy's version."))),
        (status = 409, description = "The policy is at another version: `details.version`.", body = ErrorBody),
        (status = 422, description = "Cedar that does not parse or validate.", body = ErrorBody)))]
async fn change(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiPath(id): ApiPath<PolicyId>,
    IfMatch(expected): IfMatch,
    ApiJson(body): ApiJson<PolicyChange>,
) -> Result<Tagged<Json<WarnedPolicy>>, ApiError> {
    let wanted = policy_change(body, expected);
    Ok(shown(policies::change(&state.app, &caller, id, wanted).await?))
}

/// Delete a policy. What it decided stays as it is, and so do its versions.
#[utoipa::path(delete, path = "/v1/policies/{policyId}", tag = "policies",
    params(("policyId" = Uuid, Path), IfMatchHeader), request_body = Option<PolicyChangeReason>,
    responses((status = 204),
        (status = 409, description = "The policy is at another version: `details.version`.", body = ErrorBody)))]
async fn delete(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiPath(id): ApiPath<PolicyId>,
    IfMatch(expected): IfMatch,
    body: Option<ApiJson<PolicyChangeReason>>,
) -> Result<StatusCode, ApiError> {
    let edit = Edit { expected, why: body.and_then(|ApiJson(body)| body.change_reason) };
    policies::delete(&state.app, &caller, id, edit).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Have the tenant's policies asked in this order.
///
/// The list names each of them once. Priorities are dealt out strictly falling, from ten times their number to 10: each
/// policy then stands alone in its priority, and a `forbid` stops only what stands below it. Policies whose priority
/// stays get no new version.
#[utoipa::path(patch, path = "/v1/policies/reorder", tag = "policies",
    request_body = PolicyOrder,
    responses((status = 200, body = WarnedPolicyOrder),
        (status = 409, description = "The list leaves some out (`details.missing`), or names others (`details.unknown`).", body = ErrorBody)))]
async fn reorder(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    IfMatch(expected): IfMatch,
    ApiJson(body): ApiJson<PolicyOrder>,
) -> Result<Json<WarnedPolicyOrder>, ApiError> {
    if expected != Expected::Any {
        let problem = "there is no version of all policies together: the list is compared with what is there";
        return Err(ApiError::field("If-Match", problem));
    }
    let ordered = policies::reorder(&state.app, &caller, &body.ids, body.change_reason).await?;
    let data = ordered.policies.iter().map(summary).collect();
    Ok(Json(WarnedPolicyOrder { data, warned: policy_warnings::shown(ordered.warnings) }))
}

fn summary(policy: &curfew_domain::policy::PolicySummary) -> PolicySummary {
    PolicySummary { fields: PolicyFields::of(policy), rule_count: policy.rules.0 }
}

/// The answer that is one policy.
pub(super) fn shown(detail: PolicyDetail) -> Tagged<Json<WarnedPolicy>> {
    Tagged(detail.policy.version, Json(warned(detail)))
}

fn warned(mut detail: PolicyDetail) -> WarnedPolicy {
    let warnings = std::mem::take(&mut detail.warnings);
    WarnedPolicy { policy: body(detail), warned: policy_warnings::shown(warnings) }
}

pub(super) fn body(detail: PolicyDetail) -> Policy {
    let fields = PolicyFields::of(&detail.policy);
    let rules = detail.policy.rules.into_iter().zip(detail.shapes);
    let shown = rules.map(|(rule, shape)| shown_rule(RuleDetail { rule, shape }));
    Policy { fields, rules: shown.collect() }
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
        why: body.change_reason,
    })
}

/// Reads single rules.
pub(super) fn new_rules(rules: Vec<NewPolicyRule>) -> Result<Vec<NewRule>, ApiError> {
    rules.into_iter().enumerate().map(|(index, rule)| new_rule(&format!("rules[{index}]."), rule)).collect()
}

/// Reads the body of a change, which is meant for the `expected` versions.
pub(super) fn policy_change(body: PolicyChange, expected: Expected) -> policies::PolicyChange {
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
        edit: Edit { expected, why: body.change_reason },
    }
}
