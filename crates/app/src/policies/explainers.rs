//! What explains each tenant's policies, in memory.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use curfew_domain::{PolicyId, TenantId};
use curfew_policy::Explainer;
use parking_lot::Mutex;

/// So many tenants' are kept. Beyond that all of them are forgotten, which only costs reading them again.
const MOST_TENANTS: usize = 100;

/// The last one that was made for each tenant.
#[derive(Debug, Default)]
pub(crate) struct Explainers(Mutex<HashMap<TenantId, Kept>>);

/// Of the policies as they were at one version of the tenant.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) version: u64,
    /// The version that each policy stood at.
    pub(super) heads: Arc<BTreeMap<PolicyId, u32>>,
    pub(super) explainer: Arc<Explainer>,
}

impl Explainers {
    /// The last one, whatever its version: the next one is made of it.
    pub(super) fn latest(&self, tenant: TenantId) -> Option<Kept> {
        self.0.lock().get(&tenant).cloned()
    }

    pub(super) fn keep(&self, tenant: TenantId, made: Kept) {
        let mut kept = self.0.lock();
        if kept.len() >= MOST_TENANTS && !kept.contains_key(&tenant) {
            kept.clear();
        }
        kept.insert(tenant, made);
    }
}
