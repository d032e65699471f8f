//! What each tenant's policies compile to, in memory.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use curfew_domain::policy::Policy;
use curfew_domain::{PolicyId, TenantId};
use curfew_policy::CompiledPolicies;
use curfew_store::{LockdownInForce, ReadUnit, Store, Versions};
use parking_lot::RwLock;

use super::analyze::Bench;
use super::explainers::Explainers;
use super::labour::Labour;
use super::simulate::Turns;
use crate::AppError;
use crate::settings::TenantSettings;

/// How often policies are compiled for one request. Whose policies move more often meanwhile is told to try again.
const TRIES: usize = 5;

/// One for each tenant, made anew when the tenant's version has moved. Whatever is
/// written by one, the database is asked whether it stands, so a change is seen by the next request on every node.
#[derive(Debug, Default)]
pub struct Snapshots {
    tenants: RwLock<HashMap<TenantId, Arc<ArcSwapOption<Snapshot>>>>,
    /// What explains them.
    pub(crate) explainers: Explainers,
    /// The processor's work for policies.
    pub(crate) labour: Labour,
    /// Trials of drafts, and analyses, that go on now.
    pub(super) trials: Turns,
    /// Questions of those who may not read policies, that go on now.
    pub(super) members_questions: Turns,
    /// Analyses that go on now.
    pub(super) bench: Bench,
}

/// A tenant's policies and settings at one moment.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The tenant's version at that moment. Whoever writes on the strength of these policies sees whether it moved.
    pub version: u64,
    /// What the policies compile to.
    pub policies: Arc<CompiledPolicies>,
    /// The version that each policy stood at, also of those that take no part.
    heads: Arc<BTreeMap<PolicyId, u32>>,
    /// What had changed since the one before, with that one's version: none of the first, nor where it was much.
    moved: Option<(u64, Arc<Moved>)>,
    /// The settings.
    pub settings: TenantSettings,
    /// The lockdowns in force.
    pub lockdowns: Arc<[LockdownInForce]>,
}

/// So many changed policies are kept with the snapshot that they were compiled into.
const MOST_KEPT: usize = 10;

/// What has changed of a tenant's policies since they were compiled.
#[derive(Debug)]
pub(super) struct Moved {
    /// The version that each policy stands at now.
    pub(super) heads: Arc<BTreeMap<PolicyId, u32>>,
    pub(super) changed: Vec<Policy>,
    pub(super) gone: Vec<PolicyId>,
}

impl Snapshots {
    /// The tenant's policies and settings as they are now, and the unit that sees them so, with its versions. They are
    /// compiled while no unit is held.
    pub async fn current(
        &self,
        store: &Store,
        tenant: TenantId,
    ) -> Result<(ReadUnit, Versions, Arc<Snapshot>), AppError> {
        let place = self.place(tenant);
        for _ in 0..TRIES {
            let unit = store.tenant(tenant).read().await?;
            let versions = unit.versions().await?;
            if let Some(known) = place.load_full().filter(|known| known.version == versions.rules) {
                return Ok((unit, versions, known));
            }
            let before = place.load_full();
            let heads = before.as_ref().map(|before| before.heads.as_ref());
            let moved = Arc::new(Moved::since(heads, &unit).await?);
            let settings = TenantSettings::load(&unit).await?;
            let lockdowns = unit.lockdowns_in_force().await?.into();
            drop(unit);
            let snapshot = Snapshot {
                version: versions.rules,
                policies: self.compiled(tenant, before.clone(), Arc::clone(&moved)).await?,
                heads: Arc::clone(&moved.heads),
                moved: before
                    .filter(|_| moved.changed.len() <= MOST_KEPT)
                    .map(|before| (before.version, moved)),
                settings,
                lockdowns,
            };
            place.store(Some(Arc::new(snapshot)));
        }
        Err(AppError::Unavailable {
            message: "the policies are changing all the time; try again",
            source: None,
        })
    }

    /// What has changed, compiled into what has not.
    async fn compiled(
        &self,
        tenant: TenantId,
        before: Option<Arc<Snapshot>>,
        moved: Arc<Moved>,
    ) -> Result<Arc<CompiledPolicies>, AppError> {
        let before = before.map(|snapshot| Arc::clone(&snapshot.policies)).unwrap_or_default();
        if moved.changed.is_empty() && moved.gone.is_empty() {
            return Ok(before);
        }
        let compiling =
            self.labour.of(tenant, move || before.with(&moved.changed, moved.gone.iter().copied()));
        compiling.await.map(Arc::new)
    }

    fn place(&self, tenant: TenantId) -> Arc<ArcSwapOption<Snapshot>> {
        if let Some(place) = self.tenants.read().get(&tenant) {
            return Arc::clone(place);
        }
        Arc::clone(self.tenants.write().entry(tenant).or_default())
    }
}

impl Snapshot {
    /// What had changed since the version `before`, where that is still known.
    pub(super) fn moved_since(&self, before: u64) -> Option<Arc<Moved>> {
        self.moved.as_ref().filter(|(from, _)| *from == before).map(|(_, moved)| Arc::clone(moved))
    }
}

impl Moved {
    /// Reads what differs from the versions `before`, and no more.
    pub(super) async fn since(
        before: Option<&BTreeMap<PolicyId, u32>>,
        unit: &ReadUnit,
    ) -> Result<Self, AppError> {
        let heads = Arc::new(unit.policy_heads().await?);
        let Some(before) = before else {
            return Ok(Self { heads, changed: unit.policies_with_rules().await?, gone: Vec::new() });
        };
        let known = |id: &PolicyId, version: &u32| before.get(id) == Some(version);
        let new: Vec<PolicyId> =
            heads.iter().filter(|(id, version)| !known(id, version)).map(|(id, _)| *id).collect();
        let gone = before.keys().filter(|id| !heads.contains_key(id)).copied().collect();
        let changed = if new.is_empty() { Vec::new() } else { unit.policies_named(&new).await? };
        Ok(Self { heads, changed, gone })
    }
}
