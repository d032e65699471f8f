use curfew_domain::{
    AccessLevel, AccountId, CachedResource, DiscoveryCounts, DiscoveryRun, DiscoveryState, DisplayName,
    ResourceType, Timestamp,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::AtMost;
use crate::limit::at_most;

/// A resource as it is known: what was pushed over what AWS tells.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CachedAwsResource {
    /// AWS's own id of it: what a request names.
    #[schema(example = "123456789012")]
    pub id: String,
    /// What it is.
    #[schema(value_type = String, example = "aws_account")]
    pub r#type: ResourceType,
    /// What it is called.
    pub name: String,
    /// The account that it is in.
    #[schema(required, value_type = Option<String>)]
    pub account_id: Option<AccountId>,
    /// What was pushed to be shown with it.
    #[schema(value_type = std::collections::HashMap<String, Value>)]
    pub metadata: Map<String, Value>,
    /// When AWS last told of it; when it was pushed, where AWS never did.
    #[schema(value_type = String, format = DateTime)]
    pub last_synced_at: Timestamp,
    /// Its privilege rank, low is weak.
    #[schema(required)]
    pub rank: Option<i32>,
    /// How much a permission set can do: `read`, `write` or `admin`; null for other kinds.
    #[schema(required, value_type = Option<String>)]
    pub access_level: Option<AccessLevel>,
    /// Whether only Curfew may assign this permission set.
    pub exclusive: bool,
    /// Whether AWS tells of it. What was only pushed can't be asked for.
    pub known: bool,
}

impl From<CachedResource> for CachedAwsResource {
    fn from(cached: CachedResource) -> Self {
        let is_set = cached.resource.kind() == ResourceType::AwsPermissionSet;
        let seen_at = cached.discovered.as_ref().map(|discovered| discovered.seen_at);
        let told_at = cached.pushed.as_ref().map(|pushed| pushed.at);
        Self {
            id: cached.resource.id().to_owned(),
            r#type: cached.resource.kind(),
            name: cached.shown_name().to_owned(),
            last_synced_at: seen_at.or(told_at).unwrap_or(cached.updated_at),
            rank: cached.pushed.as_ref().and_then(|pushed| pushed.rank),
            access_level: is_set.then(|| cached.access_level()),
            exclusive: cached.pushed.as_ref().is_some_and(|pushed| pushed.exclusive),
            known: cached.known().is_some(),
            account_id: cached.account,
            metadata: cached.pushed.map(|pushed| pushed.metadata).unwrap_or_default(),
        }
    }
}

/// Resources of one kind, as somebody tells of them.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PushAwsResources {
    /// Each once.
    #[serde(deserialize_with = "at_most::<1000, _, _>")]
    #[schema(max_items = 1000)]
    pub resources: Vec<PushedAwsResource>,
}

/// What somebody tells of a resource.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PushedAwsResource {
    /// AWS's own id of it.
    #[schema(value_type = String, max_length = 2048)]
    pub id: AtMost<2048>,
    /// What it is; only where the path does not say.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "aws_s3_bucket")]
    pub r#type: Option<ResourceType>,
    /// A name to show.
    #[schema(value_type = String, min_length = 1, max_length = 200)]
    pub name: DisplayName,
    /// The account that it is in.
    #[serde(default)]
    #[schema(value_type = Option<String>, pattern = "^[0-9]{12}$")]
    pub account_id: Option<AccountId>,
    /// Whatever is to be shown with it.
    #[serde(default)]
    #[schema(value_type = std::collections::HashMap<String, Value>)]
    pub metadata: Map<String, Value>,
    /// Its privilege rank, low is weak.
    #[serde(default)]
    pub rank: Option<i32>,
    /// How much a permission set can do; left out, it stays as it was.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "read")]
    pub access_level: Option<AccessLevel>,
    /// Whether only Curfew may assign a permission set; left out, it stays as it was.
    #[serde(default)]
    pub exclusive: Option<bool>,
}

/// How many were kept.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Upserted {
    /// How many.
    pub upserted: usize,
}

/// Where reading AWS into the cache stands.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AwsSync {
    /// `never`, `waiting`, `running`, `succeeded` or `failed`.
    #[schema(example = "succeeded")]
    pub state: &'static str,
    /// When it was asked for or begun.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub ended_at: Option<Timestamp>,
    /// Why it failed, and what to do.
    #[schema(required)]
    pub error: Option<String>,
    /// How much it saw.
    pub counts: AwsSyncCounts,
}

/// How much a reading saw.
#[derive(Debug, Clone, Copy, Default, Serialize, ToSchema)]
pub struct AwsSyncCounts {
    /// Accounts in use.
    pub accounts: u32,
    /// Organizational units.
    pub organizational_units: u32,
    /// Permission sets.
    pub permission_sets: u32,
    /// People.
    pub users: u32,
    /// Groups.
    pub groups: u32,
}

impl AwsSync {
    /// Before the first reading.
    pub fn never() -> Self {
        Self {
            state: "never",
            started_at: None,
            ended_at: None,
            error: None,
            counts: AwsSyncCounts::default(),
        }
    }
}

impl From<DiscoveryRun> for AwsSync {
    fn from(run: DiscoveryRun) -> Self {
        Self {
            state: DiscoveryState::as_str(run.state),
            started_at: Some(run.started_at),
            ended_at: run.ended_at,
            error: run.error,
            counts: run.counts.into(),
        }
    }
}

impl From<DiscoveryCounts> for AwsSyncCounts {
    fn from(counts: DiscoveryCounts) -> Self {
        let DiscoveryCounts { accounts, organizational_units, permission_sets, users, groups } = counts;
        Self { accounts, organizational_units, permission_sets, users, groups }
    }
}
