//! Reading a tenant's AWS into the cache.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{DiscoveryId, InstanceArn, Invalid, Timestamp, UserId};

/// One full reading of accounts, units, permission sets and people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiscoveryRun {
    /// Its id.
    pub id: DiscoveryId,
    /// Through which instance.
    pub instance: InstanceArn,
    /// Where it stands.
    pub state: DiscoveryState,
    /// When it was asked for or begun.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// How much it has seen.
    pub counts: DiscoveryCounts,
    /// Why it failed, in words for the tenant's administrators.
    pub error: Option<String>,
    /// Who asked for it; none when time did.
    pub requested_by: Option<UserId>,
}

/// How much a reading has seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DiscoveryCounts {
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

/// Where a reading stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DiscoveryState {
    /// Asked for, not begun.
    Waiting,
    /// Under way.
    Running,
    /// All was read.
    Succeeded,
    /// It was given up; what it had read is kept, and nothing was marked gone.
    Failed,
}

impl DiscoveryState {
    /// As stored, and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            DiscoveryState::Waiting => "waiting",
            DiscoveryState::Running => "running",
            DiscoveryState::Succeeded => "succeeded",
            DiscoveryState::Failed => "failed",
        }
    }

    /// Whether it is still to end.
    pub const fn is_open(self) -> bool {
        matches!(self, DiscoveryState::Waiting | DiscoveryState::Running)
    }
}

impl FromStr for DiscoveryState {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        [Self::Waiting, Self::Running, Self::Succeeded, Self::Failed]
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| Invalid::new("a discovery is waiting, running, succeeded or failed"))
    }
}
