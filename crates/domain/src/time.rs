//! Time as Curfew keeps it: whole microseconds, the same on every database.

use std::fmt;
use std::ops::{Add, Sub};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Invalid;

/// Tells what time it is.
///
/// Each answer is later than the one before, so what is written after something else is dated after it. Tests move
/// theirs by hand.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;

    /// Whether it has leapt forward, and nobody has seen yet that it was right to. By such a time things end, and nothing
    /// begins: it may be wrong, and what begins now could last longer by right clocks. True before [`Clock::now`] has
    /// answered with a time beyond the leap.
    fn has_leapt(&self) -> bool {
        false
    }
}

/// A moment: whole microseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// The last moment RFC 3339 can write: 9999-12-31T23:59:59.999999Z. Sums stop there.
const LAST: i64 = 253_402_300_799_999_999;

impl Timestamp {
    /// From microseconds since the epoch, as stored; held within the years 1970 to 9999.
    pub const fn from_micros(micros: i64) -> Self {
        if micros < 0 {
            Self(0)
        } else if micros > LAST {
            Self(LAST)
        } else {
            Self(micros)
        }
    }

    /// Microseconds since the epoch, as stored.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Whole milliseconds since the epoch.
    pub const fn unix_millis(self) -> u64 {
        (self.0 / 1_000).unsigned_abs()
    }

    /// Whole seconds since the epoch, rounded down.
    pub const fn unix_seconds(self) -> i64 {
        self.0 / 1_000_000
    }

    /// How long from `earlier` to here, in whole seconds rounded up; zero when `earlier` is later.
    pub const fn seconds_since(self, earlier: Timestamp) -> Seconds {
        let micros = self.0.saturating_sub(earlier.0);
        if micros <= 0 { Seconds(0) } else { Seconds((micros - 1) / 1_000_000 + 1) }
    }

    /// How long from `earlier` to here; zero when `earlier` is later.
    pub const fn since(self, earlier: Timestamp) -> std::time::Duration {
        let micros = self.0.saturating_sub(earlier.0);
        std::time::Duration::from_micros(if micros < 0 { 0 } else { micros.unsigned_abs() })
    }

    /// The next whole second, or this moment if it is one.
    #[must_use]
    pub const fn rounded_up(self) -> Self {
        Self::from_micros(self.0.saturating_add(999_999) / 1_000_000 * 1_000_000)
    }

    /// RFC 3339 in UTC, without the part of a second, as AWS's policies have it.
    pub fn in_whole_seconds(self) -> String {
        match jiff::Timestamp::from_second(self.unix_seconds()) {
            Ok(moment) => moment.to_string(),
            Err(_) => self.to_string(),
        }
    }

    /// This moment plus milliseconds.
    #[must_use]
    pub const fn plus_millis(self, millis: i64) -> Self {
        Self::from_micros(self.0.saturating_add(millis.saturating_mul(1_000)))
    }
}

impl Add<Seconds> for Timestamp {
    type Output = Timestamp;

    fn add(self, seconds: Seconds) -> Timestamp {
        Timestamp::from_micros(self.0.saturating_add(seconds.0.saturating_mul(1_000_000)))
    }
}

impl Sub<Seconds> for Timestamp {
    type Output = Timestamp;

    fn sub(self, seconds: Seconds) -> Timestamp {
        Timestamp::from_micros(self.0.saturating_sub(seconds.0.saturating_mul(1_000_000)))
    }
}

/// RFC 3339 in UTC with microseconds, as the API writes it.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(moment) => write!(f, "{moment:.6}"),
            Err(_) => write!(f, "{}us", self.0),
        }
    }
}

/// RFC 3339 with any offset; finer than a microsecond is cut off.
impl FromStr for Timestamp {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let wrong = || Invalid::new("a time is RFC 3339 such as 2026-03-01T12:00:00Z");
        if text.len() > 40 {
            return Err(wrong());
        }
        let moment: jiff::Timestamp = text.parse().map_err(|_| wrong())?;
        let micros = moment.as_microsecond();
        if (0..=LAST).contains(&micros) { Ok(Self(micros)) } else { Err(wrong()) }
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A length of time in whole seconds, never negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Seconds(i64);

impl Seconds {
    /// The longest length that is accepted from outside: ten years.
    pub const MAX: Seconds = Seconds(315_360_000);

    /// A length known when the program is written.
    pub const fn of(seconds: u32) -> Self {
        Self(seconds as i64)
    }

    /// A length from outside: 0 to [`Seconds::MAX`].
    pub fn new(seconds: i64) -> Result<Self, Invalid> {
        if (0..=Self::MAX.0).contains(&seconds) {
            Ok(Self(seconds))
        } else {
            Err(Invalid::new(format!("a duration is 0 to {} seconds", Self::MAX.0)))
        }
    }

    /// The number of seconds.
    pub const fn get(self) -> i64 {
        self.0
    }

    /// What is left of it without `other`; nothing where that is longer.
    #[must_use]
    pub const fn less(self, other: Seconds) -> Seconds {
        if self.0 > other.0 { Seconds(self.0 - other.0) } else { Seconds(0) }
    }

    /// One of `parts` equal parts, without the rest.
    #[must_use]
    pub const fn part(self, parts: u32) -> Seconds {
        match self.0.checked_div(parts as i64) {
            Some(part) => Seconds(part),
            None => Seconds(0),
        }
    }
}

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Seconds::new(i64::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_in_rfc_3339_and_read_back() {
        let moment = Timestamp::from_micros(1_772_366_400_000_001);
        assert_eq!(moment.to_string(), "2026-03-01T12:00:00.000001Z");
        assert_eq!(moment.to_string().parse(), Ok(moment));
        assert_eq!("2026-03-01T13:00:00.0000019+01:00".parse(), Ok(moment));
    }

    #[test]
    fn sums_stop_at_the_ends_of_time() {
        let last = Timestamp::from_micros(i64::MAX);
        assert_eq!(last + Seconds::of(1), last);
        assert_eq!(Timestamp::from_micros(5) - Seconds::of(1), Timestamp::from_micros(0));
    }

    #[test]
    fn durations_from_outside_have_bounds() {
        assert!(Seconds::new(-1).is_err());
        assert!(Seconds::new(i64::MAX).is_err());
        assert_eq!(serde_json::from_str::<Seconds>("7200").unwrap(), Seconds::of(7200));
        assert!(serde_json::from_str::<Seconds>("9223372036854775808").is_err());
    }

    #[test]
    fn what_is_left_of_a_length_is_never_negative() {
        assert_eq!(Seconds::of(5).less(Seconds::of(3)), Seconds::of(2));
        assert_eq!(Seconds::of(3).less(Seconds::of(5)), Seconds::of(0));
        assert_eq!((Seconds::of(14).part(5), Seconds::of(14).part(0)), (Seconds::of(2), Seconds::of(0)));
    }

    #[test]
    fn a_part_of_a_second_counts_as_one() {
        let start = Timestamp::from_micros(1_000_000);
        assert_eq!(Timestamp::from_micros(2_000_001).seconds_since(start), Seconds::of(2));
        assert_eq!(start.seconds_since(Timestamp::from_micros(9_000_000)), Seconds::of(0));
    }
}
