//! What is known of the tenant's AWS.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use curfew_api::{
    AtMost, AwsSync, CachedAwsResource, ErrorBody, PageBody, PushAwsResources, PushedAwsResource, Upserted,
};
use curfew_app::aws_resources::{self, PushedResource, ResourceQuery};
use curfew_app::{Caller, FieldProblem, discovery};
use curfew_domain::{AccountId, ResourceRef, ResourceType};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::{ApiError, ApiJson, ApiList, Authenticated, HttpState, ListQuery};

const TAG: &str = "aws-resources";

pub(crate) fn routes() -> OpenApiRouter<HttpState> {
    OpenApiRouter::new()
        .routes(routes!(accounts, push_accounts))
        .routes(routes!(permission_sets, push_permission_sets))
        .routes(routes!(organizational_units, push_organizational_units))
        .routes(routes!(resources, push_resources))
        .routes(routes!(sync, start_sync))
}

/// How lists of resources are narrowed.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Filters {
    /// Only what has this in its name or id, whatever the case; beyond ASCII, as the database's locale has it.
    #[param(value_type = Option<String>, max_length = 200)]
    q: Option<AtMost<200>>,
    /// Only what lies in this account.
    #[param(value_type = Option<String>, pattern = "^[0-9]{12}$")]
    account_id: Option<AccountId>,
}

/// The same, where the path does not say which kind.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct KindFilters {
    /// Only this kind.
    #[param(value_type = Option<String>)]
    r#type: Option<ResourceType>,
    /// Only what has this in its name or id, whatever the case; beyond ASCII, as the database's locale has it.
    #[param(value_type = Option<String>, max_length = 200)]
    q: Option<AtMost<200>>,
    /// Only what lies in this account.
    #[param(value_type = Option<String>, pattern = "^[0-9]{12}$")]
    account_id: Option<AccountId>,
}

type Answer = Result<Json<PageBody<CachedAwsResource>>, ApiError>;

/// Accounts, by rank and name.
#[utoipa::path(get, path = "/v1/aws/accounts", tag = TAG, params(ListQuery, Filters),
    responses((status = 200, body = PageBody<CachedAwsResource>)))]
async fn accounts(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    list: ApiList<Filters>,
) -> Answer {
    of_kind(&state, &caller, &list, ResourceType::AwsAccount).await
}

/// Permission sets, by rank and name.
#[utoipa::path(get, path = "/v1/aws/permission-sets", tag = TAG, params(ListQuery, Filters),
    responses((status = 200, body = PageBody<CachedAwsResource>)))]
async fn permission_sets(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    list: ApiList<Filters>,
) -> Answer {
    of_kind(&state, &caller, &list, ResourceType::AwsPermissionSet).await
}

/// Organizational units, by rank and name.
#[utoipa::path(get, path = "/v1/aws/organizational-units", tag = TAG, params(ListQuery, Filters),
    responses((status = 200, body = PageBody<CachedAwsResource>)))]
async fn organizational_units(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    list: ApiList<Filters>,
) -> Answer {
    of_kind(&state, &caller, &list, ResourceType::AwsOrganizationalUnit).await
}

/// Resources of any kind, by rank and name.
#[utoipa::path(get, path = "/v1/aws/resources", tag = TAG, params(ListQuery, KindFilters),
    responses((status = 200, body = PageBody<CachedAwsResource>)))]
async fn resources(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    list: ApiList<KindFilters>,
) -> Answer {
    let KindFilters { r#type, q, account_id } = &list.filters;
    let query =
        ResourceQuery { kind: *r#type, account: account_id.clone(), text: q.clone().map(String::from) };
    page_of(&state, &caller, &list, &query).await
}

async fn of_kind(state: &HttpState, caller: &Caller, list: &ApiList<Filters>, kind: ResourceType) -> Answer {
    let Filters { q, account_id } = &list.filters;
    let query =
        ResourceQuery { kind: Some(kind), account: account_id.clone(), text: q.clone().map(String::from) };
    page_of(state, caller, list, &query).await
}

async fn page_of<F>(state: &HttpState, caller: &Caller, list: &ApiList<F>, query: &ResourceQuery) -> Answer {
    let page = list.page(state, caller)?;
    let resources = aws_resources::list(&state.app, caller, query, &page).await?;
    Ok(Json(list.body(state, caller, resources.map(CachedAwsResource::from))))
}

/// Tell of accounts: names, ranks and metadata to show. What policies go by comes from AWS alone.
#[utoipa::path(put, path = "/v1/aws/accounts", tag = TAG, request_body = PushAwsResources,
    responses((status = 200, body = Upserted),
        (status = 409, description = "No connection is saved.", body = ErrorBody)))]
async fn push_accounts(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiJson(body): ApiJson<PushAwsResources>,
) -> Result<Json<Upserted>, ApiError> {
    push(&state, &caller, body, Some(ResourceType::AwsAccount)).await
}

/// Tell of permission sets: also how much they can do, and whether only Curfew may assign them.
///
/// These two are what decisions go by: who says them needs `integrations:write` as well.
///
/// Of a set that is `exclusive`, every direct assignment to a person is Curfew's, in every account that was discovered.
/// What is found in the first hour is a finding of drift with the outcome `to_be_removed`; then it is removed, and later
/// ones are when they are found. What somebody has accepted (`POST /v1/drift/{id}/resolve`), what a group has, and what
/// was standing access of a grant before the set was marked, stays.
#[utoipa::path(put, path = "/v1/aws/permission-sets", tag = TAG, request_body = PushAwsResources,
    responses((status = 200, body = Upserted),
        (status = 409, description = "No connection is saved.", body = ErrorBody)))]
async fn push_permission_sets(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiJson(body): ApiJson<PushAwsResources>,
) -> Result<Json<Upserted>, ApiError> {
    push(&state, &caller, body, Some(ResourceType::AwsPermissionSet)).await
}

/// Tell of organizational units.
#[utoipa::path(put, path = "/v1/aws/organizational-units", tag = TAG, request_body = PushAwsResources,
    responses((status = 200, body = Upserted),
        (status = 409, description = "No connection is saved.", body = ErrorBody)))]
async fn push_organizational_units(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiJson(body): ApiJson<PushAwsResources>,
) -> Result<Json<Upserted>, ApiError> {
    push(&state, &caller, body, Some(ResourceType::AwsOrganizationalUnit)).await
}

/// Tell of resources of any kind; each names its `type`.
#[utoipa::path(put, path = "/v1/aws/resources", tag = TAG, request_body = PushAwsResources,
    responses((status = 200, body = Upserted),
        (status = 409, description = "No connection is saved.", body = ErrorBody)))]
async fn push_resources(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiJson(body): ApiJson<PushAwsResources>,
) -> Result<Json<Upserted>, ApiError> {
    push(&state, &caller, body, None).await
}

async fn push(
    state: &HttpState,
    caller: &Caller,
    body: PushAwsResources,
    kind: Option<ResourceType>,
) -> Result<Json<Upserted>, ApiError> {
    let mut resources = Vec::with_capacity(body.resources.len());
    let mut problems = Vec::new();
    for (at, told) in body.resources.into_iter().enumerate() {
        match told_of(told, kind) {
            Ok(resource) => resources.push(resource),
            Err((field, problem)) => {
                problems.push(FieldProblem { path: format!("resources[{at}].{field}"), problem });
            }
        }
    }
    if !problems.is_empty() {
        return Err(ApiError::fields(problems));
    }
    let upserted = aws_resources::push(&state.app, caller, &resources).await?;
    Ok(Json(Upserted { upserted }))
}

/// Which kind it is says the path, or else the body.
fn told_of(
    told: PushedAwsResource,
    kind: Option<ResourceType>,
) -> Result<PushedResource, (&'static str, String)> {
    let kind = match (kind, told.r#type) {
        (Some(kind), None) => kind,
        (Some(kind), Some(said)) if kind == said => kind,
        (Some(kind), Some(_)) => return Err(("type", format!("this path is for {kind} alone"))),
        (None, Some(said)) => said,
        (None, None) => return Err(("type", "is required here".to_owned())),
    };
    let resource = ResourceRef::new(kind, told.id.as_str()).map_err(|problem| ("id", problem.to_string()))?;
    Ok(PushedResource {
        resource,
        name: told.name,
        account: told.account_id,
        metadata: told.metadata,
        rank: told.rank,
        access_level: told.access_level,
        exclusive: told.exclusive,
    })
}

/// Where reading AWS into the cache stands.
#[utoipa::path(get, path = "/v1/aws/sync", tag = TAG, responses((status = 200, body = AwsSync)))]
async fn sync(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
) -> Result<Json<AwsSync>, ApiError> {
    let latest = discovery::latest(&state.app, &caller).await?;
    Ok(Json(latest.map_or_else(AwsSync::never, AwsSync::from)))
}

/// Read AWS into the cache now. One that waits or runs already is the answer.
#[utoipa::path(post, path = "/v1/aws/sync", tag = TAG,
    responses((status = 202, body = AwsSync),
        (status = 409, description = "AWS is not connected.", body = ErrorBody)))]
async fn start_sync(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
) -> Result<(StatusCode, Json<AwsSync>), ApiError> {
    let run = discovery::start(&state.app, &caller).await?;
    Ok((StatusCode::ACCEPTED, Json(run.into())))
}
