//! Sessions of tenants' roles, kept until shortly before they end.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use curfew_domain::{Clock, ExternalId, Seconds, TenantId, Timestamp};
use parking_lot::Mutex;
use tokio::sync::Mutex as AsyncMutex;

use crate::{
    AssumeRole, AwsError, AwsErrorKind, Purpose, RoleAccess, SessionCredentials, SessionName, Trust,
};

use super::clients::SsoAdmin;
use super::counted::TurnedAway;

/// An hour is what every role allows, chained or not (STS API, `DurationSeconds`).
const LENGTH: Seconds = Seconds::of(3_600);
/// Not used any more in its last minutes: a call takes time.
const MARGIN: Seconds = Seconds::of(300);
/// A refusal of an older session may be the session's fault: whoever administers the role has revoked its sessions, or
/// made it anew. A younger one says what a new one would, and a right that is missing costs no session a call.
const FRESH: Seconds = Seconds::of(30);

/// Sessions by what they were asked with: a changed configuration or `ExternalId` never meets an old one.
pub(super) struct SessionCache {
    clock: Arc<dyn Clock>,
    slots: Mutex<HashMap<RoleAccess, Slot>>,
    /// What AWS has turned away, whatever session it was.
    turned_away: Mutex<HashMap<TenantId, TurnedAway>>,
}

/// One tuple's place. The lock is held while STS is asked, so that all who wait share one answer.
type Slot = Arc<AsyncMutex<Option<Held>>>;

#[derive(Clone)]
struct Held {
    session: SessionCredentials,
    sso_admin: Arc<OnceLock<SsoAdmin>>,
    since: Timestamp,
    until: Timestamp,
}

/// A session, and the way to say that it is of no use.
pub(super) struct Kept {
    pub(super) session: SessionCredentials,
    /// Made by whoever is the first to need them: to make one costs as much as several calls.
    pub(super) sso_admin: Arc<OnceLock<SsoAdmin>>,
    pub(super) turned_away: TurnedAway,
    pub(super) end: SessionEnd,
}

/// Drops a session from the cache when AWS says that it has ended.
pub(super) struct SessionEnd {
    cache: Arc<SessionCache>,
    access: RoleAccess,
    since: Timestamp,
}

impl SessionCache {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, slots: Mutex::default(), turned_away: Mutex::default() }
    }

    /// The session that is kept, or one that is fetched by `trust`.
    pub(super) async fn get<T: Trust>(
        self: &Arc<Self>,
        access: &RoleAccess,
        trust: impl FnOnce() -> T,
    ) -> Result<Kept, AwsError> {
        let slot = self.slots.lock().entry(access.clone()).or_default().clone();
        let mut held = slot.lock().await;
        let now = self.clock.now();
        let kept = if let Some(kept) = held.as_ref().filter(|kept| now < kept.until) {
            kept.clone()
        } else {
            let session = assume(access, &trust()).await?;
            let until = usable_until(&session, now);
            let fetched = Held { session, sso_admin: Arc::default(), since: now, until };
            let kept = held.insert(fetched).clone();
            drop(held);
            self.sweep(now);
            kept
        };
        let end = SessionEnd { cache: self.clone(), access: access.clone(), since: kept.since };
        let turned_away = self.turned_away.lock().entry(access.tenant).or_default().clone();
        Ok(Kept { session: kept.session, sso_admin: kept.sso_admin, turned_away, end })
    }

    pub(super) fn forget(&self, tenant: TenantId) {
        self.slots.lock().retain(|access, _| access.tenant != tenant);
    }

    /// Takes one session out; not one that was fetched since.
    fn drop_session(&self, access: &RoleAccess, since: Timestamp) {
        let mut slots = self.slots.lock();
        let is_another = |slot: &Slot| match slot.try_lock() {
            Ok(held) => held.as_ref().is_some_and(|held| held.since != since),
            // It is being fetched right now, or handed out: the next refusal drops it.
            Err(_) => true,
        };
        if !slots.get(access).is_some_and(is_another) {
            slots.remove(access);
        }
    }

    /// Takes out what has ended, so that tuples that nobody asks for any more don't pile up.
    fn sweep(&self, now: Timestamp) {
        let in_use = |slot: &Slot| match slot.try_lock() {
            Ok(held) => held.as_ref().is_some_and(|held| now < held.until),
            Err(_) => true,
        };
        self.slots.lock().retain(|_, slot| in_use(slot));
    }
}

impl SessionEnd {
    /// Passes an error on; one that may be the session's fault takes it out of the cache.
    pub(super) fn note(&self, error: AwsError) -> AwsError {
        if error.kind.ends_the_session() || self.may_be_to_blame(&error) {
            self.cache.drop_session(&self.access, self.since);
        }
        error
    }

    /// Whether another session may be allowed what this one was refused.
    pub(super) fn may_be_to_blame(&self, error: &AwsError) -> bool {
        error.kind == AwsErrorKind::AccessDenied && self.cache.clock.now() >= self.since + FRESH
    }
}

/// By Curfew's clock from before the asking, so that a clock that is off by minutes does not keep it too long; and
/// by AWS's word, where that is earlier. By a clock that is so far ahead that what was just given has ended, AWS's word
/// means nothing.
fn usable_until(session: &SessionCredentials, asked_at: Timestamp) -> Timestamp {
    let by_ours = asked_at + LENGTH - MARGIN;
    match session.expires_at - MARGIN {
        by_theirs if by_theirs > asked_at => by_ours.min(by_theirs),
        _ => by_ours,
    }
}

/// Tries each `ExternalId` in turn, as long as the one before was refused: a customer who replaced the value instead
/// of adding one does not lock Curfew out.
async fn assume(access: &RoleAccess, trust: &dyn Trust) -> Result<SessionCredentials, AwsError> {
    let mut refusal = AwsError::unanswered(
        AwsErrorKind::AccessDenied,
        "sts:AssumeRole",
        "there is no ExternalId to ask with".to_owned(),
    );
    for external_id in &access.external_ids {
        match trust.assume_role(&ask(access, external_id)).await {
            Err(error) if error.kind == AwsErrorKind::AccessDenied => refusal = error,
            answer => return answer,
        }
    }
    Err(refusal)
}

fn ask<'a>(access: &'a RoleAccess, external_id: &'a ExternalId) -> AssumeRole<'a> {
    AssumeRole {
        role: &access.role,
        external_id: Some(external_id),
        session_name: SessionName::new(Purpose::Work, access.tenant),
        duration: LENGTH,
    }
}
