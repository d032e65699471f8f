use curfew_domain::{
    Change, DeletionWaitsFor, DisplayName, DomainName, Email, Locale, Region, Slug, SsoStartUrl, TenantId,
    TenantState, Timestamp, UserId,
};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::one_of;
use crate::secret;

/// One company on the installation.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Tenant {
    /// Its id.
    #[schema(value_type = Uuid)]
    pub id: TenantId,
    /// What people call it.
    #[schema(value_type = String)]
    pub name: DisplayName,
    /// Its short name, fixed for life.
    #[schema(value_type = String)]
    pub slug: Slug,
    /// Its language.
    #[schema(value_type = String)]
    pub locale: Locale,
    /// Its owner's e-mail address.
    #[schema(required, value_type = Option<String>)]
    pub owner_email: Option<Email>,
    /// Its owner.
    #[schema(required, value_type = Option<Uuid>)]
    pub owner_user_id: Option<UserId>,
    /// Its AWS access portal.
    #[schema(required, value_type = Option<String>)]
    pub sso_start_url: Option<SsoStartUrl>,
    /// The portal's region.
    #[schema(required, value_type = Option<String>)]
    pub sso_region: Option<Region>,
    /// Whether it is the first one, which makes the others.
    pub is_master: bool,
    /// Its first verified domain.
    #[schema(required, value_type = Option<String>)]
    pub primary_domain: Option<DomainName>,
    /// Whether it is in use, or being deleted.
    #[schema(schema_with = state)]
    pub state: TenantState,
    /// How its deletion goes on, while it does.
    #[schema(required)]
    pub deletion: Option<TenantDeletion>,
    /// How many assignments AWS may still hold more than five minutes after they should have been gone: AWS refuses, or
    /// can't be reached. The test of the connection says why.
    pub revocations_overdue: u64,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it was last changed.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
}

/// How the deletion of a tenant goes on.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TenantDeletion {
    /// When it was asked for.
    #[schema(value_type = String, format = DateTime)]
    pub requested_at: Timestamp,
    /// How many assignments AWS still held when it was last looked at. The tenant is erased once there are none.
    pub assignments_left: u64,
    /// What it waited for then: `aws` takes its time; `refused_by_aws` fails again and again, as where the tenant's role is
    /// gone; `connection` is not verified.
    #[schema(required, value_type = Option<DeletionWaitsForSchema>)]
    pub waits_for: Option<DeletionWaitsFor>,
    /// When that was; null before the first look.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub looked_at: Option<Timestamp>,
}

fn state() -> utoipa::openapi::schema::Object {
    one_of([TenantState::Active, TenantState::Deleting].map(TenantState::as_str))
}

/// What the deletion of a tenant waits for.
#[derive(ToSchema)]
#[schema(as = DeletionWaitsFor, rename_all = "snake_case")]
#[expect(dead_code, reason = "only its description is used")]
pub(crate) enum DeletionWaitsForSchema {
    Aws,
    RefusedByAws,
    Connection,
}

/// A tenant that is to be made.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTenant {
    /// What people call it.
    #[schema(value_type = String, min_length = 1, max_length = 200)]
    pub name: DisplayName,
    /// Its short name, fixed for life.
    #[schema(value_type = String, pattern = "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])$", example = "bolt")]
    pub slug: Slug,
    /// Its owner's e-mail address; the owner becomes its first admin.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = Email, max_length = 254)]
    pub owner_email: Option<Email>,
    /// Its owner's name; without it, the address. Only with `owner_email`.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 200)]
    pub owner_name: Option<DisplayName>,
    /// Its language.
    #[serde(default)]
    #[schema(value_type = Option<String>, pattern = "^[A-Za-z][A-Za-z0-9]{0,7}(-[A-Za-z0-9]{1,8})*$", min_length = 2, max_length = 35)]
    pub locale: Option<Locale>,
    /// Its AWS access portal.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 2048, pattern = "^https://")]
    pub sso_start_url: Option<SsoStartUrl>,
    /// The portal's region.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "eu-central-1")]
    pub sso_region: Option<Region>,
}

/// A tenant that was made.
#[derive(Debug, Serialize, ToSchema)]
pub struct TenantCreated {
    /// The tenant.
    #[serde(flatten)]
    pub tenant: Tenant,
    /// The link with which the owner sets a first password, once, within a week. Told this once.
    #[serde(serialize_with = "secret::tell")]
    #[schema(required, value_type = Option<String>)]
    pub owner_setup_url: Option<SecretString>,
}

/// What is to change of a tenant; what is left out stays.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TenantChange {
    /// Another name.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 200)]
    pub name: Option<DisplayName>,
    /// Another owner: an active user of the tenant. Only the present owner gives the tenant away.
    #[serde(default)]
    #[schema(value_type = Option<Uuid>)]
    pub owner_user_id: Option<UserId>,
    /// Another language.
    #[serde(default)]
    #[schema(value_type = Option<String>, pattern = "^[A-Za-z][A-Za-z0-9]{0,7}(-[A-Za-z0-9]{1,8})*$", min_length = 2, max_length = 35)]
    pub locale: Option<Locale>,
    /// Another access portal; null for none.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 2048, pattern = "^https://")]
    pub sso_start_url: Change<Option<SsoStartUrl>>,
    /// Another region of it; null for none.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "eu-central-1")]
    pub sso_region: Change<Option<Region>>,
}
