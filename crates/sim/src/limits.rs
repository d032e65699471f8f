//! Token buckets on the stand-in's own clock.

use std::collections::HashMap;

use jiff::Timestamp;

use crate::{
    service::Service,
    world::{Limits, Rate},
};

/// All buckets that were ever drawn from.
#[derive(Default)]
pub(crate) struct Buckets(HashMap<Key, Bucket>);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    account: String,
    service: Service,
    /// Empty where all operations share one bucket.
    operation: String,
}

struct Bucket {
    tokens: f64,
    at: Timestamp,
}

impl Buckets {
    /// Takes a token for this call; false when there is none.
    pub(crate) fn admit(
        &mut self,
        limits: &Limits,
        service: Service,
        operation: &str,
        account: &str,
        now: Timestamp,
    ) -> bool {
        let (rate, shared) = match service {
            Service::Sts => (limits.sts, true),
            Service::SsoAdmin => (limits.sso_admin, true),
            Service::IdentityStore => (limits.identity_store, false),
            Service::Organizations => (limits.organizations.get(operation).copied(), false),
            // Thousands a second: nobody here comes near.
            Service::Kms => (None, true),
        };
        let Some(rate) = rate else { return true };
        let operation = if shared { String::new() } else { operation.to_owned() };
        let key = Key { account: account.to_owned(), service, operation };
        self.0.entry(key).or_insert(Bucket { tokens: rate.burst, at: now }).take(rate, now)
    }

    /// Fills every bucket.
    pub(crate) fn fill(&mut self) {
        self.0.clear();
    }
}

impl Bucket {
    fn take(&mut self, rate: Rate, now: Timestamp) -> bool {
        let passed = now.duration_since(self.at).as_secs_f64().max(0.0);
        self.tokens = passed.mul_add(rate.per_second, self.tokens).min(rate.burst);
        self.at = now;
        if self.tokens < 1.0 {
            return false;
        }
        self.tokens -= 1.0;
        true
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn a_bucket_gives_its_burst_and_then_its_rate() {
        let mut buckets = Buckets::default();
        let limits = Limits::published();
        let start = Timestamp::UNIX_EPOCH;
        let mut admitted = |at: Timestamp| {
            (0..100).filter(|_| buckets.admit(&limits, Service::SsoAdmin, "Any", "1", at)).count()
        };
        assert_eq!(admitted(start), 20);
        assert_eq!(admitted(start), 0);
        assert_eq!(admitted(start + SignedDuration::from_millis(500)), 10);
        assert_eq!(admitted(start + SignedDuration::from_secs(60)), 20);
    }
}
