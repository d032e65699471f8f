use std::collections::BTreeSet;

use curfew_domain::{DisplayName, DomainId, DomainName, Email, PlatformMode, Slug, Timestamp};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::{one_of, yes};
use crate::{SaveAwsConfig, Tenant, User, secret};

/// Whether the first run is over.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SetupStatus {
    /// Whether it is.
    pub completed: bool,
    /// Whether there can be child tenants.
    #[schema(schema_with = platform_mode)]
    pub platform_mode: PlatformMode,
}

/// What the first run is told.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CompleteSetup {
    /// What people call the first tenant, the master.
    #[schema(value_type = String, min_length = 1, max_length = 200, example = "Acme")]
    pub tenant_name: DisplayName,
    /// Its short name, fixed for life.
    #[schema(value_type = String, pattern = "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])$", example = "acme")]
    pub tenant_slug: Slug,
    /// Its e-mail domains, in lower case. A domain leads logins to the tenant once a DNS record proves it.
    #[serde(default)]
    #[schema(value_type = Vec<String>, example = json!(["acme.example"]))]
    pub domains: BTreeSet<DomainName>,
    /// The first admin's e-mail address; counts as verified.
    #[schema(value_type = String, format = Email, max_length = 254)]
    pub admin_email: Email,
    /// The first admin's name.
    #[schema(value_type = String, min_length = 1, max_length = 200)]
    pub admin_name: DisplayName,
    /// The first admin's password: hard to guess, also by one who knows the names above.
    #[serde(deserialize_with = "secret::read")]
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 128, write_only)]
    pub admin_password: SecretString,
    /// The tenant's OpenID provider; kept, and not used by this version.
    #[serde(default)]
    pub oidc_config: Option<SetupOidcConfig>,
    /// The tenant's AWS connection; saved, not tested.
    #[serde(default)]
    pub aws_identity_center: Option<SaveAwsConfig>,
    /// Whether there can be child tenants.
    #[serde(default)]
    #[schema(schema_with = platform_mode)]
    pub platform_mode: PlatformMode,
    /// Whether people need a second factor. This version can't ask for one: it warns at each login.
    #[serde(default = "yes")]
    #[schema(default = true)]
    pub mfa_required: bool,
}

/// An OpenID provider.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetupOidcConfig {
    /// Its issuer.
    #[schema(value_type = String, max_length = 2048, pattern = "^https://", example = "https://login.acme.example")]
    pub issuer_url: IssuerUrl,
    /// Curfew's name there.
    #[schema(value_type = String, min_length = 1, max_length = 255)]
    pub client_id: ShortText,
    /// Curfew's secret there.
    #[serde(deserialize_with = "secret::read")]
    #[schema(value_type = String, format = Password, write_only)]
    pub client_secret: SecretString,
    /// What is asked for.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    pub scopes: Vec<ShortText>,
}

/// An address that begins with `https://`.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct IssuerUrl(String);

/// 1 to 255 characters on one line.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct ShortText(String);

impl TryFrom<String> for IssuerUrl {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let host = text.strip_prefix("https://").unwrap_or_default();
        let sound = !host.is_empty() && text.len() <= 2_048 && text.bytes().all(|b| b.is_ascii_graphic());
        sound.then_some(Self(text)).ok_or("an issuer is an https:// URL of at most 2,048 characters")
    }
}

impl TryFrom<String> for ShortText {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let sound = (1..=255).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        sound.then_some(Self(text)).ok_or("is a text of 1 to 255 characters on one line")
    }
}

impl From<IssuerUrl> for String {
    fn from(url: IssuerUrl) -> String {
        url.0
    }
}

impl From<ShortText> for String {
    fn from(text: ShortText) -> String {
        text.0
    }
}

/// What the first run made.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SetupCompleted {
    /// The master tenant.
    pub tenant: Tenant,
    /// Its domains.
    pub domains: Vec<Domain>,
    /// Its admin and owner.
    pub admin: User,
}

/// An e-mail domain that the tenant claims.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Domain {
    /// Its id.
    #[schema(value_type = Uuid)]
    pub id: DomainId,
    /// The domain.
    #[schema(value_type = String)]
    pub domain: DomainName,
    /// Whether its DNS record was seen.
    pub verified: bool,
    /// When it was seen.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub verified_at: Option<Timestamp>,
    /// What tells this claim from another's.
    pub verification_token: String,
    /// The name of the TXT record that proves the domain.
    pub dns_record: String,
    /// What the record must hold.
    pub dns_value: String,
    /// When it was claimed.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

fn platform_mode() -> utoipa::openapi::schema::Object {
    one_of([PlatformMode::Single.as_str(), PlatformMode::Multi.as_str()])
}
