use curfew_domain::{DomainName, Email, Slug, TenantId, Timestamp};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::secret;

/// Which tenant is meant; one of the two.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ProvidersQuery {
    /// An e-mail domain that the tenant has verified, in lower case.
    #[param(value_type = Option<String>, max_length = 253, example = "acme.example")]
    pub domain: Option<DomainName>,
    /// The tenant's short name.
    #[param(value_type = Option<String>, pattern = "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])$", example = "acme")]
    pub slug: Option<Slug>,
}

/// How one signs in to a tenant.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Providers {
    /// The tenant.
    #[schema(value_type = Uuid)]
    pub tenant_id: TenantId,
    /// Its ways, the preferred one first.
    pub methods: Vec<LoginMethod>,
}

/// A way to sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LoginMethod {
    /// Through the tenant's OpenID provider.
    Oidc,
    /// With an e-mail address and a password.
    Local,
}

/// What someone types to sign in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// Their e-mail address, in any case.
    #[schema(value_type = String, format = Email, max_length = 254)]
    pub email: Email,
    /// Their password.
    #[serde(deserialize_with = "secret::read")]
    #[schema(value_type = String, format = Password, write_only)]
    pub password: SecretString,
    /// Their tenant; without it the e-mail's domain leads there, else the master tenant is meant.
    #[serde(default)]
    #[schema(value_type = Option<String>, pattern = "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])$")]
    pub tenant_slug: Option<Slug>,
    /// How the login is carried.
    #[serde(default)]
    pub session: SessionCarrier,
}

/// How a login is carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SessionCarrier {
    /// As a token in the answer, for `Authorization: Bearer`.
    #[default]
    Bearer,
    /// As a cookie, for the console: the token is not in the answer.
    Cookie,
}

/// What someone who signed in is given.
#[derive(Debug, Serialize, ToSchema)]
pub struct LoginResult {
    /// The token; null where it went into a cookie.
    #[serde(serialize_with = "secret::tell")]
    #[schema(required, value_type = Option<String>)]
    pub token: Option<SecretString>,
    /// Until when it lives.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
    /// The tenant to name in `X-Tenant-ID`.
    #[schema(value_type = Uuid)]
    pub tenant_id: TenantId,
    /// Whether a second factor is asked for now.
    pub mfa_required: bool,
    /// What a second factor would answer.
    #[schema(required)]
    pub challenge_id: Option<String>,
    /// The second factors to choose from.
    pub methods: Vec<String>,
    /// Whether a second factor must be set up.
    pub mfa_setup_required: bool,
    /// Whether one must be enrolled before the token is given.
    pub enrollment_required: bool,
}

/// The token that takes the place of the one that was shown.
#[derive(Debug, Serialize, ToSchema)]
pub struct Refreshed {
    /// The token; null where it went into a cookie.
    #[serde(serialize_with = "secret::tell")]
    #[schema(required, value_type = Option<String>)]
    pub token: Option<SecretString>,
    /// Until when it lives.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
}

/// The first password of someone who was sent a setup link.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetInitialPassword {
    /// What the link carries.
    #[serde(deserialize_with = "secret::read")]
    #[schema(value_type = String, write_only)]
    pub token: SecretString,
    /// The password: hard to guess, also by one who knows the person.
    #[serde(deserialize_with = "secret::read")]
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 128, write_only)]
    pub password: SecretString,
}
