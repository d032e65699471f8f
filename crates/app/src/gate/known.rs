use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use curfew_domain::{Actor, CredentialId, ScopeSet, Seconds, SessionId, Timestamp, UserId};
use curfew_store::Standing;
use parking_lot::Mutex;

/// The most credentials that are remembered.
const CAPACITY: usize = 20_000;

/// How often the time of a key's last use is written.
const TOUCH_EVERY: Seconds = Seconds::of(60);

/// What follows from a credential, as long as neither it nor its tenant's version has moved.
pub(super) struct Known {
    pub(super) standing: Standing,
    pub(super) actor: Actor,
    pub(super) user: UserId,
    pub(super) active: bool,
    pub(super) scopes: ScopeSet,
    pub(super) session: Option<SessionId>,
    last_used: AtomicI64,
}

impl Known {
    pub(super) fn new(
        standing: Standing,
        (actor, user, active): (Actor, UserId, bool),
        scopes: ScopeSet,
        session: Option<SessionId>,
        last_used: Option<Timestamp>,
    ) -> Self {
        let last_used = AtomicI64::new(last_used.map_or(0, Timestamp::micros));
        Self { standing, actor, user, active, scopes, session, last_used }
    }

    /// Whether this use is to be written down; true for one caller a minute.
    pub(super) fn use_is_news(&self, now: Timestamp) -> bool {
        let last = self.last_used.load(Ordering::Relaxed);
        now >= Timestamp::from_micros(last) + TOUCH_EVERY
            && self
                .last_used
                .compare_exchange(last, now.micros(), Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
    }
}

/// What is remembered of credentials. Never trusted by itself: each use brings a fresh [`Standing`] to compare.
#[derive(Default)]
pub(super) struct KnownCredentials(Mutex<HashMap<CredentialId, Arc<Known>>>);

impl KnownCredentials {
    /// What is known, if it still holds.
    pub(super) fn get(&self, standing: &Standing) -> Option<Arc<Known>> {
        let known = self.0.lock().get(&standing.credential.id).cloned()?;
        (known.standing == *standing).then_some(known)
    }

    pub(super) fn remember(&self, known: Known) -> Arc<Known> {
        let known = Arc::new(known);
        let mut all = self.0.lock();
        if all.len() >= CAPACITY {
            // Rare, and cheap to make up for: each credential in use is loaded once more.
            all.clear();
        }
        all.insert(known.standing.credential.id, Arc::clone(&known));
        known
    }
}
