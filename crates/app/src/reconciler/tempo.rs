//! How long AWS takes to end changes, as it was seen; and so when to ask how one goes.
//!
//! AWS does not tell by itself that a change has ended. Where nobody waits for calls, it is asked from when the quickest
//! changes end, and then as often as it bears: so it is known within some fifty milliseconds. Where others wait for calls,
//! it is asked when nearly all changes have ended, so that mostly one asking is enough.

use std::collections::HashMap;
use std::time::Duration;

use curfew_domain::assignment::CallKind;
use curfew_domain::{AssignmentId, TenantId, Timestamp};
use parking_lot::Mutex;

/// The shortest pause between two askings of one connection, all its changes together: near what AWS bears.
const SHORTEST: Duration = Duration::from_millis(45);

/// The shortest between two askings after one change where others wait for calls, and what it grows by.
const SHORTEST_WHEN_BUSY: Duration = Duration::from_millis(150);
const GROWS_BY: f64 = 0.15;

/// The longest.
const LONGEST: Duration = Duration::from_secs(10);

/// A change of an assignment that AWS has taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) tenant: TenantId,
    pub(super) assignment: AssignmentId,
    pub(super) kind: CallKind,
    pub(super) sent_at: Timestamp,
}

/// What a connection bears besides.
#[derive(Debug, Clone, Copy)]
pub(super) enum Load {
    /// Nobody waits for a call. So many changes are asked after.
    Spare { under_way: u32 },
    /// Others wait for calls.
    Busy,
}

/// What changes of each kind usually take, connection by connection; and which AWS still worked on when it was asked.
#[derive(Debug, Default)]
pub(super) struct Tempo {
    usual: Mutex<HashMap<(TenantId, CallKind), Usual>>,
    working: Mutex<HashMap<AssignmentId, (Call, Duration)>>,
}

impl Tempo {
    /// When to ask first how a change goes; none where that is now, or was.
    pub(super) fn first_poll(&self, call: &Call, busy: bool) -> Option<Timestamp> {
        if self.working_at(call).is_some() {
            return None;
        }
        let usual = self.usual(call)?;
        Some(after(call.sent_at, if busy { usual.late } else { usual.soon }.min(LONGEST)))
    }

    /// AWS was asked, and works on it: when to ask again.
    pub(super) fn next_poll(&self, call: &Call, now: Timestamp, load: Load) -> Timestamp {
        let age = now.since(call.sent_at);
        self.working.lock().insert(call.assignment, (*call, age));
        let usual = self.usual(call).unwrap_or_default();
        let (from, pause) = match load {
            Load::Busy => (usual.late, age.mul_f64(GROWS_BY).max(SHORTEST_WHEN_BUSY)),
            Load::Spare { under_way } => (usual.soon, usual.pause(age).max(SHORTEST * under_way.max(1))),
        };
        after(now, pause.max(from.saturating_sub(age)).min(LONGEST))
    }

    /// It was seen to have ended.
    pub(super) fn ended(&self, call: &Call, now: Timestamp) {
        let (took, worked) = (now.since(call.sent_at), self.working_at(call));
        self.working.lock().remove(&call.assignment);
        let mut usual = self.usual.lock();
        let usual = usual.entry((call.tenant, call.kind)).or_insert_with(|| Usual::like(took));
        usual.learn(took, worked);
    }

    /// Forgets a connection that this node no longer owns.
    pub(super) fn forget(&self, tenant: TenantId) {
        self.usual.lock().retain(|(owner, _), _| *owner != tenant);
        self.working.lock().retain(|_, (call, _)| call.tenant != tenant);
    }

    fn usual(&self, call: &Call) -> Option<Usual> {
        self.usual.lock().get(&(call.tenant, call.kind)).copied()
    }

    /// How old it was when AWS last said that it works on it.
    fn working_at(&self, call: &Call) -> Option<Duration> {
        let working = self.working.lock();
        working.get(&call.assignment).filter(|(known, _)| known == call).map(|(_, age)| *age)
    }
}

/// What hardly any change is quicker than, and what nine in ten don't exceed. A change that is beyond a bound moves it by
/// much, and each other one a little back: so it stays where few are.
#[derive(Debug, Clone, Copy, Default)]
struct Usual {
    soon: Duration,
    late: Duration,
}

/// How much of the way to what they have taken the others move a bound.
const SOON_FOLLOWS: f64 = 0.03;
const LATE_FOLLOWS: f64 = 0.05;

impl Usual {
    /// One has taken so long.
    fn like(took: Duration) -> Self {
        Self { soon: took.mul_f64(0.8), late: took.mul_f64(1.05) }
    }

    /// A change has taken `took`, or a little less: AWS still worked on it at `worked`, where it was asked before.
    fn learn(&mut self, took: Duration, worked: Option<Duration>) {
        match worked {
            Some(worked) if worked >= self.soon => {
                self.soon += worked.saturating_sub(self.soon).mul_f64(SOON_FOLLOWS);
            }
            // Whether it was there sooner is not known of what was asked late.
            None if took > self.soon.mul_f64(1.3) => {}
            _ => self.soon = self.soon.mul_f64(0.75).min(took),
        }
        if worked.is_some_and(|worked| worked >= self.late) {
            self.late = self.late.mul_f64(1.03) + took.saturating_sub(self.late) / 2;
        } else {
            let way = self.late.saturating_sub(took).mul_f64(LATE_FOLLOWS);
            self.late = self.late.mul_f64(0.99).saturating_sub(way);
        }
        self.soon = self.soon.min(self.late);
    }

    /// How long to the next asking of what is so old already: longer and longer for what takes unusually long.
    fn pause(&self, age: Duration) -> Duration {
        if age < self.late.saturating_mul(2) { SHORTEST } else { SHORTEST.max(age / 12) }
    }
}

fn after(moment: Timestamp, pause: Duration) -> Timestamp {
    // Up, or what is asked at that moment would count as asked before it.
    let millis = pause.as_micros().div_ceil(1_000);
    moment.plus_millis(i64::try_from(millis).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use super::*;

    const SENT: Timestamp = Timestamp::from_micros(1_000_000_000_000);
    const SPARE: Load = Load::Spare { under_way: 1 };

    fn call(nth: u128, kind: CallKind) -> Call {
        let assignment = AssignmentId::from_uuid(uuid::Uuid::from_u128(nth));
        Call { tenant: TenantId::from_uuid(uuid::Uuid::from_u128(9)), assignment, kind, sent_at: SENT }
    }

    fn at(millis: u64) -> Timestamp {
        after(SENT, Duration::from_millis(millis))
    }

    fn millis(moment: Timestamp) -> u64 {
        u64::try_from(moment.since(SENT).as_millis()).unwrap()
    }

    /// How often AWS is asked after a change that takes `takes`, and how late it is known that it has ended.
    fn follow(tempo: &Tempo, nth: u128, takes: u64, load: Load) -> (u32, u64) {
        let call = call(nth, CallKind::Create);
        let busy = matches!(load, Load::Busy);
        let mut now = tempo.first_poll(&call, busy).unwrap_or(SENT);
        for asked in 1.. {
            if millis(now) >= takes {
                tempo.ended(&call, now);
                return (asked, millis(now) - takes);
            }
            now = tempo.next_poll(&call, now, load);
        }
        unreachable!("it ends");
    }

    fn follow_all(tempo: &Tempo, which: Range<u128>, takes: fn(u128) -> u64, load: Load) -> Vec<(u32, u64)> {
        which.map(|nth| follow(tempo, nth, takes(nth), load)).collect()
    }

    /// Changes that take between 600 and 1,000 ms: the nth's.
    fn varied(nth: u128) -> u64 {
        600 + u64::try_from(nth * 7_919 % 400).unwrap()
    }

    #[test]
    fn what_is_not_known_is_asked_soon_and_then_less_often() {
        let (tempo, call) = (Tempo::default(), call(1, CallKind::Create));
        assert_eq!(tempo.first_poll(&call, false), None);
        assert_eq!(tempo.next_poll(&call, SENT, SPARE), at(45));
        assert_eq!(tempo.next_poll(&call, at(1_200), SPARE), at(1_300));
        assert_eq!(tempo.next_poll(&call, at(600_000), SPARE), at(610_000));
        assert_eq!(tempo.next_poll(&call, SENT, Load::Busy), at(150));
        assert_eq!(tempo.next_poll(&call, at(4_000), Load::Busy), at(4_600));
        assert_eq!(tempo.next_poll(&call, SENT, Load::Spare { under_way: 4 }), at(180));
    }

    #[test]
    fn with_calls_to_spare_an_end_is_known_within_the_shortest_pause() {
        let tempo = Tempo::default();
        follow_all(&tempo, 0..100, varied, SPARE);
        let followed = follow_all(&tempo, 100..300, varied, SPARE);
        let late = followed.iter().filter(|(_, late)| *late > 46).count();
        assert!(late <= 2, "{late} of 200 were known later");
        let asked: u32 = followed.iter().map(|(asked, _)| asked).sum();
        assert!(asked < 200 * 9, "{asked}: not before the quickest end");
    }

    #[test]
    fn where_others_wait_for_calls_mostly_one_asking_is_enough() {
        let always: fn(u128) -> u64 = |_| 1_000;
        for takes in [always, varied] {
            let tempo = Tempo::default();
            follow_all(&tempo, 0..100, takes, Load::Busy);
            let followed: Vec<_> =
                (100..300).map(|nth| follow(&tempo, nth, takes(nth), Load::Busy)).collect();
            let asked: u32 = followed.iter().map(|(asked, _)| asked).sum();
            assert!(asked < 200 * 5 / 4, "{asked} for 200");
            let late: u64 = followed.iter().map(|(_, late)| late).sum();
            assert!(late < 200 * 300, "{late} ms for 200");
        }
    }

    #[test]
    fn an_aws_that_becomes_slower_or_quicker_is_followed() {
        let tempo = Tempo::default();
        follow_all(&tempo, 0..50, |_| 500, SPARE);
        follow_all(&tempo, 50..120, |_| 3_000, SPARE);
        assert!(follow(&tempo, 120, 3_000, SPARE).0 < 15);
        assert!(follow(&tempo, 121, 3_000, Load::Busy).0 <= 2);
        follow_all(&tempo, 200..270, |_| 500, SPARE);
        assert!(follow(&tempo, 270, 500, SPARE).1 <= 100);
        assert!(follow(&tempo, 271, 500, Load::Busy).1 <= 200);
    }

    #[test]
    fn creations_and_deletions_and_connections_are_another_matter() {
        let tempo = Tempo::default();
        tempo.ended(&call(1, CallKind::Create), at(2_000));
        assert!(tempo.first_poll(&call(2, CallKind::Create), false).is_some());
        assert_eq!(tempo.first_poll(&call(2, CallKind::Delete), false), None);
        tempo.forget(call(1, CallKind::Create).tenant);
        assert_eq!(tempo.first_poll(&call(2, CallKind::Create), false), None);
    }
}
