//! Tenants.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use curfew_api::{ErrorBody, NewTenant, PageBody, Tenant, TenantChange, TenantCreated, TenantDeletion};
use curfew_app::AppError;
use curfew_app::tenants::{self, NewOwner, TenantView};
use curfew_domain::{Locale, TenantId};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::{
    ApiCreate, ApiError, ApiJson, ApiList, ApiPath, Authenticated, Created, HttpState, ListQuery, NoFilters,
};

const TAG: &str = "tenants";

pub(crate) fn routes() -> OpenApiRouter<HttpState> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(get, update, delete))
}

/// List the master tenant and its children, newest first. For the master alone.
#[utoipa::path(get, path = "/v1/tenants", tag = TAG, params(ListQuery),
    responses((status = 200, body = PageBody<Tenant>)))]
async fn list(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    list: ApiList<NoFilters>,
) -> Result<Json<PageBody<Tenant>>, ApiError> {
    let page = list.page(&state, &caller)?;
    let found = tenants::list(&state.app, &caller, &page).await?;
    Ok(Json(list.body(&state, &caller, found.map(shown))))
}

/// Create a child tenant. For the master alone, in platform mode `multi`.
#[utoipa::path(post, path = "/v1/tenants", tag = TAG, request_body = NewTenant,
    responses((status = 201, body = TenantCreated),
        (status = 409, description = "The slug is taken, or the platform mode is single.", body = ErrorBody)))]
async fn create(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiCreate { body, once }: ApiCreate<NewTenant>,
) -> Result<Created<TenantCreated>, ApiError> {
    let made = tenants::create(&state.app, &caller, asked(body)?, &once).await?;
    Ok(Created(
        made.map(|made| TenantCreated { tenant: shown(made.tenant), owner_setup_url: made.owner_setup_url }),
    ))
}

fn asked(body: NewTenant) -> Result<tenants::NewTenant, ApiError> {
    let owner = match (body.owner_email, body.owner_name) {
        (Some(email), Some(name)) => Some(NewOwner { email, name }),
        (Some(email), None) => {
            // An address of 254 characters is a name of as many, which is too long: 200 are enough of it.
            let name: String = email.as_str().chars().take(200).collect();
            let name = name.parse().map_err(|problem| AppError::invalid("owner_email", &problem))?;
            Some(NewOwner { email, name })
        }
        (None, Some(_)) => return Err(ApiError::field("owner_name", "needs owner_email beside it")),
        (None, None) => None,
    };
    Ok(tenants::NewTenant {
        name: body.name,
        slug: body.slug,
        owner,
        locale: body.locale.unwrap_or_else(Locale::english),
        sso_start_url: body.sso_start_url,
        sso_region: body.sso_region,
    })
}

/// Read the caller's own tenant, or one of its children.
#[utoipa::path(get, path = "/v1/tenants/{id}", tag = TAG, params(("id" = Uuid, Path)),
    responses((status = 200, body = Tenant)))]
async fn get(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiPath(id): ApiPath<TenantId>,
) -> Result<Json<Tenant>, ApiError> {
    Ok(Json(shown(tenants::get(&state.app, &caller, id).await?)))
}

/// Change the caller's own tenant. A child is changed by its own admins.
#[utoipa::path(put, path = "/v1/tenants/{id}", tag = TAG, params(("id" = Uuid, Path)),
    request_body = TenantChange,
    responses((status = 200, body = Tenant)))]
async fn update(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiPath(id): ApiPath<TenantId>,
    ApiJson(body): ApiJson<TenantChange>,
) -> Result<Json<Tenant>, ApiError> {
    let change = tenants::TenantChange {
        name: body.name,
        owner: body.owner_user_id,
        locale: body.locale,
        sso_start_url: body.sso_start_url,
        sso_region: body.sso_region,
    };
    Ok(Json(shown(tenants::update(&state.app, &caller, id, change).await?)))
}

/// Delete a child tenant. For the master's admins alone.
///
/// From now on nobody of it is let in, and its live grants end. Once AWS holds nothing of them any more, the child is
/// erased, and its id answers 404; until then `deletion` says what is waited for. There is no way back.
#[utoipa::path(delete, path = "/v1/tenants/{id}", tag = TAG, params(("id" = Uuid, Path)),
    responses((status = 202, body = Tenant),
        (status = 409, description = "The master tenant is not deleted.", body = ErrorBody)))]
async fn delete(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiPath(id): ApiPath<TenantId>,
) -> Result<(StatusCode, Json<Tenant>), ApiError> {
    Ok((StatusCode::ACCEPTED, Json(shown(tenants::delete(&state.app, &caller, id).await?))))
}

/// A tenant as it is shown.
pub(super) fn shown(view: TenantView) -> Tenant {
    let TenantView { tenant, primary_domain, deletion, revocations_overdue } = view;
    Tenant {
        id: tenant.id,
        name: tenant.name,
        slug: tenant.slug,
        locale: tenant.locale,
        owner_email: tenant.owner_email,
        owner_user_id: tenant.owner,
        sso_start_url: tenant.sso_start_url,
        sso_region: tenant.sso_region,
        is_master: tenant.is_master,
        primary_domain,
        state: tenant.state,
        deletion: deletion.map(|deletion| TenantDeletion {
            requested_at: deletion.requested_at,
            assignments_left: deletion.assignments_left,
            waits_for: deletion.waits_for,
            looked_at: deletion.looked_at,
        }),
        revocations_overdue,
        created_at: tenant.created_at,
        updated_at: tenant.updated_at,
    }
}
