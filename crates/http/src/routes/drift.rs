//! How AWS differs from what should be there.

use axum::Json;
use axum::extract::State;
use curfew_api::{Drift, DriftAction, ErrorBody, PageBody, ResolveDrift};
use curfew_app::FieldProblem;
use curfew_app::drift::{self, DriftFilter, Remedy};
use curfew_domain::{AccountId, DriftId, DriftKind};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::{ApiError, ApiJson, ApiList, ApiPath, Authenticated, HttpState, ListQuery};

pub(crate) fn routes() -> OpenApiRouter<HttpState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(resolve))
}

/// Which findings to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Filters {
    /// Those that wait for somebody to settle them, or the others.
    open: Option<bool>,
    /// How AWS differs.
    #[param(value_type = Option<String>, pattern = "^(removed|reappeared|unmanaged_user|unmanaged_group)$")]
    kind: Option<DriftKind>,
    /// Where.
    #[param(value_type = Option<String>, pattern = "^[0-9]{12}$")]
    account_id: Option<AccountId>,
}

/// Findings of drift, newest first.
///
/// What is live is compared with AWS every `RECONCILIATION_INTERVAL`, all else where Curfew works every 15 minutes.
/// Access that somebody removed ends the grants that needed it, or is put back where the setting
/// `put_back_removed_access` says so; access that was gone and is there again is deleted again; access that Curfew never
/// gave is left alone, or removed where the permission set is `exclusive`.
#[utoipa::path(get, path = "/v1/drift", tag = "drift", params(ListQuery, Filters),
    responses((status = 200, body = PageBody<Drift>)))]
async fn list(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    list: ApiList<Filters>,
) -> Result<Json<PageBody<Drift>>, ApiError> {
    let page = list.page(&state, &caller)?;
    let filter = DriftFilter {
        open: list.filters.open,
        kind: list.filters.kind,
        account: list.filters.account_id.clone(),
    };
    let found = drift::list(&state.app, &caller, &filter, &page).await?;
    Ok(Json(list.body(&state, &caller, found.map(Drift::from))))
}

/// Settle a finding.
///
/// `accept`: somebody has looked at it, and is content. Nothing changes in AWS, and access that stays is not found anew.
/// The other two are for access that a person has and Curfew never gave, as far as it knows, and want a reason.
/// `remove` deletes it, and needs `grants:delete` as well; a live grant that needs it is to be ended first.
/// `adopt` makes it Curfew's with a grant by hand, of `duration_seconds`, for that person, who must be known here; it needs
/// `grants:create` as well, and keeps to the rules of `POST /v1/grants`. Both happen in AWS soon after the answer.
#[utoipa::path(post, path = "/v1/drift/{id}/resolve", tag = "drift", params(("id" = Uuid, Path)),
    request_body = Option<ResolveDrift>,
    responses((status = 200, body = Drift),
        (status = 409, description = "Settled before, or nothing that this can be done with.", body = ErrorBody)))]
async fn resolve(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiPath(id): ApiPath<DriftId>,
    body: Option<ApiJson<ResolveDrift>>,
) -> Result<Json<Drift>, ApiError> {
    let remedy = remedy(body.map(|ApiJson(body)| body).unwrap_or_default())?;
    Ok(Json(drift::resolve(&state.app, &caller, id, remedy).await?.into()))
}

fn remedy(body: ResolveDrift) -> Result<Remedy, ApiError> {
    let ResolveDrift { action, reason, duration_seconds } = body;
    if duration_seconds.is_some() && action != DriftAction::Adopt {
        return Err(field("duration_seconds", "only what is adopted has one"));
    }
    let required = |field_name| field(field_name, "is required for this action");
    Ok(match action {
        DriftAction::Accept => Remedy::Accept { reason },
        DriftAction::Remove => Remedy::Remove { reason: reason.ok_or_else(|| required("reason"))? },
        DriftAction::Adopt => Remedy::Adopt {
            reason: reason.ok_or_else(|| required("reason"))?,
            duration: duration_seconds.ok_or_else(|| required("duration_seconds"))?,
        },
    })
}

fn field(path: &str, problem: &str) -> ApiError {
    ApiError::fields(vec![FieldProblem { path: path.to_owned(), problem: problem.to_owned() }])
}
