//! What a clock on the wall of some place shows.

use serde::{Deserialize, Serialize};

use crate::text::text_type;
use crate::{Invalid, Timestamp};

text_type!(
    /// A time zone of the IANA database, such as `Europe/Zurich`.
    ZoneName,
    |text| {
        let known = text.len() <= 64 && jiff::tz::TimeZone::get(text).is_ok();
        known.then_some(()).ok_or_else(|| Invalid::new("a time zone is an IANA name such as Europe/Zurich"))
    }
);

impl ZoneName {
    /// Coordinated universal time: the zone of a tenant that has not said where it is.
    pub fn utc() -> Self {
        Self("UTC".to_owned())
    }
}

/// The days of a week; names are those of the published policy vocabulary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DayOfWeek {
    /// Monday.
    Monday,
    /// Tuesday.
    Tuesday,
    /// Wednesday.
    Wednesday,
    /// Thursday.
    Thursday,
    /// Friday.
    Friday,
    /// Saturday.
    Saturday,
    /// Sunday.
    Sunday,
}

impl DayOfWeek {
    /// The name in policies.
    pub const fn as_str(self) -> &'static str {
        match self {
            DayOfWeek::Monday => "monday",
            DayOfWeek::Tuesday => "tuesday",
            DayOfWeek::Wednesday => "wednesday",
            DayOfWeek::Thursday => "thursday",
            DayOfWeek::Friday => "friday",
            DayOfWeek::Saturday => "saturday",
            DayOfWeek::Sunday => "sunday",
        }
    }
}

impl From<jiff::civil::Weekday> for DayOfWeek {
    fn from(day: jiff::civil::Weekday) -> Self {
        match day {
            jiff::civil::Weekday::Monday => DayOfWeek::Monday,
            jiff::civil::Weekday::Tuesday => DayOfWeek::Tuesday,
            jiff::civil::Weekday::Wednesday => DayOfWeek::Wednesday,
            jiff::civil::Weekday::Thursday => DayOfWeek::Thursday,
            jiff::civil::Weekday::Friday => DayOfWeek::Friday,
            jiff::civil::Weekday::Saturday => DayOfWeek::Saturday,
            jiff::civil::Weekday::Sunday => DayOfWeek::Sunday,
        }
    }
}

/// A moment as people in one zone call it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LocalMoment {
    /// Which day it is there.
    pub day_of_week: DayOfWeek,
    /// Which hour of the day it is there: 0 to 23.
    pub hour: u8,
}

impl Timestamp {
    /// This moment as a clock in `zone` shows it.
    pub fn local(self, zone: &ZoneName) -> LocalMoment {
        let moment = jiff::Timestamp::from_microsecond(self.micros()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        let zone = jiff::tz::TimeZone::get(zone.as_str()).unwrap_or(jiff::tz::TimeZone::UTC);
        let local = moment.to_zoned_datetime(zone);
        LocalMoment { day_of_week: local.weekday().into(), hour: local.hour().unsigned_abs() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_another_day_elsewhere() {
        let moment: Timestamp = "2026-03-01T23:30:00Z".parse().unwrap();
        assert_eq!(moment.local(&ZoneName::utc()), LocalMoment { day_of_week: DayOfWeek::Sunday, hour: 23 });
        let zurich: ZoneName = "Europe/Zurich".parse().unwrap();
        assert_eq!(moment.local(&zurich), LocalMoment { day_of_week: DayOfWeek::Monday, hour: 0 });
    }

    #[test]
    fn a_zone_is_one_that_exists() {
        for bad in ["", "Zurich", "Europe/Nowhere", "../etc/passwd"] {
            assert!(bad.parse::<ZoneName>().is_err(), "{bad}");
        }
    }
}
