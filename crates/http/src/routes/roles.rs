//! Roles and permissions.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use curfew_api::{ErrorBody, ListBody, NewRole, Permission, ResourcePermissions, Role, RoleChange};
use curfew_app::roles::{self, RoleView};
use curfew_domain::{BuiltInRole, RoleId, Scope};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::blast_radius::blast_radius;
use crate::{ApiCreate, ApiError, ApiJson, ApiPath, Authenticated, Created, HttpState};

pub(crate) fn routes() -> OpenApiRouter<HttpState> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get, change, delete))
        .routes(routes!(permissions))
}

/// List roles: the built-in ones, weakest first, and then the tenant's own, oldest first.
#[utoipa::path(get, path = "/v1/roles", tag = "roles", responses((status = 200, body = ListBody<Role>)))]
async fn list(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
) -> Result<Json<ListBody<Role>>, ApiError> {
    let found = roles::list(&state.app, &caller).await?;
    Ok(Json(ListBody { data: found.into_iter().map(shown).collect() }))
}

/// Create a role, which nobody has yet.
///
/// It can't allow what the caller may not do. A tenant makes at most 100.
#[utoipa::path(post, path = "/v1/roles", tag = "roles", request_body = NewRole,
    responses((status = 201, body = Role),
        (status = 409, description = "The slug is taken, or there are 100 roles; or the key was used for another body.", body = ErrorBody)))]
async fn create(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiCreate { body, once }: ApiCreate<NewRole>,
) -> Result<Created<Role>, ApiError> {
    let NewRole { slug, name, description, scopes } = body;
    let ask = roles::NewRole { slug, name, description, scopes };
    Ok(Created(roles::create(&state.app, &caller, ask, &once).await?.map(shown)))
}

/// Read a role.
#[utoipa::path(get, path = "/v1/roles/{id}", tag = "roles", params(("id" = Uuid, Path)),
    responses((status = 200, body = Role)))]
async fn get(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiPath(id): ApiPath<RoleId>,
) -> Result<Json<Role>, ApiError> {
    Ok(Json(shown(roles::get(&state.app, &caller, id).await?)))
}

/// Change a role, for all who have it, from the next call on.
///
/// It gets no scope that the caller lacks. The built-in roles stay as they are.
#[utoipa::path(patch, path = "/v1/roles/{id}", tag = "roles", params(("id" = Uuid, Path)), request_body = RoleChange,
    responses((status = 200, body = Role),
        (status = 409, description = "It is a built-in role.", body = ErrorBody)))]
async fn change(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiPath(id): ApiPath<RoleId>,
    ApiJson(body): ApiJson<RoleChange>,
) -> Result<Json<Role>, ApiError> {
    let change = roles::RoleChange { name: body.name, description: body.description, scopes: body.scopes };
    Ok(Json(shown(roles::change(&state.app, &caller, id, change).await?)))
}

/// Delete a role that nobody holds and no group gives.
#[utoipa::path(delete, path = "/v1/roles/{id}", tag = "roles", params(("id" = Uuid, Path)),
    responses((status = 204, description = "Deleted."),
        (status = 409, description = "Users hold it, groups give it, or it is a built-in role.", body = ErrorBody)))]
async fn delete(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiPath(id): ApiPath<RoleId>,
) -> Result<StatusCode, ApiError> {
    roles::delete(&state.app, &caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// List the scopes that roles and keys are made of, by resource.
#[utoipa::path(get, path = "/v1/permissions", tag = "roles",
    responses((status = 200, body = ListBody<ResourcePermissions>)))]
async fn permissions(
    Authenticated(caller): Authenticated,
) -> Result<Json<ListBody<ResourcePermissions>>, ApiError> {
    let mut by_resource: BTreeMap<&str, Vec<Permission>> = BTreeMap::new();
    for &scope in roles::permissions(&caller)? {
        by_resource.entry(scope.resource()).or_default().push(permission(scope));
    }
    let resource =
        |(resource, scopes): (&str, _)| ResourcePermissions { resource: resource.to_owned(), scopes };
    Ok(Json(ListBody { data: by_resource.into_iter().map(resource).collect() }))
}

fn permission(scope: Scope) -> Permission {
    Permission {
        scope,
        resource: scope.resource().to_owned(),
        action: scope.action().to_owned(),
        name: scope.title().to_owned(),
        description: None,
    }
}

fn shown(view: RoleView) -> Role {
    let (users, groups) = (view.users, view.groups);
    match view.role {
        roles::Role::BuiltIn { id, role, created_at } => {
            let (name, description) = words(role);
            Role {
                id,
                slug: role.slug(),
                name: name.to_owned(),
                description: Some(description.to_owned()),
                scopes: role.scopes(),
                is_system: true,
                blast_radius: blast_radius(&role.scopes()),
                created_by: None,
                updated_by: None,
                created_at,
                updated_at: created_at,
                user_count: users,
                group_count: groups,
            }
        }
        roles::Role::Custom(role) => Role {
            id: role.id,
            slug: role.slug,
            name: role.name.into(),
            description: role.description.map(String::from),
            blast_radius: blast_radius(&role.scopes),
            scopes: role.scopes,
            is_system: false,
            created_by: Some(role.created_by.to_string()),
            updated_by: Some(role.updated_by.to_string()),
            created_at: role.created_at,
            updated_at: role.updated_at,
            user_count: users,
            group_count: groups,
        },
    }
}

/// What people read of a built-in role: its name, and what it is for.
const fn words(role: BuiltInRole) -> (&'static str, &'static str) {
    match role {
        BuiltInRole::User => ("User", "Asks for access, and sees their own requests and grants."),
        BuiltInRole::Approver => ("Approver", "Decides other people's requests as well."),
        BuiltInRole::Admin => ("Admin", "Everything in the tenant."),
    }
}
