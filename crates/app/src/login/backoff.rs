//! How often one may try to sign in: decided from three counters, before a password is looked at, and in the same
//! way for addresses of e-mail that nobody here has.
//!
//! - *Pair*: one e-mail from one network address. Five wrong tries are free; then the wait doubles from one second
//!   to a quarter of an hour.
//! - *Address*: one network address, whatever the e-mail. The same after fifty, since many people may share one.
//! - *Account*: one e-mail, from anywhere. After twenty wrong tries it takes one try in 30 s.
//!
//! A pair that signed in before is *known*: the pair's own count alone holds it up, so that no stranger far away can keep
//! another out, nor a neighbour behind the same address by failing as somebody else. A neighbour who fails as them can,
//! for up to a quarter of an hour a try: from outside the two are one.
//!
//! A try counts as wrong from the moment it is let through until its password turns out right, or is not looked at
//! after all: a hundred at once are a hundred tries. One that was right, or never looked at, leaves no trace.

use curfew_domain::{Seconds, Timestamp};

/// After this long without a wrong try a counter starts anew.
pub const FORGET_AFTER: Seconds = Seconds::of(3_600);

/// For how long a network address that signed in to an account is remembered.
pub const REMEMBER_SUCCESS: Seconds = Seconds::of(90 * 86_400);

const PAIR: Ladder = Ladder { free: 5, longest: 900 };
const ADDRESS: Ladder = Ladder { free: 50, longest: 900 };
const ACCOUNT_FREE: u32 = 20;
const ACCOUNT_INTERVAL: Seconds = Seconds::of(30);

/// What is kept of the tries under one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tries {
    /// Wrong ones since the last pause of [`FORGET_AFTER`].
    pub failures: u32,
    /// The last wrong one.
    pub last_failure: Option<Timestamp>,
    /// The last right one; kept of pairs alone.
    pub last_success: Option<Timestamp>,
}

/// The three counters that concern one try.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// This e-mail from this network address.
    pub pair: Tries,
    /// Any e-mail from this network address.
    pub address: Tries,
    /// This e-mail from anywhere.
    pub account: Tries,
}

/// A try that was let through, and what the counters were before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Admitted {
    /// When.
    pub at: Timestamp,
    /// Whether this e-mail signed in from this network address before.
    pub known: bool,
    before: Counters,
}

/// Too early; the password is not looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooEarly {
    /// From when another try is let through.
    pub until: Timestamp,
}

impl Counters {
    /// Whether a try at `now` is let through.
    pub fn admit(&self, now: Timestamp) -> Result<Admitted, TooEarly> {
        let known = self.pair.last_success.is_some_and(|at| now < at + REMEMBER_SUCCESS);
        let shared = [ADDRESS.until(&self.address, now), self.account.account_until(now)];
        let shared = shared.into_iter().flatten().filter(|_| !known);
        match PAIR.until(&self.pair, now).into_iter().chain(shared).max() {
            Some(until) if now < until => Err(TooEarly { until }),
            _ => Ok(Admitted { at: now, known, before: *self }),
        }
    }

    /// The counters with a try that was let through and is not known to be right.
    #[must_use]
    pub fn after_try(self, now: Timestamp) -> Self {
        Self {
            pair: self.pair.failed(now),
            address: self.address.failed(now),
            account: self.account.failed(now),
        }
    }

    /// The counters once that try turned out right. The pair starts anew; elsewhere this one try is taken back, so
    /// that signing in to an account of one's own doesn't clear the way for guessing others'.
    #[must_use]
    pub fn after_success(self, admitted: &Admitted, now: Timestamp) -> Self {
        let pair = Tries { failures: 0, last_failure: None, last_success: Some(now) };
        Self { pair, ..self.taken_back(admitted) }
    }

    /// The counters without that try, whose password was not looked at.
    #[must_use]
    pub fn taken_back(self, admitted: &Admitted) -> Self {
        let Admitted { at, before, .. } = admitted;
        Self {
            pair: self.pair.taken_back(*at, &before.pair),
            address: self.address.taken_back(*at, &before.address),
            account: self.account.taken_back(*at, &before.account),
        }
    }
}

impl Tries {
    /// When nothing of this is needed any more.
    pub fn forget_at(&self) -> Option<Timestamp> {
        let failure = self.last_failure.map(|at| at + FORGET_AFTER);
        let success = self.last_success.map(|at| at + REMEMBER_SUCCESS);
        failure.max(success)
    }

    fn recent_failures(&self, now: Timestamp) -> u32 {
        match self.last_failure {
            Some(at) if now < at + FORGET_AFTER => self.failures,
            _ => 0,
        }
    }

    fn failed(self, now: Timestamp) -> Self {
        Self { failures: self.recent_failures(now).saturating_add(1), last_failure: Some(now), ..self }
    }

    /// Without the try at `at`; the wait counts from the one before it again, unless others came after it.
    fn taken_back(self, at: Timestamp, before: &Self) -> Self {
        let last_failure =
            if self.last_failure == Some(at) { before.last_failure } else { self.last_failure };
        Self { failures: self.failures.saturating_sub(1), last_failure, ..self }
    }

    fn account_until(&self, now: Timestamp) -> Option<Timestamp> {
        let slowed = self.recent_failures(now) >= ACCOUNT_FREE;
        self.last_failure.filter(|_| slowed).map(|at| at + ACCOUNT_INTERVAL)
    }
}

/// So many tries are free; each further one doubles the wait, from a second up to `longest` seconds.
struct Ladder {
    free: u32,
    longest: u32,
}

impl Ladder {
    fn until(&self, tries: &Tries, now: Timestamp) -> Option<Timestamp> {
        let over = tries.recent_failures(now).checked_sub(self.free)?;
        let wait = 1_u32.checked_shl(over).map_or(self.longest, |wait| wait.min(self.longest));
        tries.last_failure.map(|at| at + Seconds::of(wait))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const START: Timestamp = Timestamp::from_micros(1_772_366_400_000_000);

    fn at(seconds: u32) -> Timestamp {
        START + Seconds::of(seconds)
    }

    fn tries(failures: u32, last: Timestamp) -> Tries {
        Tries { failures, last_failure: Some(last), last_success: None }
    }

    #[test]
    fn five_wrong_tries_are_free_then_the_wait_doubles() {
        let mut counters = Counters::default();
        for _ in 0..5 {
            assert!(counters.admit(START).is_ok());
            counters = counters.after_try(START);
        }
        assert_eq!(counters.admit(START), Err(TooEarly { until: at(1) }));
        counters = counters.after_try(at(1));
        assert_eq!(counters.admit(at(2)), Err(TooEarly { until: at(3) }));
        counters = counters.after_try(at(3));
        assert_eq!(counters.admit(at(3)), Err(TooEarly { until: at(7) }));
    }

    #[test]
    fn the_wait_never_passes_a_quarter_of_an_hour() {
        for failures in [15, 16, 40, u32::MAX] {
            let counters = Counters { pair: tries(failures, START), ..Counters::default() };
            assert_eq!(counters.admit(START), Err(TooEarly { until: at(900) }), "{failures}");
        }
    }

    #[test]
    fn one_address_that_tries_many_accounts_is_slowed() {
        let counters = Counters { address: tries(50, START), ..Counters::default() };
        assert_eq!(counters.admit(START), Err(TooEarly { until: at(1) }));
        let counters = Counters { address: tries(49, START), ..Counters::default() };
        assert!(counters.admit(START).is_ok());
    }

    #[test]
    fn an_account_under_attack_takes_one_try_in_30_seconds_from_strangers_and_any_from_its_owner() {
        let account = tries(1_000, START);
        let stranger = Counters { account, ..Counters::default() };
        assert_eq!(stranger.admit(at(29)), Err(TooEarly { until: at(30) }));
        assert!(stranger.admit(at(30)).is_ok());
        let signed_in_before = Tries { last_success: Some(START), ..Tries::default() };
        let owner = Counters { pair: signed_in_before, ..stranger };
        assert!(owner.admit(at(1)).is_ok());
    }

    #[test]
    fn an_hour_of_quiet_forgets() {
        let counters =
            Counters { pair: tries(30, START), address: tries(80, START), account: tries(90, START) };
        assert!(counters.admit(START + FORGET_AFTER).is_ok());
        assert_eq!(counters.after_try(START + FORGET_AFTER).pair.failures, 1);
    }

    #[test]
    fn signing_in_to_ones_own_account_does_not_clear_the_address() {
        let mut counters = Counters { address: tries(60, START), ..Counters::default() };
        let admitted = counters.admit(at(900)).unwrap();
        counters = counters.after_try(at(900)).after_success(&admitted, at(901));
        // Nor does it keep others waiting who share the address.
        assert_eq!(counters.address, tries(60, START));
        assert_eq!(counters.pair, Tries { last_success: Some(at(901)), ..Tries::default() });
    }

    #[test]
    fn who_signed_in_from_an_address_does_not_notice_what_others_do_there() {
        let signed_in_before = Tries { last_success: Some(START), ..Tries::default() };
        let counters =
            Counters { pair: signed_in_before, address: tries(1_000, START), ..Counters::default() };
        assert!(counters.admit(at(1)).is_ok());
        let wrong = Tries { last_success: Some(START), ..tries(20, START) };
        assert!(
            Counters { pair: wrong, ..counters }.admit(at(1)).is_err(),
            "their own wrong tries hold them up"
        );
    }

    #[test]
    fn a_try_that_was_not_looked_at_leaves_no_trace_even_when_others_came_after_it() {
        let before = Counters { pair: tries(4, START), ..Counters::default() };
        let first = before.admit(at(10)).unwrap();
        let counters = before.after_try(at(10));
        assert_eq!(counters.taken_back(&first), before);
        let counters = counters.after_try(at(11)).taken_back(&first);
        assert_eq!((counters.pair, counters.account), (tries(5, at(11)), tries(1, at(11))));
    }

    proptest! {
        #[test]
        fn who_waits_until_told_is_let_through(
            pair in 0_u32..60, address in 0_u32..200, account in 0_u32..200, ago in 0_u32..4_000,
        ) {
            let counters =
                Counters { pair: tries(pair, START), address: tries(address, START), account: tries(account, START) };
            if let Err(TooEarly { until }) = counters.admit(at(ago)) {
                prop_assert!(until > at(ago));
                prop_assert!(until <= at(ago) + Seconds::of(900));
                prop_assert!(counters.admit(until).is_ok());
            }
        }

        #[test]
        fn no_sequence_of_tries_gets_more_than_a_bounded_number_through(gaps in prop::collection::vec(0_u32..20, 300)) {
            let mut counters = Counters::default();
            let (mut now, mut admitted) = (START, 0_u32);
            for gap in gaps {
                now = now + Seconds::of(gap);
                if counters.admit(now).is_ok() {
                    counters = counters.after_try(now);
                    admitted += 1;
                }
            }
            // Five free, eleven while the wait doubles, then four in an hour, over at most 6,000 s.
            prop_assert!(admitted <= 5 + 11 + 7, "{}", admitted);
        }
    }
}
