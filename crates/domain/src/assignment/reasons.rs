//! What an assignment's grants say of it.

use crate::Timestamp;
use crate::grant::GrantTimes;

use super::step::Desired;

/// Whether some live grant needs the assignment, and until when.
pub fn desired<'a>(grants: impl IntoIterator<Item = &'a GrantTimes>, now: Timestamp) -> Desired {
    grants
        .into_iter()
        .filter(|grant| grant.is_live(now))
        .map(GrantTimes::ends_at)
        .max()
        .map_or(Desired::Absent, |until| Desired::Present { until })
}

/// The next moment at which time alone changes something about these grants: one ends soon, ends, or may no longer
/// start.
pub fn next_turn<'a>(grants: impl IntoIterator<Item = &'a GrantTimes>, now: Timestamp) -> Option<Timestamp> {
    grants.into_iter().filter(|grant| grant.is_live(now)).map(|grant| grant.next_turn(now)).min()
}

impl GrantTimes {
    /// For a live grant: when it is to be told to end soon, when it ends, or when it will have missed its start.
    pub fn next_turn(&self, now: Timestamp) -> Timestamp {
        if self.succeeded_at.is_none() {
            return self.ends_at().min(self.start_by);
        }
        self.told_at().filter(|told| *told > now).unwrap_or(self.ends_at())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Seconds;

    const DECIDED: Timestamp = Timestamp::from_micros(1_000_000_000_000);

    fn at(seconds: u32) -> Timestamp {
        DECIDED + Seconds::of(seconds)
    }

    fn lasting(seconds: u32) -> GrantTimes {
        GrantTimes::decided(DECIDED, Seconds::of(seconds)).started(DECIDED).succeeded(DECIDED)
    }

    #[test]
    fn an_assignment_stays_until_the_last_of_its_grants_ends() {
        let grants = [lasting(60), lasting(3_600)];
        assert_eq!(desired(&grants, at(59)), Desired::Present { until: at(3_600) });
        assert_eq!(desired(&grants, at(61)), Desired::Present { until: at(3_600) });
        assert_eq!(desired(&grants, at(3_600)), Desired::Absent);
        assert_eq!(desired(&[], at(0)), Desired::Absent);
    }

    #[test]
    fn the_next_turn_is_the_first_notice_end_or_missed_start() {
        assert_eq!(next_turn(&[lasting(60), lasting(3_600)], at(1)), Some(at(48)));
        assert_eq!(next_turn(&[lasting(60), lasting(3_600)], at(48)), Some(at(60)));
        assert_eq!(next_turn(&[lasting(60), lasting(3_600)], at(60)), Some(at(3_000)));
        assert_eq!(next_turn(&[lasting(3_600)], at(3_001)), Some(at(3_600)));
        let waiting = GrantTimes::decided(DECIDED, Seconds::of(7_200)).started(at(10));
        assert_eq!(next_turn(&[waiting, lasting(3_600)], at(1)), Some(at(900)));
        assert_eq!(next_turn(&[lasting(4)], at(1)), Some(at(4)), "too short to be told of");
        assert_eq!(next_turn(&[lasting(60)], at(60)), None);
    }
}
