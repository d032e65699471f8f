//! Whose reading is due.

use curfew_domain::{DiscoveryRun, DiscoveryState, Seconds, Timestamp};

/// How long after one reading has ended the next begins.
const EVERY: Seconds = Seconds::of(15 * 60);

/// Whether a connected tenant's AWS is to be read now. A reading that runs is another owner's or was lost with
/// one: whoever owns the connection and is not at it begins anew.
pub(super) fn is_due(latest: Option<&DiscoveryRun>, now: Timestamp) -> bool {
    let Some(latest) = latest else { return true };
    match (latest.state, latest.ended_at) {
        (DiscoveryState::Waiting | DiscoveryState::Running, _) | (_, None) => true,
        (DiscoveryState::Succeeded | DiscoveryState::Failed, Some(ended)) => now >= ended + EVERY,
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
        assert!(is_due(None, NOW));
        assert!(is_due(Some(&run(DiscoveryState::Waiting, None)), NOW));
        for state in [DiscoveryState::Succeeded, DiscoveryState::Failed] {
            let ended = run(state, Some(NOW));
            assert!(!is_due(Some(&ended), NOW + Seconds::of(899)));
            assert!(is_due(Some(&ended), NOW + Seconds::of(900)));
        }
    }
}
