use curfew_domain::{ApiKeyId, DisplayName, ScopeSet, Timestamp, UserId};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::secret;

/// A program's credential. It acts as its maker, within its scopes.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ApiKey {
    /// Its id.
    #[schema(value_type = Uuid)]
    pub id: ApiKeyId,
    /// What its maker calls it.
    #[schema(value_type = String)]
    pub name: DisplayName,
    /// What it may do at most.
    #[schema(value_type = Vec<String>)]
    pub scopes: ScopeSet,
    /// Who made it.
    #[schema(required, value_type = Option<Uuid>)]
    pub created_by: Option<UserId>,
    /// When it was last shown, to the minute.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub last_used_at: Option<Timestamp>,
    /// When it ends by itself.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
    /// When it was ended.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub revoked_at: Option<Timestamp>,
    /// Who ended it.
    #[schema(required, value_type = Option<Uuid>)]
    pub revoked_by: Option<UserId>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// The identity provider whose key it is.
    #[schema(required)]
    pub identity_provider_id: Option<Uuid>,
}

/// A key that is to be made.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewApiKey {
    /// What its maker calls it.
    #[schema(value_type = String, min_length = 1, max_length = 200)]
    pub name: DisplayName,
    /// What it may do at most: nothing that the caller may not.
    #[serde(default)]
    #[schema(schema_with = scopes)]
    pub scopes: ScopeSet,
    /// When it ends by itself; in the future.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
    /// The identity provider whose key it is.
    #[serde(default)]
    pub identity_provider_id: Option<Uuid>,
}

/// A key that was made.
#[derive(Debug, Serialize, ToSchema)]
pub struct ApiKeyCreated {
    /// The key.
    #[serde(flatten)]
    pub key: ApiKey,
    /// What a program sends as `X-API-Key`. Told this once.
    #[serde(serialize_with = "secret::tell")]
    #[schema(required, value_type = Option<String>)]
    pub raw_key: Option<SecretString>,
}

fn scopes() -> utoipa::openapi::schema::Array {
    utoipa::openapi::schema::ArrayBuilder::new().items(crate::users::scope_names()).build()
}
