//! Roles and permissions.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use curfew_api::{BlastLevel, BlastRadius, ListBody, Permission, ResourcePermissions, Role};
use curfew_app::roles::{self, RoleView};
use curfew_domain::{BuiltInRole, Scope};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::{ApiError, Authenticated, HttpState};

pub(crate) fn routes() -> OpenApiRouter<HttpState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(permissions))
}

/// List roles, weakest first.
#[utoipa::path(get, path = "/v1/roles", tag = "roles", responses((status = 200, body = ListBody<Role>)))]
async fn list(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
) -> Result<Json<ListBody<Role>>, ApiError> {
    let found = roles::list(&state.app, &caller).await?;
    Ok(Json(ListBody { data: found.into_iter().map(shown).collect() }))
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
    let words = Words::of(view.role);
    Role {
        id: view.id,
        slug: view.role.slug(),
        name: words.name.to_owned(),
        description: Some(words.description.to_owned()),
        scopes: view.role.scopes(),
        is_system: true,
        blast_radius: BlastRadius {
            level: words.level,
            summary: words.summary.to_owned(),
            warnings: words.warning.map(str::to_owned).into_iter().collect(),
        },
        created_by: None,
        updated_by: None,
        created_at: view.created_at,
        updated_at: view.created_at,
        user_count: view.users,
        group_count: view.groups,
    }
}

/// What people read of a built-in role.
struct Words {
    name: &'static str,
    description: &'static str,
    level: BlastLevel,
    summary: &'static str,
    warning: Option<&'static str>,
}

impl Words {
    fn of(role: BuiltInRole) -> Self {
        match role {
            BuiltInRole::User => Self {
                name: "User",
                description: "Asks for access, and sees their own requests and grants.",
                level: BlastLevel::Low,
                summary: "Touches nothing but their own requests.",
                warning: None,
            },
            BuiltInRole::Approver => Self {
                name: "Approver",
                description: "Decides other people's requests as well.",
                level: BlastLevel::High,
                summary: "Lets other people into AWS, within what policies allow.",
                warning: Some("can approve any request that policies send to a person"),
            },
            BuiltInRole::Admin => Self {
                name: "Admin",
                description: "Everything in the tenant.",
                level: BlastLevel::Admin,
                summary: "Changes policies, people, keys and the AWS connection.",
                warning: Some("can change the rules that decide who gets into AWS"),
            },
        }
    }
}
