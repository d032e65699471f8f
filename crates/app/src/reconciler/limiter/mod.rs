//! How fast a connection's AWS is called, and who calls next.
//!
//! One owner calls, so no agreement between nodes is needed. Calls that take access back go before all others, and
//! watching for drift comes last and takes a fifth at most.

mod rate;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use curfew_domain::TenantId;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

use rate::{Bucket, Rate};

/// How urgent a call is: the lesser, the sooner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Urgency {
    /// Access is taken back.
    TakeBack,
    /// It is looked whether it is gone.
    Prove,
    /// Access is given.
    Give,
    /// It is looked whether something differs.
    Watch,
}

/// What of a connection's rate watching may take.
const WATCHING_TAKES: f64 = 0.2;

/// All others leave so many seconds' calls to what is taken back: several may come to their end at any moment, and of those
/// that go together one alone waits here for all.
const LEFT_FOR_ENDS: f64 = 0.25;

/// How long what takes nothing back waits for a call at a time.
pub(super) const WAITS: Duration = Duration::from_secs(5);

/// The limiters of the connections that this node owns, or did.
#[derive(Debug, Default)]
pub(super) struct Limiters(Mutex<HashMap<TenantId, Arc<Limiter>>>);

impl Limiters {
    /// Waits until a call may be made.
    pub(super) async fn take(&self, tenant: TenantId, urgency: Urgency) {
        self.of(tenant).take(urgency).await;
    }

    /// The same, but that what has to do with no end waits no longer than some seconds: it may have become more urgent
    /// meanwhile, and must not keep its account from others. Says whether the call may be made.
    pub(super) async fn take_soon(&self, tenant: TenantId, urgency: Urgency) -> bool {
        if urgency <= Urgency::Prove {
            self.take(tenant, urgency).await;
            return true;
        }
        tokio::time::timeout(WAITS, self.take(tenant, urgency)).await.is_ok()
    }

    /// Whether a call may be made at once that takes access back; then it is taken.
    pub(super) fn take_back_now(&self, tenant: TenantId) -> bool {
        let limiter = self.of(tenant);
        let waiter = Waiter::come(&limiter, Urgency::TakeBack);
        waiter.pause(Instant::now()) == Some(Duration::ZERO)
    }

    /// Whether somebody waits for a call now, but for who watches: there is always something to watch.
    pub(super) fn is_busy(&self, tenant: TenantId) -> bool {
        self.of(tenant).is_busy()
    }

    /// AWS has answered; so many tries of this tenant's it has turned away so far, as too many.
    pub(super) fn heard(&self, tenant: TenantId, turned_away: u64) {
        self.of(tenant).heard(turned_away, Instant::now());
    }

    /// Forgets what a connection taught that this node no longer owns.
    pub(super) fn forget(&self, tenant: TenantId) {
        self.0.lock().remove(&tenant);
    }

    fn of(&self, tenant: TenantId) -> Arc<Limiter> {
        let mut limiters = self.0.lock();
        Arc::clone(limiters.entry(tenant).or_insert_with(|| Arc::new(Limiter::new(Instant::now()))))
    }
}

/// One connection's.
#[derive(Debug)]
struct Limiter {
    state: Mutex<State>,
    /// Something has changed for those who wait.
    changed: Notify,
}

#[derive(Debug)]
struct State {
    rate: Rate,
    calls: Bucket,
    watching: Bucket,
    /// Who waits, in the order in which they are let through.
    waiting: BTreeSet<Place>,
    arrived: u64,
    turned_away: u64,
}

/// A place among those who wait.
type Place = (Urgency, u64);

impl Limiter {
    fn new(now: Instant) -> Self {
        let rate = Rate::published(now);
        let state = State {
            calls: Bucket::full(now),
            watching: Bucket::full(now),
            waiting: BTreeSet::new(),
            arrived: 0,
            turned_away: 0,
            rate,
        };
        Self { state: Mutex::new(state), changed: Notify::new() }
    }

    async fn take(&self, urgency: Urgency) {
        let waiter = Waiter::come(self, urgency);
        loop {
            // Before it is looked: a change in between is not missed.
            let changed = self.changed.notified();
            let pause = match waiter.pause(Instant::now()) {
                Some(Duration::ZERO) => return,
                pause => pause,
            };
            tokio::select! {
                () = changed => {}
                () = sleep(pause) => {}
            }
        }
    }

    fn is_busy(&self) -> bool {
        self.state.lock().waiting.first().is_some_and(|(urgency, _)| *urgency < Urgency::Watch)
    }

    fn heard(&self, turned_away: u64, now: Instant) {
        let mut state = self.state.lock();
        if turned_away > state.turned_away {
            let state = &mut *state;
            state.turned_away = turned_away;
            state.rate.cut(now);
            state.calls.empty(now);
        }
    }
}

async fn sleep(pause: Option<Duration>) {
    match pause {
        Some(pause) => tokio::time::sleep(pause).await,
        None => std::future::pending().await,
    }
}

/// Somebody who waits. Whoever gives up leaves the place to the next.
struct Waiter<'a> {
    limiter: &'a Limiter,
    place: Place,
}

impl<'a> Waiter<'a> {
    fn come(limiter: &'a Limiter, urgency: Urgency) -> Self {
        let mut state = limiter.state.lock();
        state.arrived += 1;
        let place = (urgency, state.arrived);
        state.waiting.insert(place);
        Self { limiter, place }
    }

    /// Nothing to wait for: the call is taken. Else how long until it may be, if nothing changes; none for whoever is
    /// not the first.
    fn pause(&self, now: Instant) -> Option<Duration> {
        let mut state = self.limiter.state.lock();
        if state.waiting.first() != Some(&self.place) {
            return None;
        }
        let state = &mut *state;
        let rate = state.rate.now(now);
        let leaves = if self.place.0 == Urgency::TakeBack { 0.0 } else { rate * LEFT_FOR_ENDS };
        let mut pause = state.calls.pause(rate, leaves, now);
        let watches = self.place.0 == Urgency::Watch;
        if watches {
            pause = pause.max(state.watching.pause(rate * WATCHING_TAKES, 0.0, now));
        }
        if pause.is_zero() {
            state.calls.take();
            if watches {
                state.watching.take();
            }
        }
        Some(pause)
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.limiter.state.lock().waiting.remove(&self.place);
        self.limiter.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant() -> TenantId {
        TenantId::from_uuid(uuid::Uuid::from_u128(9))
    }

    /// How many of them are let through within a time.
    async fn within(limiters: &Arc<Limiters>, urgency: Urgency, seconds: u64) -> u64 {
        let began = Instant::now();
        let mut calls = 0;
        loop {
            let end = began + Duration::from_secs(seconds);
            if tokio::time::timeout_at(end, limiters.take(tenant(), urgency)).await.is_err() {
                return calls;
            }
            calls += 1;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_is_called_no_faster_than_aws_bears_and_hardly_slower() {
        let limiters = Arc::new(Limiters::default());
        let calls = within(&limiters, Urgency::Give, 60).await;
        assert!((60 * 19..=60 * 20).contains(&calls), "{calls}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_takes_access_back_finds_some_calls_at_once_whatever_else_is_called() {
        let limiters = Arc::new(Limiters::default());
        for urgency in [Urgency::Give, Urgency::Prove] {
            within(&limiters, urgency, 10).await;
            let at_once = std::iter::from_fn(|| limiters.take_back_now(tenant()).then_some(())).count();
            assert!((4..=6).contains(&at_once), "{at_once}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn watching_takes_a_fifth_at_most() {
        let limiters = Arc::new(Limiters::default());
        let calls = within(&limiters, Urgency::Watch, 60).await;
        assert!((60 * 3..=60 * 4 + 10).contains(&calls), "{calls}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_takes_access_back_goes_first_and_watching_last() {
        let limiters = Arc::new(Limiters::default());
        within(&limiters, Urgency::Give, 1).await;
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = Vec::new();
        let came = [
            Urgency::Watch,
            Urgency::Give,
            Urgency::Prove,
            Urgency::TakeBack,
            Urgency::Give,
            Urgency::TakeBack,
        ];
        for urgency in came {
            let (limiters, order) = (Arc::clone(&limiters), Arc::clone(&order));
            tasks.push(tokio::spawn(async move {
                limiters.take(tenant(), urgency).await;
                order.lock().push(urgency);
            }));
            tokio::task::yield_now().await;
        }
        for task in tasks {
            task.await.unwrap();
        }
        let [first, second] = [[Urgency::TakeBack; 2], [Urgency::Give; 2]];
        let expected = [&first[..], &[Urgency::Prove], &second[..], &[Urgency::Watch]].concat();
        assert_eq!(*order.lock(), expected);
    }

    #[tokio::test(start_paused = true)]
    async fn who_watches_keeps_nobody_from_asking_often() {
        let limiters = Arc::new(Limiters::default());
        within(&limiters, Urgency::Give, 1).await;
        let limiter = limiters.of(tenant());
        let _watches = Waiter::come(&limiter, Urgency::Watch);
        assert!(!limiters.is_busy(tenant()));
        let _gives = Waiter::come(&limiter, Urgency::Give);
        assert!(limiters.is_busy(tenant()));
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_gives_up_keeps_nobody_waiting() {
        let limiters = Arc::new(Limiters::default());
        within(&limiters, Urgency::Give, 1).await;
        let limiter = limiters.of(tenant());
        let gone = Waiter::come(&limiter, Urgency::TakeBack);
        let waits = tokio::spawn({
            let limiters = Arc::clone(&limiters);
            async move { limiters.take(tenant(), Urgency::Give).await }
        });
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert!(!waits.is_finished());
        drop(gone);
        waits.await.unwrap();
    }

    /// An AWS with another limit than the published one: how much of it is used, and how much turned away.
    async fn against(limit: f64, seconds: u32) -> (f64, f64) {
        let limiters = Arc::new(Limiters::default());
        let (mut bucket, began) = (Bucket::full(Instant::now()), Instant::now());
        let (mut calls, mut turned_away) = (0_u32, 0_u64);
        while began.elapsed() < Duration::from_secs(seconds.into()) {
            limiters.take(tenant(), Urgency::Give).await;
            calls += 1;
            if bucket.pause(limit, 0.0, Instant::now()).is_zero() {
                bucket.take();
            } else {
                turned_away += 1;
            }
            limiters.heard(tenant(), turned_away);
        }
        let passed = f64::from(calls) - f64::from(u32::try_from(turned_away).unwrap());
        (passed / (limit * f64::from(seconds)), 1.0 - passed / f64::from(calls))
    }

    #[tokio::test(start_paused = true)]
    async fn a_trouble_that_passes_is_forgotten() {
        let limiters = Arc::new(Limiters::default());
        for turned_away in 1..=60 {
            limiters.heard(tenant(), turned_away);
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
        let calls = within(&limiters, Urgency::TakeBack, 10).await;
        assert!((2..=20).contains(&calls), "{calls}: slow, and not at rest");
        tokio::time::sleep(Duration::from_mins(2)).await;
        let calls = within(&limiters, Urgency::TakeBack, 10).await;
        assert!(calls > 180, "{calls}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_lower_limit_is_learned_and_nearly_all_of_it_used() {
        for limit in [10.0, 5.0] {
            let (used, turned_away) = against(limit, 1_200).await;
            assert!(used > 0.95, "{limit}: {used}");
            assert!(turned_away < 0.01, "{limit}: {turned_away}");
        }
    }
}
