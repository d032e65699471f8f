//! What was read for earlier requests, as long as nothing of it has moved.
//!
//! A request may be decided by it without a look at the database. Nothing is written on its strength before the unit that
//! writes has seen that both of the tenant's versions still stand ([`Versions`]); and nobody is refused by it: whoever
//! would be is looked at again, by the database.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use curfew_domain::connection::Connection;
use curfew_domain::{CachedResource, Email, IdentityUser, ResourceRef, TenantId, User, UserId};
use curfew_store::Versions;
use parking_lot::{Mutex, RwLock};

use crate::policies::Snapshot;

/// So many things of a kind are remembered of a tenant. Beyond that all of them are forgotten, which only costs reading
/// them again.
const MOST: usize = 500;

/// And of so many tenants.
const MOST_TENANTS: usize = 500;

/// One memory for each tenant.
#[derive(Debug, Default)]
pub struct Memories(RwLock<HashMap<TenantId, Arc<Memory>>>);

/// What was read of one tenant while its versions stood so.
#[derive(Debug)]
pub(super) struct Memory {
    pub(super) tenant: TenantId,
    pub(super) versions: Versions,
    pub(super) snapshot: Arc<Snapshot>,
    is_past: AtomicBool,
    pub(super) connection: Mutex<Option<Connection>>,
    pub(super) users: Remembered<UserId, User>,
    /// Of the connection's instance.
    pub(super) resources: Remembered<ResourceRef, CachedResource>,
    /// Of the connection's directory, where one alone has the address.
    pub(super) people: Remembered<Email, IdentityUser>,
}

impl Memories {
    /// A tenant's memory, unless somebody has found that something has moved since.
    pub(super) fn latest(&self, tenant: TenantId) -> Option<Arc<Memory>> {
        self.0.read().get(&tenant).filter(|memory| !memory.is_past.load(Ordering::Relaxed)).cloned()
    }

    /// The memory of these versions: what is read while they stand belongs there.
    pub(super) fn of(&self, tenant: TenantId, versions: Versions, snapshot: Arc<Snapshot>) -> Arc<Memory> {
        if let Some(memory) = self.latest(tenant).filter(|memory| memory.versions == versions) {
            return memory;
        }
        let memory = Arc::new(Memory::new(tenant, versions, snapshot));
        let mut memories = self.0.write();
        if memories.len() >= MOST_TENANTS && !memories.contains_key(&tenant) {
            memories.clear();
        }
        memories.insert(tenant, Arc::clone(&memory));
        drop(memories);
        memory
    }
}

impl Memory {
    fn new(tenant: TenantId, versions: Versions, snapshot: Arc<Snapshot>) -> Self {
        Self {
            tenant,
            versions,
            snapshot,
            is_past: AtomicBool::new(false),
            connection: Mutex::default(),
            users: Remembered::default(),
            resources: Remembered::default(),
            people: Remembered::default(),
        }
    }
}

impl Memory {
    /// One of its versions has moved: nobody else has to find that out.
    pub(super) fn mark_past(&self) {
        self.is_past.store(true, Ordering::Relaxed);
    }
}

/// Things by their names.
#[derive(Debug)]
pub(super) struct Remembered<K, V>(Mutex<HashMap<K, V>>);

impl<K, V> Default for Remembered<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash, V: Clone> Remembered<K, V> {
    pub(super) fn get(&self, name: &K) -> Option<V> {
        self.0.lock().get(name).cloned()
    }

    pub(super) fn put(&self, name: K, thing: V) {
        let mut things = self.0.lock();
        if things.len() >= MOST && !things.contains_key(&name) {
            things.clear();
        }
        things.insert(name, thing);
    }
}
