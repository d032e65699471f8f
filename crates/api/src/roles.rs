use curfew_domain::{Change, LongText, RoleId, RoleName, RoleSlug, Scope, ScopeSet, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::users::scope_names;

/// A named set of scopes.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Role {
    /// Its id.
    #[schema(value_type = Uuid)]
    pub id: RoleId,
    /// Its short name, by which users hold it.
    #[schema(value_type = String)]
    pub slug: RoleSlug,
    /// What people call it.
    pub name: String,
    /// What it is for.
    #[schema(required)]
    pub description: Option<String>,
    /// What it allows.
    #[schema(value_type = Vec<String>)]
    pub scopes: ScopeSet,
    /// Whether every tenant has it, and nobody can change it.
    pub is_system: bool,
    /// How dangerous it is.
    pub blast_radius: BlastRadius,
    /// Who made it.
    #[schema(required)]
    pub created_by: Option<String>,
    /// Who last changed it.
    #[schema(required)]
    pub updated_by: Option<String>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it was last changed.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
    /// How many users hold it directly.
    pub user_count: u64,
    /// How many groups give it.
    pub group_count: u64,
}

/// A role that is to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRole {
    /// Its short name, by which users hold it: unique in the tenant, and for good.
    #[schema(value_type = String, pattern = "^[a-z][a-z0-9_-]{1,62}$", example = "auditor")]
    pub slug: RoleSlug,
    /// What people call it.
    #[schema(value_type = String, min_length = 1, max_length = 200, example = "Auditor")]
    pub name: RoleName,
    /// What it is for.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 10_000)]
    pub description: Option<LongText>,
    /// What it allows: nothing that the caller may not do.
    #[schema(schema_with = scopes)]
    pub scopes: ScopeSet,
}

/// What is to change of a role; what is left out stays.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleChange {
    /// Another name for people.
    #[serde(default)]
    #[schema(value_type = Option<String>, nullable = false, min_length = 1, max_length = 200)]
    pub name: Change<RoleName>,
    /// Another description, or none.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 10_000)]
    pub description: Change<Option<LongText>>,
    /// Other scopes, in place of all that it has: none besides those that the caller lacks.
    #[serde(default)]
    #[schema(schema_with = scopes)]
    pub scopes: Change<ScopeSet>,
}

fn scopes() -> utoipa::openapi::schema::Array {
    utoipa::openapi::schema::ArrayBuilder::new().items(scope_names()).build()
}

/// How dangerous a role is.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct BlastRadius {
    /// In one word.
    pub level: BlastLevel,
    /// In a sentence.
    pub summary: String,
    /// What to look out for.
    pub warnings: Vec<String>,
}

/// How dangerous, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BlastLevel {
    /// Touches one's own things.
    Low,
    /// Sees everybody's.
    Medium,
    /// Decides over others' access.
    High,
    /// Everything in the tenant.
    Admin,
}

/// The scopes of one resource.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ResourcePermissions {
    /// The resource.
    pub resource: String,
    /// What may be done with it.
    pub scopes: Vec<Permission>,
}

/// One scope.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Permission {
    /// `resource:action`.
    #[schema(value_type = String)]
    pub scope: Scope,
    /// What it is about.
    pub resource: String,
    /// What may be done with it.
    pub action: String,
    /// In words.
    pub name: String,
    /// In more words.
    #[schema(required)]
    pub description: Option<String>,
}
