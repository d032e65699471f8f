//! Whose reading is due.

use curfew_domain::{DiscoveryRun, DiscoveryState, Seconds, TenantId, Timestamp};

/// How long after one reading has ended the next begins.
const EVERY: Seconds = Seconds::of(15 * 60);

/// A reading that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Due {
    pub(super) tenant: TenantId,
    pub(super) how: HowDue,
}

/// How a reading is due: the lesser, the sooner it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum HowDue {
    /// Somebody waits for it, since then: it was asked for, or is the first.
    Wanted(Timestamp),
    /// It is time for it, since then.
    InTime(Timestamp),
}

/// Whether and how a connected tenant's AWS is to be read now. A reading that runs is another owner's or was lost with
/// one: whoever owns the connection and is not at it begins anew.
pub(super) fn how_due(latest: Option<&DiscoveryRun>, now: Timestamp) -> Option<HowDue> {
    let Some(latest) = latest else { return Some(HowDue::Wanted(now)) };
    match (latest.state, latest.ended_at) {
        (DiscoveryState::Waiting, _) => Some(HowDue::Wanted(latest.started_at)),
        (DiscoveryState::Running, _) | (_, None) => Some(HowDue::InTime(latest.started_at)),
        (DiscoveryState::Succeeded | DiscoveryState::Failed, Some(ended)) => {
            Some(ended + EVERY).filter(|due| now >= *due).map(HowDue::InTime)
        }
    }
}

#[cfg(test)]
mod tests {
    use curfew_domain::{DiscoveryCounts, DiscoveryId};

    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_772_366_400_000_000);

    fn run(state: DiscoveryState, ended_at: Option<Timestamp>) -> DiscoveryRun {
        let id: DiscoveryId = "0192f0c1-7a3b-7c4d-8e5f-0123456789ab".parse().unwrap();
        DiscoveryRun {
            id,
            instance: "arn:aws:sso:::instance/ssoins-1234567890abcdef".parse().unwrap(),
            state,
            started_at: NOW,
            ended_at,
            counts: DiscoveryCounts::default(),
            error: None,
            requested_by: None,
        }
    }

    #[test]
    fn it_is_due_at_first_when_asked_for_and_a_quarter_of_an_hour_after_the_last() {
        assert_eq!(how_due(None, NOW), Some(HowDue::Wanted(NOW)));
        assert_eq!(how_due(Some(&run(DiscoveryState::Waiting, None)), NOW), Some(HowDue::Wanted(NOW)));
        for state in [DiscoveryState::Succeeded, DiscoveryState::Failed] {
            let ended = run(state, Some(NOW));
            assert_eq!(how_due(Some(&ended), NOW + Seconds::of(899)), None);
            let due = NOW + Seconds::of(900);
            assert_eq!(how_due(Some(&ended), due + Seconds::of(60)), Some(HowDue::InTime(due)));
        }
    }

    #[test]
    fn what_somebody_waits_for_comes_first_and_then_what_has_waited_longest() {
        let later = NOW + Seconds::of(1);
        let mut due =
            [HowDue::InTime(later), HowDue::InTime(NOW), HowDue::Wanted(later), HowDue::Wanted(NOW)];
        due.sort_unstable();
        let expected =
            [HowDue::Wanted(NOW), HowDue::Wanted(later), HowDue::InTime(NOW), HowDue::InTime(later)];
        assert_eq!(due, expected);
    }
}
