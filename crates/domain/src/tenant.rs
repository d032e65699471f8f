//! What a tenant is.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::text::text_type;
use crate::{DisplayName, Email, Invalid, Region, TenantId, Timestamp, UserId};

text_type!(
    /// A tenant's short name in URLs and logins: 2 to 63 lower-case letters, digits and inner hyphens. Fixed for life.
    Slug,
    |text| {
        let sound = (2..=63).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !text.starts_with('-')
            && !text.ends_with('-');
        sound.then_some(()).ok_or_else(|| {
            Invalid::new("a slug has 2 to 63 lower-case letters, digits and hyphens, and no hyphen at its ends")
        })
    }
);

text_type!(
    /// A language tag (BCP 47) such as `en` or `de-CH`: 2 to 35 letters, digits and hyphens.
    Locale,
    |text| {
        let sound = (2..=35).contains(&text.len())
            && text.split('-').all(|part| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric()))
            && text.as_bytes()[0].is_ascii_alphabetic();
        sound.then_some(()).ok_or_else(|| Invalid::new("a locale is a language tag such as en or de-CH"))
    }
);

impl Locale {
    /// The language of a tenant that has not said which it speaks.
    pub fn english() -> Self {
        Self("en".to_owned())
    }
}

/// Whether the installation serves its first tenant alone or children as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum PlatformMode {
    /// The master tenant only.
    #[default]
    Single,
    /// The master makes child tenants.
    Multi,
}

impl PlatformMode {
    /// The contract's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            PlatformMode::Single => "single",
            PlatformMode::Multi => "multi",
        }
    }
}

impl FromStr for PlatformMode {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        match text {
            "single" => Ok(PlatformMode::Single),
            "multi" => Ok(PlatformMode::Multi),
            _ => Err(Invalid::new("a platform mode is single or multi")),
        }
    }
}

/// Where a tenant stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TenantState {
    /// In use.
    Active,
    /// Being deleted: grants are revoked, then everything is erased.
    Deleting,
}

impl TenantState {
    /// As stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            TenantState::Active => "active",
            TenantState::Deleting => "deleting",
        }
    }
}

impl FromStr for TenantState {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        match text {
            "active" => Ok(TenantState::Active),
            "deleting" => Ok(TenantState::Deleting),
            _ => Err(Invalid::new("a tenant is active or deleting")),
        }
    }
}

/// What the deletion of a tenant waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeletionWaitsFor {
    /// AWS takes its time.
    Aws,
    /// AWS fails again and again, or can't be reached with the tenant's role.
    RefusedByAws,
    /// The tenant's connection is not verified, or suspended.
    Connection,
}

impl DeletionWaitsFor {
    /// All of them.
    pub const ALL: [DeletionWaitsFor; 3] =
        [DeletionWaitsFor::Aws, DeletionWaitsFor::RefusedByAws, DeletionWaitsFor::Connection];

    /// The contract's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            DeletionWaitsFor::Aws => "aws",
            DeletionWaitsFor::RefusedByAws => "refused_by_aws",
            DeletionWaitsFor::Connection => "connection",
        }
    }
}

impl FromStr for DeletionWaitsFor {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let named = |one: &Self| one.as_str() == text;
        Self::ALL.into_iter().find(named).ok_or_else(|| Invalid::new("nothing that a deletion waits for"))
    }
}

/// How the deletion of a tenant goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TenantDeletion {
    /// Whose.
    pub tenant: TenantId,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// How many assignments AWS still held when it was last looked at.
    pub assignments_left: u64,
    /// What it waited for then.
    pub waits_for: Option<DeletionWaitsFor>,
    /// When that was.
    pub looked_at: Option<Timestamp>,
}

text_type!(
    /// The AWS access portal's address: `https://…`, at most 2,048 characters.
    SsoStartUrl,
    |text| {
        let host = text.strip_prefix("https://").and_then(|rest| rest.split(['/', '?', '#']).next());
        let sound = text.len() <= 2_048
            && host.is_some_and(|host| !host.is_empty())
            && text.bytes().all(|b| b.is_ascii_graphic());
        sound.then_some(()).ok_or_else(|| {
            Invalid::new("a start URL looks like https://example.awsapps.com/start, at most 2,048 characters")
        })
    }
);

/// One company on the installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    /// Its id.
    pub id: TenantId,
    /// The tenant that made it; none for the master.
    pub parent: Option<TenantId>,
    /// What people call it.
    pub name: DisplayName,
    /// Its short name; fixed for life.
    pub slug: Slug,
    /// The language of its people, unless they say otherwise.
    pub locale: Locale,
    /// Where its owner is written to.
    pub owner_email: Option<Email>,
    /// Its owner.
    pub owner: Option<UserId>,
    /// Its AWS access portal.
    pub sso_start_url: Option<SsoStartUrl>,
    /// The region of that portal.
    pub sso_region: Option<Region>,
    /// Whether it is the first one, which makes the others.
    pub is_master: bool,
    /// Where it stands in its life.
    pub state: TenantState,
    /// Whether its people need a second factor.
    pub mfa_required: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}
