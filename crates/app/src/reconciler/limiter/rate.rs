//! A rate that learns from being turned away, and the bucket that keeps to it.

use std::time::Duration;

use tokio::time::Instant;

/// Identity Center's APIs share 20 calls/s an account (IAM Identity Center quotas, "API throttle limits"). A little less
/// is made, for AWS counts with another clock.
const PUBLISHED: f64 = 19.7;

/// However often AWS turns calls away, so many a second are tried: what is to be taken back must go on.
const LEAST: f64 = 0.5;

/// So many calls may be made at once after a rest: half of what AWS bears.
const BURST: f64 = 10.0;

/// What is left of a rate that was turned away; and where that was not enough, so soon after.
const CUT_TO: f64 = 0.85;
const CUT_AGAIN_TO: f64 = 0.6;
const SO_SOON: Duration = Duration::from_secs(4);

/// Up to here of what was turned away last the rate comes back soon.
const NEAR: f64 = 0.985;

/// By how much the rate grows in a second: soon, and where it was turned away before.
const GROWS: f64 = 1.08;
const PROBES: f64 = 1.0003;

/// What AWS turned away so long ago says nothing any more: its trouble may be over.
const QUIET: Duration = Duration::from_mins(1);

/// Calls that were on their way together are turned away together: they count once.
const ONE_CUT: Duration = Duration::from_millis(400);

/// Calls a second.
#[derive(Debug)]
pub(super) struct Rate {
    calls: f64,
    since: Instant,
    /// What AWS turned away last.
    ceiling: Option<f64>,
    cut_at: Option<Instant>,
}

impl Rate {
    /// What AWS publishes.
    pub(super) fn published(now: Instant) -> Self {
        Self { calls: PUBLISHED, since: now, ceiling: None, cut_at: None }
    }

    /// The rate at `now`: what was cut grows again, soon at first, and slowly where AWS turned it away before. So a limit
    /// that is lower than the published one is found; and what was a passing trouble is soon forgotten.
    pub(super) fn now(&mut self, now: Instant) -> f64 {
        let quiet = self.cut_at.map_or(self.since, |cut| cut + QUIET);
        let cautious = now.min(quiet).saturating_duration_since(self.since).as_secs_f64();
        let all = now.saturating_duration_since(self.since).as_secs_f64();
        self.since = self.since.max(now);
        self.grow_below_the_ceiling(cautious);
        self.calls = (self.calls * GROWS.powf(all - cautious)).min(PUBLISHED);
        self.calls
    }

    fn grow_below_the_ceiling(&mut self, seconds: f64) {
        let near = self.ceiling.map_or(PUBLISHED, |ceiling| ceiling * NEAR);
        let needed = if self.calls < near { (near / self.calls).ln() / GROWS.ln() } else { 0.0 };
        self.calls *= GROWS.powf(seconds.min(needed)) * PROBES.powf((seconds - needed).max(0.0));
    }

    /// AWS has turned a call away.
    pub(super) fn cut(&mut self, now: Instant) {
        let rate = self.now(now);
        let cut_before = |within| self.cut_at.is_some_and(|cut| now < cut + within);
        if cut_before(ONE_CUT) {
            return;
        }
        let left = if cut_before(SO_SOON) { CUT_AGAIN_TO } else { CUT_TO };
        self.cut_at = Some(now);
        self.ceiling = Some(rate);
        self.calls = (rate * left).max(LEAST);
    }
}

/// Calls that may be made now.
#[derive(Debug)]
pub(super) struct Bucket {
    calls: f64,
    at: Instant,
}

impl Bucket {
    /// Nothing was called for long.
    pub(super) fn full(now: Instant) -> Self {
        Self { calls: BURST, at: now }
    }

    /// How long until a call may be made that leaves so many, at `rate` calls a second.
    pub(super) fn pause(&mut self, rate: f64, leaves: f64, now: Instant) -> Duration {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.calls = passed.mul_add(rate, self.calls).min(BURST);
        self.at = now;
        let missing = 1.0 + leaves - self.calls;
        if missing <= 0.0 {
            return Duration::ZERO;
        }
        // No less than the clock of the run time tells apart.
        Duration::from_secs_f64(missing / rate).max(Duration::from_millis(1))
    }

    /// Makes one.
    pub(super) fn take(&mut self) {
        self.calls -= 1.0;
    }

    /// What was saved up is lost.
    pub(super) fn empty(&mut self, now: Instant) {
        self.calls = self.calls.min(0.0);
        self.at = now;
    }
}
