//! A tenant's connection to AWS: what is saved, what is verified, and what a test says.

use serde::{Deserialize, Serialize};

use crate::{ExternalId, IdentityStoreId, InstanceArn, Invalid, Region, RoleArn, Timestamp};

/// What `PUT …/config` wrote and the test tests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedConnection {
    /// The Identity Center instance.
    pub instance: InstanceArn,
    /// The role that Curfew assumes in the customer's account.
    pub role: RoleArn,
    /// The instance's primary region.
    pub region: Region,
}

/// The last saved tuple whose test passed. All work but the test uses this one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifiedConnection {
    /// What was saved then.
    pub saved: SavedConnection,
    /// The instance's identity store, as AWS named it.
    pub identity_store: IdentityStoreId,
    /// The `ExternalId` that the role took.
    pub external_id: ExternalId,
    /// When the test passed.
    pub at: Timestamp,
}

/// Why the verified tuple is not used to create anything; deletions go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Suspension {
    /// The role can be assumed without the `ExternalId`, in `multi`.
    UnsafeTrustPolicy,
    /// The role answered for another account or role than was saved.
    WrongAccount,
    /// The installation went from `single` to `multi`: the trust policy must be proved.
    PlatformModeChanged,
}

impl Suspension {
    /// As stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Suspension::UnsafeTrustPolicy => "unsafe_trust_policy",
            Suspension::WrongAccount => "wrong_account",
            Suspension::PlatformModeChanged => "platform_mode_changed",
        }
    }
}

impl std::str::FromStr for Suspension {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        [Suspension::UnsafeTrustPolicy, Suspension::WrongAccount, Suspension::PlatformModeChanged]
            .into_iter()
            .find(|reason| reason.as_str() == text)
            .ok_or_else(|| Invalid::new("no such suspension"))
    }
}

/// The `ExternalId` in force, and the one that a rotation is bringing in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExternalIds {
    /// In force.
    pub current: ExternalId,
    /// Coming, while a rotation is under way.
    pub pending: Option<ExternalId>,
}

impl ExternalIds {
    /// In the order in which they are tried: a customer who replaced instead of added does not lock Curfew out.
    pub fn in_order(&self) -> impl Iterator<Item = &ExternalId> {
        std::iter::once(&self.current).chain(self.pending.as_ref())
    }
}

/// The named checks of a connection test, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckName {
    /// STS gives credentials for the role, with the `ExternalId`.
    AssumeRole,
    /// They are of the account and role that were saved.
    CallerIdentity,
    /// Without the right `ExternalId` STS refuses.
    ExternalIdEnforced,
    /// The instance is there, active, of the organization, and in its primary region.
    IdentityCenter,
    /// Permission sets can be listed.
    PermissionSets,
    /// Accounts can be listed.
    Accounts,
    /// Users can be looked up.
    Directory,
    /// What can't be managed from this account.
    Reach,
    /// Sessions can be ended, where the tenant has chosen that.
    SessionPolicies,
}

impl CheckName {
    /// In the order in which they run.
    pub const ALL: [CheckName; 9] = [
        CheckName::AssumeRole,
        CheckName::CallerIdentity,
        CheckName::ExternalIdEnforced,
        CheckName::IdentityCenter,
        CheckName::PermissionSets,
        CheckName::Accounts,
        CheckName::Directory,
        CheckName::Reach,
        CheckName::SessionPolicies,
    ];

    /// The contract's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            CheckName::AssumeRole => "assume_role",
            CheckName::CallerIdentity => "caller_identity",
            CheckName::ExternalIdEnforced => "external_id_enforced",
            CheckName::IdentityCenter => "identity_center",
            CheckName::PermissionSets => "permission_sets",
            CheckName::Accounts => "accounts",
            CheckName::Directory => "directory",
            CheckName::Reach => "reach",
            CheckName::SessionPolicies => "session_policies",
        }
    }
}

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckStatus {
    /// As it should be.
    Passed,
    /// Not as it should be.
    Failed,
    /// Works, but look at it.
    Warning,
    /// Not run, since an earlier one failed, or it concerns what the tenant has not chosen.
    Skipped,
}

impl CheckStatus {
    /// The contract's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            CheckStatus::Passed => "passed",
            CheckStatus::Failed => "failed",
            CheckStatus::Warning => "warning",
            CheckStatus::Skipped => "skipped",
        }
    }
}

/// One check's result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// Which.
    pub name: CheckName,
    /// How it ended.
    pub status: CheckStatus,
    /// What was seen, and what to do next, in an AWS administrator's words.
    pub message: String,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
}

/// All that is kept of a tenant's connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// What `PUT …/config` wrote last.
    pub saved: Option<SavedConnection>,
    /// Counts what was saved: a test's result is written only while this still stands.
    pub saved_version: u64,
    /// The last saved tuple whose test passed.
    pub verified: Option<VerifiedConnection>,
    /// Why nothing may be created for now.
    pub suspended: Option<Suspension>,
    /// The `ExternalId`s that the customer's role may ask for.
    pub external_ids: ExternalIds,
    /// When a test passed with the pending one.
    pub pending_proved_at: Option<Timestamp>,
}

impl Connection {
    /// Whether a tuple leads to another instance, or into another account, than the verified one: then nothing of
    /// what was made through that could be taken back through this.
    pub fn leads_elsewhere(&self, tuple: &SavedConnection) -> bool {
        self.verified.as_ref().is_some_and(|VerifiedConnection { saved: verified, .. }| {
            verified.instance != tuple.instance || verified.role.account() != tuple.role.account()
        })
    }
}
