use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use curfew_app::AppError;
use curfew_domain::Clock;
use governor::RateLimiter;
use governor::clock::Clock as _;
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::DashMapStateStore;

use crate::ApiError;

/// So many requests a minute for each key, all at once or evenly (a leaky bucket: GCRA).
pub(crate) struct Quota<K: Hash + Eq + Clone> {
    limiter: RateLimiter<K, DashMapStateStore<K>, PassedIn, NoOpMiddleware<Duration>>,
    clock: PassedIn,
    taken: AtomicU32,
}

/// After how many requests keys are forgotten that have their whole quota again.
const TIDY_EVERY: u32 = 4_096;

impl<K: Hash + Eq + Clone> Quota<K> {
    pub(crate) fn a_minute(requests: NonZeroU32, clock: Arc<dyn Clock>) -> Self {
        let clock = PassedIn(clock);
        let quota = governor::Quota::per_minute(requests);
        Self {
            limiter: RateLimiter::dashmap_with_clock(quota, clock.clone()),
            clock,
            taken: AtomicU32::new(0),
        }
    }

    /// Takes one, or says when there will be one.
    pub(crate) fn take(&self, key: &K) -> Result<(), ApiError> {
        if self.taken.fetch_add(1, Ordering::Relaxed) % TIDY_EVERY == TIDY_EVERY - 1 {
            self.limiter.retain_recent();
        }
        self.limiter.check_key(key).map_err(|until| {
            let wait = until.wait_time_from(self.clock.now());
            let retry_after_seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            AppError::RateLimited { retry_after_seconds: retry_after_seconds.max(1) }.into()
        })
    }
}

/// What counts as one address: an IPv4 address, or the /64 of an IPv6 one, which is one customer's (RFC 6177).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Neighbourhood(u128);

impl From<IpAddr> for Neighbourhood {
    fn from(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => Self(u128::from(address.to_bits())),
            IpAddr::V6(address) => Self(address.to_bits() >> 64 << 64),
        }
    }
}

/// The clock that was passed in, as governor reads it: time since the epoch.
#[derive(Clone)]
struct PassedIn(Arc<dyn Clock>);

impl governor::clock::Clock for PassedIn {
    type Instant = Duration;

    fn now(&self) -> Duration {
        Duration::from_micros(self.0.now().micros().unsigned_abs())
    }
}

#[cfg(test)]
mod tests {
    use curfew_domain::Seconds;
    use curfew_domain::testing::TestClock;

    use super::*;

    #[test]
    fn a_quota_is_each_keys_own_and_comes_back_with_time() {
        let clock = Arc::new(TestClock::default());
        let quota: Quota<&str> = Quota::a_minute(NonZeroU32::new(2).unwrap(), clock.clone());
        assert!(quota.take(&"a").is_ok());
        assert!(quota.take(&"a").is_ok());
        let refused = quota.take(&"a");
        assert!(
            matches!(refused, Err(ApiError::App(AppError::RateLimited { retry_after_seconds: 30 }))),
            "{refused:?}"
        );
        assert!(quota.take(&"b").is_ok());
        clock.advance(Seconds::of(30));
        assert!(quota.take(&"a").is_ok());
        assert!(quota.take(&"a").is_err());
    }

    #[test]
    fn an_ipv6_customer_is_one_address() {
        let of = |address: &str| Neighbourhood::from(address.parse::<IpAddr>().unwrap());
        assert_eq!(of("2001:db8:1:2:3::4"), of("2001:db8:1:2:ffff::1"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }
}
