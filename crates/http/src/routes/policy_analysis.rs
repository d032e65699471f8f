//! What is true of the policies for every request there could be.

use axum::Json;
use axum::extract::State;
use curfew_api::{AnalyzePolicies, ErrorBody, PolicyAnalysis, ReachQuestion};
use curfew_app::policies::{self, Analysis, Reach, RulesAsked};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::policy_analysis_shown::shown;
use super::policy_simulation::draft_changes;
use crate::{ApiError, ApiJson, Authenticated, HttpState};

pub(crate) fn routes() -> OpenApiRouter<HttpState> {
    OpenApiRouter::new().routes(routes!(analyze))
}

/// Prove what is true of the policies, or refute it by a request.
///
/// Three questions, each about every request there could be: does a draft only narrow; can an account be had without a
/// person's approval; which rules never matter. Each is `proved`, `refuted` by a request that policies were asked about, or
/// `unknown`. It takes 20 seconds at most, and a solver (cvc5) on the node that answers. Nothing is written. It takes
/// `policies:read`.
#[utoipa::path(post, path = "/v1/policies/analyze", tag = "policies", request_body = AnalyzePolicies,
    responses((status = 200, body = PolicyAnalysis),
        (status = 404, description = "A change or a question names a policy that is not there.", body = ErrorBody),
        (status = 409, description = "The draft has more than 1,000 policies, or AWS is not connected and `reach` is asked.", body = ErrorBody),
        (status = 422, description = "Cedar that does not parse or validate; each of `details.errors` says in which `change`.", body = ErrorBody),
        (status = 429, description = "Too many requests, or the tenant's analysis or simulation before this one goes on.", body = ErrorBody)))]
async fn analyze(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiJson(body): ApiJson<AnalyzePolicies>,
) -> Result<Json<PolicyAnalysis>, ApiError> {
    let analyzed = policies::analyze(&state.app, &caller, analysis(body)?).await?;
    Ok(Json(shown(analyzed)))
}

fn analysis(body: AnalyzePolicies) -> Result<Analysis, ApiError> {
    if body.changes.is_none() && body.reach.is_none() && body.rules.is_none() {
        return Err(ApiError::field("changes", "is required, or `reach`, or `rules`: nothing is asked"));
    }
    Ok(Analysis {
        changes: body.changes.map(draft_changes).transpose()?,
        reach: body.reach.map(reach),
        rules: body.rules.map(|rules| RulesAsked { policy: rules.policy_id }),
    })
}

fn reach(asked: ReachQuestion) -> Reach {
    Reach { account: asked.account_id, permission_set: asked.permission_set_arn, action: asked.action }
}
