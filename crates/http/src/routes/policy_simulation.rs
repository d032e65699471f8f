//! Trying a draft of the policies.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use curfew_api::{DraftPolicy, ErrorBody, PolicySimulation, SimulatePolicies, SupposedRequest};
use curfew_app::AppError;
use curfew_app::policies::{self, DifferenceKind, DraftChange, Expected, PastRequests, Trial, TrialRequests};
use curfew_app::requests::{Circumstances, Supposed, WhatIf};
use curfew_domain::Change;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::policies::{new_policy, new_rules, policy_change};
use super::policy_simulation_shown::shown;
use crate::{ApiError, ApiJson, Authenticated, HttpState};

/// How many past requests are tried where nobody says.
const USUAL_LIMIT: u32 = 1_000;

/// How many past requests are tried at most.
const LONGEST: u32 = 10_000;

pub(crate) fn routes() -> OpenApiRouter<HttpState> {
    OpenApiRouter::new().routes(routes!(simulate))
}

/// Try a draft of the policies: which decisions would differ, for whom, and why.
///
/// The draft is validated as policies are when they are saved, and nothing is written. Past requests are asked again as
/// policies were told of them then, by the policies as they are now and by the draft; requests of one's own by what is
/// known now. It takes `policies:read`, and `requests:read` or `requests:approve`, for it shows what others ask for.
#[utoipa::path(post, path = "/v1/policies/simulate", tag = "policies", request_body = SimulatePolicies,
    responses((status = 200, body = PolicySimulation),
        (status = 404, description = "A change names a policy that is not there.", body = ErrorBody),
        (status = 409, description = "The draft has more than 1,000 policies, or AWS is not connected and requests of one's own are tried.", body = ErrorBody),
        (status = 422, description = "Cedar that does not parse or validate; each of `details.errors` says in which `change`.", body = ErrorBody),
        (status = 429, description = "Too many requests, or the tenant's simulation before this one goes on.", body = ErrorBody)))]
async fn simulate(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiJson(body): ApiJson<SimulatePolicies>,
) -> Result<Json<PolicySimulation>, ApiError> {
    let simulation = policies::simulate(&state.app, &caller, trial(body)?).await?;
    Ok(Json(shown(simulation)))
}

fn trial(body: SimulatePolicies) -> Result<Trial, ApiError> {
    let kinds = match &body.kinds {
        None => DifferenceKind::ALL.into_iter().collect(),
        Some(kinds) if kinds.is_empty() => return Err(ApiError::field("kinds", "names no kind")),
        Some(kinds) => kinds.iter().map(|kind| wanted_kind(*kind)).collect::<BTreeSet<_>>(),
    };
    let asked = match &body.requests {
        None => TrialRequests::Past(past(&body)?),
        Some(requests) => TrialRequests::Supposed(supposed(&body, requests)?),
    };
    Ok(Trial { changes: draft_changes(body.changes)?, asked, kinds })
}

/// What a draft does with each policy; problems name their places in `changes`.
pub(super) fn draft_changes(changes: Vec<DraftPolicy>) -> Result<Vec<DraftChange>, ApiError> {
    if changes.is_empty() {
        return Err(ApiError::field("changes", "names no change"));
    }
    let each = changes.into_iter().enumerate();
    each.map(|(index, draft)| change(draft).map_err(|problem| within("changes", index, problem))).collect()
}

fn wanted_kind(kind: curfew_api::DifferenceKind) -> DifferenceKind {
    match kind {
        curfew_api::DifferenceKind::Wider => DifferenceKind::Wider,
        curfew_api::DifferenceKind::Narrower => DifferenceKind::Narrower,
        curfew_api::DifferenceKind::Other => DifferenceKind::Other,
    }
}

fn past(body: &SimulatePolicies) -> Result<PastRequests, ApiError> {
    let limit = body.limit.unwrap_or(USUAL_LIMIT);
    if !(1..=LONGEST).contains(&limit) {
        return Err(ApiError::field("limit", format!("1 to {LONGEST} past requests are tried")));
    }
    Ok(PastRequests { from: body.from, to: body.to, limit })
}

fn supposed(body: &SimulatePolicies, requests: &[SupposedRequest]) -> Result<Vec<Supposed>, ApiError> {
    for (field, said) in
        [("from", body.from.is_some()), ("to", body.to.is_some()), ("limit", body.limit.is_some())]
    {
        if said {
            return Err(ApiError::field(field, "is of past requests, and `requests` are to be tried"));
        }
    }
    if requests.is_empty() {
        return Err(ApiError::field("requests", "holds none; leave it out to try past ones"));
    }
    let one = |(index, request): (usize, &SupposedRequest)| {
        let person = request.requester.as_str().parse();
        let person = person.map_err(|problem| AppError::invalid("requester", &problem).into());
        Ok(Supposed {
            person: person.map_err(|problem| within("requests", index, problem))?,
            what_if: what_if(request),
        })
    };
    requests.iter().enumerate().map(one).collect()
}

fn what_if(request: &SupposedRequest) -> WhatIf {
    WhatIf {
        resource: request.resource.0.clone(),
        action: request.action,
        duration: request.duration_seconds,
        groups: Vec::new(),
        circumstances: Circumstances {
            permission_set: request.permission_set_arn.clone(),
            account: request.account_id.clone(),
            reason: request.reason.clone(),
            ticket: request.ticket.clone().map(String::from),
            source_ip: request.source_ip,
            requested_at: request.requested_at,
            break_glass: request.break_glass,
            mfa: None,
        },
    }
}

fn change(draft: DraftPolicy) -> Result<DraftChange, ApiError> {
    let (id, delete) = (draft.policy_id, draft.delete);
    let Some(policy) = id else {
        if delete {
            return Err(ApiError::field("policy_id", "is required to delete a policy"));
        }
        let body =
            draft.new_policy().map_err(|field| ApiError::field(field, "is required of a new policy"))?;
        return Ok(DraftChange::New(Box::new(new_policy(body)?)));
    };
    let (body, rules) = draft.change();
    let change = Box::new(policy_change(body, Expected::Any));
    let rules = match rules {
        Change::Keep => Change::Keep,
        Change::To(rules) => Change::To(new_rules(rules)?),
    };
    if !delete {
        return Ok(DraftChange::Change { policy, change, rules });
    }
    if *change == policies::PolicyChange::default() && rules == Change::Keep {
        Ok(DraftChange::Delete(policy))
    } else {
        Err(ApiError::field("delete", "what is deleted can't be changed as well"))
    }
}

/// The same problem, with its fields below member `index` of a list.
fn within(list: &str, index: usize, problem: ApiError) -> ApiError {
    let ApiError::App(AppError::Invalid(fields)) = problem else { return problem };
    let place = format!("{list}[{index}]");
    ApiError::fields(fields.into_iter().map(|field| field.below(&place)).collect())
}
