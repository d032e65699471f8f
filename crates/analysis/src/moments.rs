//! Moments with a certain hour and day.

use curfew_domain::{LocalMoment, Timestamp, ZoneName};

const HOUR: i64 = 3_600_000_000;

/// The next moment, within nine days from `now`, that a clock in `zone` calls this. None where that hour is left out on
/// the day that the clocks are put forward.
pub(crate) fn moment(now: Timestamp, local: LocalMoment, zone: &ZoneName) -> Option<Timestamp> {
    // Zones differ by quarters of an hour: one of four within each hour is the one.
    (0..9 * 24)
        .map(|hours| Timestamp::from_micros(now.micros() + hours * HOUR))
        .find(|at| at.local(zone) == local)
}

#[cfg(test)]
mod tests {
    use super::*;
    use curfew_domain::DayOfWeek;

    #[test]
    fn each_hour_of_each_day_comes_within_nine_days() {
        let now: Timestamp = "2026-03-02T07:40:00Z".parse().unwrap();
        for zone in ["UTC", "Asia/Kathmandu", "America/New_York"] {
            let zone: ZoneName = zone.parse().unwrap();
            for hour in [0, 2, 12, 23] {
                let local = LocalMoment { day_of_week: DayOfWeek::Sunday, hour };
                if let Some(at) = moment(now, local, &zone) {
                    assert_eq!(at.local(&zone), local);
                } else {
                    assert_eq!((zone.as_str(), hour), ("America/New_York", 2), "put forward on 8 March 2026");
                }
            }
        }
    }
}
