//! Sessions of tenants' roles, kept until shortly before they end.

use std::collections::HashMap;
use std::sync::Arc;

use curfew_domain::{Clock, ExternalId, Seconds, TenantId, Timestamp};
use parking_lot::Mutex;
use tokio::sync::Mutex as AsyncMutex;

use crate::{
    AssumeRole, AwsError, AwsErrorKind, Purpose, RoleAccess, SessionCredentials, SessionName, Trust,
};

/// An hour is what every role allows, chained or not (STS API, `DurationSeconds`).
const LENGTH: Seconds = Seconds::of(3_600);
/// Not used any more in its last minutes: a call takes time.
const MARGIN: Seconds = Seconds::of(300);

/// Sessions by what they were asked with: a changed configuration or `ExternalId` never meets an old one.
pub(super) struct SessionCache {
    clock: Arc<dyn Clock>,
    slots: Mutex<HashMap<RoleAccess, Slot>>,
}

/// One tuple's place. The lock is held while STS is asked, so that all who wait share one answer.
type Slot = Arc<AsyncMutex<Option<Held>>>;

#[derive(Clone)]
struct Held {
    session: SessionCredentials,
    until: Timestamp,
}

/// A session, and the way to say that it is of no use.
pub(super) struct Kept {
    pub(super) session: SessionCredentials,
    pub(super) end: SessionEnd,
}

/// Drops a session from the cache when AWS says that it has ended.
pub(super) struct SessionEnd {
    cache: Arc<SessionCache>,
    access: RoleAccess,
}

impl SessionCache {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, slots: Mutex::default() }
    }

    pub(super) async fn get(
        self: &Arc<Self>,
        access: &RoleAccess,
        trust: &dyn Trust,
    ) -> Result<Kept, AwsError> {
        let slot = self.slots.lock().entry(access.clone()).or_default().clone();
        let mut held = slot.lock().await;
        let now = self.clock.now();
        let session = if let Some(kept) = held.as_ref().filter(|kept| now < kept.until) {
            kept.session.clone()
        } else {
            let session = assume(access, trust).await?;
            *held = Some(Held { session: session.clone(), until: usable_until(&session, now) });
            session
        };
        drop(held);
        self.sweep(now);
        Ok(Kept { session, end: SessionEnd { cache: self.clone(), access: access.clone() } })
    }

    pub(super) fn forget(&self, tenant: TenantId) {
        self.slots.lock().retain(|access, _| access.tenant != tenant);
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
    /// Passes an error on; one that says that the session has ended takes it out of the cache.
    pub(super) fn note(&self, error: AwsError) -> AwsError {
        if error.kind.ends_the_session() {
            self.cache.slots.lock().remove(&self.access);
        }
        error
    }
}

/// By Curfew's clock from before the asking, so that a clock that is off by minutes does not keep it too long; and
/// by AWS's word, where that is earlier.
fn usable_until(session: &SessionCredentials, asked_at: Timestamp) -> Timestamp {
    (asked_at + LENGTH).min(session.expires_at) - MARGIN
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
