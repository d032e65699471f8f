//! How requests were decided.

use axum::Json;
use axum::extract::State;
use curfew_api::{DecisionPolicy, DecisionProof, PageBody, RequestDecision};
use curfew_app::requests::{self, KeptDecision};
use curfew_domain::RequestId;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::{ApiError, ApiList, ApiPath, Authenticated, HttpState, ListQuery, NoFilters};

pub(crate) fn routes() -> OpenApiRouter<HttpState> {
    OpenApiRouter::new().routes(routes!(list))
}

/// Each time that policy was asked about a request, oldest first: what decided, and what proves it.
///
/// Whoever may see the request sees what was said and which policies decided. `record` and `personal`, what policies were
/// told and how each group answered, take `policies:read` or `requests:approve`.
#[utoipa::path(get, path = "/v1/requests/{id}/decisions", tag = "requests",
    params(("id" = Uuid, Path), ListQuery), responses((status = 200, body = PageBody<RequestDecision>)))]
async fn list(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiPath(id): ApiPath<RequestId>,
    list: ApiList<NoFilters>,
) -> Result<Json<PageBody<RequestDecision>>, ApiError> {
    let page = list.page(&state, &caller)?;
    let decisions = requests::decisions(&state.app, &caller, id, page).await?;
    Ok(Json(list.body(&state, &caller, decisions.map(shown))))
}

fn shown(decision: KeptDecision) -> RequestDecision {
    let KeptDecision { record, determining, content, logged, shows_all } = decision;
    let policies = determining.into_iter().map(|one| DecisionPolicy {
        policy_id: one.policy,
        version: one.version,
        effect: one.effect,
        rule_ids: one.rules,
    });
    RequestDecision {
        id: record.id,
        request_id: record.request,
        outcome: record.outcome.clone(),
        policies: policies.collect(),
        notices: record.notices.clone(),
        created_at: record.created_at,
        content_hash: content,
        audit: logged.map(|logged| DecisionProof { entry_id: logged.entry, content_hash: logged.content }),
        record: shows_all.then(|| record.proved()),
        personal: record.personal.filter(|_| shows_all),
    }
}
