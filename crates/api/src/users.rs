use std::collections::BTreeSet;

use curfew_domain::{AuthProvider, DisplayName, Email, RoleSlug, Scope, ScopeSet, Timestamp, UserId};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::one_of;
use crate::{Tenant, secret};

/// A person, within one tenant.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct User {
    /// Their id.
    #[schema(value_type = Uuid)]
    pub id: UserId,
    /// Their e-mail address.
    #[schema(value_type = String, format = Email)]
    pub email: Email,
    /// Their name.
    #[schema(value_type = String)]
    pub name: DisplayName,
    /// Their roles, given directly.
    #[schema(value_type = Vec<String>)]
    pub roles: BTreeSet<RoleSlug>,
    /// The roles that they have by groups besides.
    #[schema(value_type = Vec<String>)]
    pub group_roles: BTreeSet<RoleSlug>,
    /// Who vouches for them.
    #[schema(schema_with = auth_provider)]
    pub auth_provider: AuthProvider,
    /// Whether they may come in; not while suspended.
    pub active: bool,
    /// Whether the address is known to be theirs.
    pub email_verified: bool,
    /// Whether they own the tenant.
    pub is_owner: bool,
    /// When they were made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When they were last changed.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
    /// Their picture, as a data URI.
    #[schema(required)]
    pub avatar_base64: Option<String>,
}

/// Someone who is to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    /// Their e-mail address; unique in the tenant, in whatever case.
    #[schema(value_type = String, format = Email, max_length = 254)]
    pub email: Email,
    /// Their name.
    #[schema(value_type = String, min_length = 1, max_length = 200)]
    pub name: DisplayName,
    /// Their password, for a local user.
    #[serde(default, deserialize_with = "secret::read_some")]
    #[schema(value_type = Option<String>, format = Password, min_length = 8, max_length = 128, write_only)]
    pub password: Option<SecretString>,
    /// Their roles: none that carries what the caller lacks.
    #[schema(value_type = Vec<String>, min_items = 1, example = json!(["user"]))]
    pub roles: BTreeSet<RoleSlug>,
    /// Who vouches for them.
    #[serde(default)]
    #[schema(schema_with = auth_provider)]
    pub auth_provider: AuthProvider,
}

/// What is to change of a user; what is left out stays.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserChange {
    /// Another name.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 200)]
    pub name: Option<DisplayName>,
    /// Other roles, in place of all that they have.
    #[serde(default)]
    #[schema(value_type = Option<Vec<String>>, min_items = 1)]
    pub roles: Option<BTreeSet<RoleSlug>>,
}

/// Who the caller is.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Me {
    /// The person: a key's maker, for a key.
    #[serde(flatten)]
    pub user: User,
    /// Their tenant.
    pub tenant: Tenant,
    /// What they may do with the credential they showed.
    #[schema(value_type = Vec<String>)]
    pub scopes: ScopeSet,
    /// What the console sends as `X-CSRF-Token`; null where the caller did not come with its cookie.
    #[schema(required)]
    pub csrf_token: Option<String>,
}

/// What a scope's name is to others.
pub(crate) fn scope_names() -> utoipa::openapi::schema::Object {
    one_of(Scope::ALL.iter().map(|scope| scope.as_str()))
}

fn auth_provider() -> utoipa::openapi::schema::Object {
    one_of(AuthProvider::ALL.map(AuthProvider::as_str))
}
