use std::sync::Arc;
use std::time::Duration;

use curfew_aws::{AwsError, AwsGateway};
use curfew_domain::connection::{Check, CheckStatus, ExternalIds, SavedConnection, Suspension};
use curfew_domain::{Actor, Clock, Entropy, ExternalId, IdentityStoreId, PlatformMode, TenantId};
use curfew_store::Store;
use tokio::time::Instant;

use super::keep::Kept;
use super::report::Report;
use super::runs::RunResult;
use crate::nudge::Nudge;
use crate::patience::in_time;

/// One test of one saved version, with all it needs: it may outlive the request that began it.
pub(super) struct Run {
    pub(super) store: Store,
    pub(super) aws: Arc<dyn AwsGateway>,
    pub(super) nudge: Nudge,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) tenant: TenantId,
    /// Who began it.
    pub(super) actor: Actor,
    pub(super) version: u64,
    pub(super) saved: SavedConnection,
    pub(super) external_ids: ExternalIds,
    pub(super) platform_mode: PlatformMode,
    /// Whether the tenant has chosen that sessions end too.
    pub(super) ends_sessions: bool,
    pub(super) within: Duration,
}

/// A test that has ended, and what was kept of it.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) version: u64,
    pub(super) tested: Tested,
    pub(super) kept: Kept,
}

/// What the checks found.
#[derive(Debug, Clone, Default)]
pub(super) struct Tested {
    pub(super) checks: Vec<Check>,
    /// Why STS refused or could not be reached.
    pub(super) sts_error: Option<AwsError>,
    /// The role can be assumed without the `ExternalId`.
    pub(super) role_is_open: bool,
    /// The credentials are of another account or role.
    pub(super) is_another_role: bool,
    /// The `ExternalId` that the role took: the current one where it takes both.
    pub(super) external_id: Option<ExternalId>,
    /// Whether it takes the pending one.
    pub(super) takes_pending: bool,
    /// The instance's identity store.
    pub(super) identity_store: Option<IdentityStoreId>,
}

impl Tested {
    /// Whether no check failed.
    pub(super) fn success(&self) -> bool {
        self.checks.iter().all(|check| check.status != CheckStatus::Failed)
    }

    /// Why the verified tuple must not be used to create anything any more.
    pub(super) fn suspends(&self, mode: PlatformMode) -> Option<Suspension> {
        if self.is_another_role {
            return Some(Suspension::WrongAccount);
        }
        (self.role_is_open && mode == PlatformMode::Multi).then_some(Suspension::UnsafeTrustPolicy)
    }
}

impl Run {
    /// Runs all checks and keeps what they found.
    pub(super) async fn run(self) -> RunResult {
        let mut report = Report::new(self.clock.clone(), Instant::now() + self.within);
        self.check_all(&mut report).await;
        let mut tested = report.end();
        let kept = in_time(self.keep(&mut tested)).await.map_err(Arc::new)?;
        Ok(Arc::new(Finished { version: self.version, tested, kept }))
    }

    /// Check after check; the first that fails ends it.
    async fn check_all(&self, report: &mut Report) {
        let trust = self.aws.trust(&self.saved.region);
        let trust = trust.as_ref();
        let Some(session) = self.check_assume_role(report, trust).await else { return };
        if self.check_caller_identity(report, trust, &session).await.is_none() {
            return;
        }
        if self.check_external_id_enforced(report, trust).await.is_none() {
            return;
        }
        let directory = self.aws.directory_with(&self.saved.region, &session);
        let Some(found) = self.check_identity_center(report, directory.as_ref()).await else { return };
        let policies = self.aws.session_policies_with(&self.saved.region, &session);
        self.check_lists(report, directory.as_ref(), policies.as_ref(), &found).await;
    }
}
