//! How long AWS takes to end changes, as it was seen; and so when to ask how one goes.

use std::collections::HashMap;
use std::time::Duration;

use curfew_domain::assignment::CallKind;
use curfew_domain::{TenantId, Timestamp};
use parking_lot::Mutex;

/// The shortest pause between two askings, and when others wait for calls.
const SHORTEST: Duration = Duration::from_millis(40);
const SHORTEST_WHEN_BUSY: Duration = Duration::from_millis(400);

/// The longest.
const LONGEST: Duration = Duration::from_secs(10);

/// Of what is known, the newest counts for so much.
const NEWEST: f64 = 0.3;

/// What changes of each kind usually take, connection by connection.
#[derive(Debug, Default)]
pub(super) struct Tempo(Mutex<HashMap<(TenantId, CallKind), Duration>>);

impl Tempo {
    /// A change that was sent at `sent_at` was seen to have ended at `now`.
    pub(super) fn note(&self, tenant: TenantId, kind: CallKind, sent_at: Timestamp, now: Timestamp) {
        let took = now.since(sent_at);
        let mut usual = self.0.lock();
        let usual = usual.entry((tenant, kind)).or_insert(took);
        *usual = usual.mul_f64(1.0 - NEWEST) + took.mul_f64(NEWEST);
    }

    /// When to ask next how a change goes: about when such changes usually end, and then the less often the longer it
    /// takes. Where others wait for calls, an asking too early is a call too few for them.
    pub(super) fn next_poll(
        &self,
        tenant: TenantId,
        kind: CallKind,
        sent_at: Timestamp,
        now: Timestamp,
        busy: bool,
    ) -> Timestamp {
        let usual = self.0.lock().get(&(tenant, kind)).copied().unwrap_or_default().min(LONGEST);
        let age = now.since(sent_at);
        let (shortest, share) = if busy { (SHORTEST_WHEN_BUSY, 3) } else { (SHORTEST, 12) };
        let pause = (age / share).clamp(shortest, LONGEST);
        let pause = pause.max(usual.saturating_sub(age));
        now.plus_millis(i64::try_from(pause.as_millis()).unwrap_or(i64::MAX))
    }

    /// Forgets a connection that this node no longer owns.
    pub(super) fn forget(&self, tenant: TenantId) {
        self.0.lock().retain(|(owner, _), _| *owner != tenant);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENT: Timestamp = Timestamp::from_micros(1_000_000_000_000);

    fn tenant() -> TenantId {
        TenantId::from_uuid(uuid::Uuid::from_u128(9))
    }

    fn after(millis: i64) -> Timestamp {
        SENT.plus_millis(millis)
    }

    #[test]
    fn what_is_not_known_is_asked_soon_and_then_less_often() {
        let tempo = Tempo::default();
        let next = |age, busy| tempo.next_poll(tenant(), CallKind::Create, SENT, after(age), busy);
        assert_eq!(next(0, false), after(40));
        assert_eq!(next(1_200, false), after(1_300));
        assert_eq!(next(600_000, false), after(610_000));
        assert_eq!(next(0, true), after(400));
        assert_eq!(next(3_000, true), after(4_000));
    }

    #[test]
    fn a_change_is_asked_after_when_such_changes_usually_end() {
        let tempo = Tempo::default();
        tempo.note(tenant(), CallKind::Create, SENT, after(2_000));
        let next = |kind, age| tempo.next_poll(tenant(), kind, SENT, after(age), false);
        assert_eq!(next(CallKind::Create, 0), after(2_000));
        assert_eq!(next(CallKind::Create, 2_040), after(2_210));
        assert_eq!(next(CallKind::Delete, 0), after(40), "deletions are another matter");
        tempo.forget(tenant());
        assert_eq!(next(CallKind::Create, 0), after(40));
    }
}
