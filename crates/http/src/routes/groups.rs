//! Groups of people, and the roles that they give.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use curfew_api::{
    ErrorBody, Group, GroupChange, GroupMember, GroupRole, ListBody, NewGroup, NewGroupMember, NewGroupRole,
    PageBody,
};
use curfew_app::groups::{self, GivenRole};
use curfew_domain::{GroupId, GroupSource, RoleSlug, UserId};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::{ApiCreate, ApiError, ApiJson, ApiList, ApiPath, Authenticated, Created, HttpState, ListQuery};

const TAG: &str = "groups";

pub(crate) fn routes() -> OpenApiRouter<HttpState> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get, change, delete))
        .routes(routes!(members, add_member))
        .routes(routes!(remove_member))
        .routes(routes!(add_role))
        .routes(routes!(remove_role))
}

/// Which groups to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Filters {
    /// Those that were made here, or those that an identity provider brings.
    #[param(value_type = Option<String>, pattern = "^(local|scim)$")]
    source: Option<GroupSource>,
}

/// List groups, newest first.
#[utoipa::path(get, path = "/v1/groups", tag = TAG, params(ListQuery, Filters),
    responses((status = 200, body = PageBody<Group>)))]
async fn list(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    list: ApiList<Filters>,
) -> Result<Json<PageBody<Group>>, ApiError> {
    let page = list.page(&state, &caller)?;
    let found = groups::list(&state.app, &caller, list.filters.source, &page).await?;
    Ok(Json(list.body(&state, &caller, found.map(shown))))
}

/// Create a group with nobody in it.
///
/// A tenant has at most 1,000.
#[utoipa::path(post, path = "/v1/groups", tag = TAG, request_body = NewGroup,
    responses((status = 201, body = Group),
        (status = 409, description = "The name is taken, in this or another case, or there are 1,000 groups; or the key was used for another body.", body = ErrorBody)))]
async fn create(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiCreate { body, once }: ApiCreate<NewGroup>,
) -> Result<Created<Group>, ApiError> {
    let ask = groups::NewGroup { name: body.name, description: body.description };
    let made = groups::create(&state.app, &caller, ask, &once).await?;
    Ok(Created(made.map(shown)))
}

/// Read a group.
#[utoipa::path(get, path = "/v1/groups/{id}", tag = TAG, params(("id" = Uuid, Path)),
    responses((status = 200, body = Group)))]
async fn get(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiPath(id): ApiPath<GroupId>,
) -> Result<Json<Group>, ApiError> {
    Ok(Json(shown(groups::get(&state.app, &caller, id).await?)))
}

/// Change a group's name or description. Rules that name the group follow it to its new name.
#[utoipa::path(patch, path = "/v1/groups/{id}", tag = TAG, params(("id" = Uuid, Path)),
    request_body = GroupChange,
    responses((status = 200, body = Group),
        (status = 409, description = "The name is taken, or the group comes from an identity provider.", body = ErrorBody)))]
async fn change(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiPath(id): ApiPath<GroupId>,
    ApiJson(body): ApiJson<GroupChange>,
) -> Result<Json<Group>, ApiError> {
    let change = groups::GroupChange { name: body.name, description: body.description };
    Ok(Json(shown(groups::change(&state.app, &caller, id, change).await?)))
}

/// Delete a group. Its members lose the roles that they had by it.
#[utoipa::path(delete, path = "/v1/groups/{id}", tag = TAG, params(("id" = Uuid, Path)),
    responses((status = 204, description = "Deleted."),
        (status = 409, description = "Policies name the group (`details.policies`), or it comes from an identity provider.", body = ErrorBody)))]
async fn delete(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiPath(id): ApiPath<GroupId>,
) -> Result<StatusCode, ApiError> {
    groups::delete(&state.app, &caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// List everybody in a group, by e-mail address.
#[utoipa::path(get, path = "/v1/groups/{id}/members", tag = TAG, params(("id" = Uuid, Path)),
    responses((status = 200, body = ListBody<GroupMember>)))]
async fn members(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiPath(id): ApiPath<GroupId>,
) -> Result<Json<ListBody<GroupMember>>, ApiError> {
    let found = groups::members(&state.app, &caller, id).await?;
    Ok(Json(ListBody { data: found.into_iter().map(shown_member).collect() }))
}

/// Put somebody into a group.
///
/// From the next call on policies that name the group speak of them, and they have its roles: none that carries what the
/// caller lacks. A group has at most 5,000 members, and a person is in at most 100 groups.
#[utoipa::path(post, path = "/v1/groups/{id}/members", tag = TAG, params(("id" = Uuid, Path)),
    request_body = NewGroupMember,
    responses((status = 201, body = GroupMember),
        (status = 409, description = "They are in it already, there is no room, or an identity provider says who is in it; or the key was used for another body.", body = ErrorBody)))]
async fn add_member(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiPath(id): ApiPath<GroupId>,
    ApiCreate { body, once }: ApiCreate<NewGroupMember>,
) -> Result<Created<GroupMember>, ApiError> {
    let made = groups::add_member(&state.app, &caller, id, body.user_id, &once).await?;
    Ok(Created(made.map(shown_member)))
}

/// Take somebody out of a group. What they were granted by then goes on to its end.
#[utoipa::path(delete, path = "/v1/groups/{id}/members/{user_id}", tag = TAG,
    params(("id" = Uuid, Path), ("user_id" = Uuid, Path)),
    responses((status = 204, description = "They are in it no longer."),
        (status = 409, description = "An identity provider says that they are in it.", body = ErrorBody)))]
async fn remove_member(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiPath((id, user)): ApiPath<(GroupId, UserId)>,
) -> Result<StatusCode, ApiError> {
    groups::remove_member(&state.app, &caller, id, user).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Have a group give its members a role, from the next call on.
///
/// Also a group that an identity provider brings.
#[utoipa::path(post, path = "/v1/groups/{id}/roles", tag = TAG, params(("id" = Uuid, Path)),
    request_body = NewGroupRole,
    responses((status = 201, body = GroupRole),
        (status = 409, description = "It gives the role already, or 20 roles; or the key was used for another body.", body = ErrorBody)))]
async fn add_role(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiPath(id): ApiPath<GroupId>,
    ApiCreate { body, once }: ApiCreate<NewGroupRole>,
) -> Result<Created<GroupRole>, ApiError> {
    let made = groups::add_role(&state.app, &caller, id, body.role, &once).await?;
    Ok(Created(made.map(|GivenRole { role, created_at }| GroupRole { role, created_at })))
}

/// Have a group give a role no longer, from the next call on.
#[utoipa::path(delete, path = "/v1/groups/{id}/roles/{role}", tag = TAG,
    params(("id" = Uuid, Path), ("role" = String, Path)),
    responses((status = 204, description = "It gives the role no longer.")))]
async fn remove_role(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiPath((id, role)): ApiPath<(GroupId, String)>,
) -> Result<StatusCode, ApiError> {
    let role: RoleSlug = role.parse().map_err(|_| groups::NO_SUCH_ROLE)?;
    groups::remove_role(&state.app, &caller, id, role).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn shown(group: curfew_domain::Group) -> Group {
    Group {
        id: group.id,
        name: group.name,
        source: group.source,
        description: group.description,
        member_count: group.member_count,
        role_mappings: group.roles.into_keys().collect(),
        created_at: group.created_at,
        updated_at: group.updated_at,
    }
}

fn shown_member(member: curfew_domain::GroupMember) -> GroupMember {
    GroupMember {
        id: member.user,
        email: member.email,
        name: member.name,
        active: member.active,
        membership_source: member.source,
        joined_at: member.joined_at,
    }
}
