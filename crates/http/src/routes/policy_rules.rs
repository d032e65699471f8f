//! Single rules of a policy.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use curfew_api::{
    AddedPolicyRule, ErrorBody, PageBody, PolicyChangeReason, PolicyRule, PolicyRuleChange, RuleOrder,
    WarnedPolicy, WarnedPolicyRule,
};
use curfew_app::policies::rules::{self, RuleAt};
use curfew_app::policies::{self, Edit};
use curfew_domain::{Change, PolicyId, RuleId};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::policies::shown;
use super::policy_warnings;
use super::rule_fields::{new_rule, rule_change, shown_rule};
use crate::extract::IfMatchHeader;
use crate::tagged::Tagged;
use crate::{
    ApiCreate, ApiError, ApiJson, ApiList, ApiPath, Authenticated, Created, HttpState, IfMatch, ListQuery,
    NoFilters,
};

pub(crate) fn routes() -> OpenApiRouter<HttpState> {
    OpenApiRouter::new()
        .routes(routes!(list, add))
        .routes(routes!(get, change, remove))
        .routes(routes!(reorder))
}

/// A policy's rules, by ordinal.
#[utoipa::path(get, path = "/v1/policies/{policyId}/rules", tag = "policies",
    params(("policyId" = Uuid, Path), ListQuery),
    responses((status = 200, body = PageBody<PolicyRule>)))]
async fn list(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiPath(policy): ApiPath<PolicyId>,
    list: ApiList<NoFilters>,
) -> Result<Json<PageBody<PolicyRule>>, ApiError> {
    let page = list.page(&state, &caller)?;
    let rules = rules::list(&state.app, &caller, policy, page).await?;
    Ok(Json(list.body(&state, &caller, rules.map(shown_rule))))
}

/// Add a rule to a policy: a new version of the policy.
///
/// The statement's `@notice` and `@audit_session` are understood where the fields don't say otherwise.
#[utoipa::path(post, path = "/v1/policies/{policyId}/rules", tag = "policies",
    params(("policyId" = Uuid, Path), IfMatchHeader), request_body = AddedPolicyRule,
    responses((status = 201, body = WarnedPolicyRule, headers(("ETag" = String, description = "The policy's version."))),
        (status = 409, description = "The policy is at another version (`details.version`), or has 1,000 rules; or the key was used for another body.", body = ErrorBody),
        (status = 422, description = "Cedar that does not parse or validate.", body = ErrorBody)))]
async fn add(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiPath(policy): ApiPath<PolicyId>,
    IfMatch(expected): IfMatch,
    ApiCreate { body, once }: ApiCreate<AddedPolicyRule>,
) -> Result<Tagged<Created<WarnedPolicyRule>>, ApiError> {
    let edit = Edit { expected, why: body.change_reason.clone() };
    let ordinal = body.ordinal;
    let wanted = (new_rule("", body.rule())?, ordinal);
    let made = rules::add(&state.app, &caller, &once, policy, wanted, edit).await?;
    let version = match &made {
        curfew_app::Made::Now(rule) | curfew_app::Made::Before(rule) => rule.version,
    };
    Ok(Tagged(version, Created(made.map(warned))))
}

/// One rule.
#[utoipa::path(get, path = "/v1/policies/{policyId}/rules/{ruleId}", tag = "policies",
    params(("policyId" = Uuid, Path), ("ruleId" = Uuid, Path)),
    responses((status = 200, body = PolicyRule, headers(("ETag" = String, description = "The policy's version.")))))]
async fn get(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiPath((policy, rule)): ApiPath<(PolicyId, RuleId)>,
) -> Result<Tagged<Json<PolicyRule>>, ApiError> {
    Ok(tagged(rules::get(&state.app, &caller, policy, rule).await?))
}

/// Change a rule: a new version of its policy. What is left out stays.
///
/// `policy_text` replaces the statement. Other fields change those of the statement that is there, whose annotations
/// stay; together they must say one scope. `notice`, `audit_session` and `ordinal` alone leave the statement as it is
/// written, but for an annotation that says otherwise.
#[utoipa::path(patch, path = "/v1/policies/{policyId}/rules/{ruleId}", tag = "policies",
    params(("policyId" = Uuid, Path), ("ruleId" = Uuid, Path), IfMatchHeader), request_body = PolicyRuleChange,
    responses((status = 200, body = WarnedPolicyRule, headers(("ETag" = String, description = "The policy's version."))),
        (status = 409, description = "The policy is at another version: `details.version`.", body = ErrorBody),
        (status = 422, description = "Cedar that does not parse or validate.", body = ErrorBody)))]
async fn change(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiPath((policy, rule)): ApiPath<(PolicyId, RuleId)>,
    IfMatch(expected): IfMatch,
    ApiJson(body): ApiJson<PolicyRuleChange>,
) -> Result<Tagged<Json<WarnedPolicyRule>>, ApiError> {
    let edit = Edit { expected, why: body.change_reason.clone() };
    let ordinal = match body.ordinal {
        Change::Keep => None,
        Change::To(ordinal) => Some(ordinal),
    };
    let wanted = (rule_change(body), ordinal);
    Ok(saved(rules::change(&state.app, &caller, policy, rule, wanted, edit).await?))
}

/// Take a rule out of a policy: a new version of the policy.
#[utoipa::path(delete, path = "/v1/policies/{policyId}/rules/{ruleId}", tag = "policies",
    params(("policyId" = Uuid, Path), ("ruleId" = Uuid, Path), IfMatchHeader),
    request_body = Option<PolicyChangeReason>,
    responses((status = 204, headers(("ETag" = String, description = "The policy's version."))),
        (status = 409, description = "The policy is at another version: `details.version`.", body = ErrorBody)))]
async fn remove(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiPath((policy, rule)): ApiPath<(PolicyId, RuleId)>,
    IfMatch(expected): IfMatch,
    body: Option<ApiJson<PolicyChangeReason>>,
) -> Result<Tagged<StatusCode>, ApiError> {
    let edit = Edit { expected, why: body.and_then(|ApiJson(body)| body.change_reason) };
    let version = rules::remove(&state.app, &caller, policy, rule, edit).await?;
    Ok(Tagged(version, StatusCode::NO_CONTENT))
}

/// Put a policy's rules into another order: a new version of the policy.
#[utoipa::path(patch, path = "/v1/policies/{policyId}/rules/reorder", tag = "policies",
    params(("policyId" = Uuid, Path), IfMatchHeader), request_body = RuleOrder,
    responses((status = 200, body = WarnedPolicy, headers(("ETag" = String, description = "The policy's version."))),
        (status = 409, description = "The list leaves some out (`details.missing`) or names others (`details.unknown`), or the policy is at another version (`details.version`).", body = ErrorBody)))]
async fn reorder(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiPath(policy): ApiPath<PolicyId>,
    IfMatch(expected): IfMatch,
    ApiJson(body): ApiJson<RuleOrder>,
) -> Result<Tagged<Json<WarnedPolicy>>, ApiError> {
    let edit = Edit { expected, why: body.change_reason };
    let detail = policies::reorder_rules(&state.app, &caller, policy, &body.ids, edit).await?;
    Ok(shown(detail))
}

fn tagged(rule: RuleAt) -> Tagged<Json<PolicyRule>> {
    Tagged(rule.version, Json(shown_rule(rule.detail)))
}

fn saved(rule: RuleAt) -> Tagged<Json<WarnedPolicyRule>> {
    Tagged(rule.version, Json(warned(rule)))
}

fn warned(rule: RuleAt) -> WarnedPolicyRule {
    WarnedPolicyRule { rule: shown_rule(rule.detail), warned: policy_warnings::shown(rule.warnings) }
}
