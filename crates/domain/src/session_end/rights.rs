//! What became of the access behind a session end.

use crate::Timestamp;
use crate::assignment::{Observed, Phase};
use crate::grant::GrantTimes;

/// How the access stands that sessions came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Behind {
    /// AWS may hold it, and no grant needs it: sessions can be minted.
    Held,
    /// It is gone, as it was seen at this moment; or it was never there.
    Gone {
        /// When it was proved; none where that is not known.
        at: Option<Timestamp>,
    },
    /// A live grant needs it: from then on sessions are rightful.
    GivenAnew {
        /// When the first of those was decided.
        at: Timestamp,
    },
}

/// How the access stands, by what was seen of it and who needs it. Pure and total.
pub fn behind<'a>(
    observed: &Observed,
    grants: impl IntoIterator<Item = &'a GrantTimes>,
    now: Timestamp,
) -> Behind {
    let live = grants.into_iter().filter(|grant| grant.is_live(now)).map(|grant| grant.decided_at);
    if let Some(at) = live.min() {
        return Behind::GivenAnew { at };
    }
    match observed.phase() {
        Phase::Creating | Phase::Present | Phase::Deleting => Behind::Held,
        // What stands there was there before Curfew, and stays.
        Phase::Unseen | Phase::Standing | Phase::Gone => Behind::Gone { at: observed.gone_at },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Seconds;
    use crate::assignment::{CallKind, CallOutcome};

    const START: Timestamp = Timestamp::from_micros(1_000_000_000_000);

    fn at(seconds: u32) -> Timestamp {
        START + Seconds::of(seconds)
    }

    fn present() -> Observed {
        let mut observed = Observed::default();
        observed.looked(at(0), false);
        observed.sending(CallKind::Create, at(1));
        observed.answered(CallKind::Create, at(1), &CallOutcome::Succeeded, at(2));
        observed
    }

    #[test]
    fn it_is_held_until_it_is_proved_gone() {
        let mut observed = present();
        assert_eq!(behind(&observed, &[], at(9)), Behind::Held);
        observed.sending(CallKind::Delete, at(10));
        assert_eq!(behind(&observed, &[], at(11)), Behind::Held);
        observed.gone(at(12));
        assert_eq!(behind(&observed, &[], at(13)), Behind::Gone { at: Some(at(12)) });
        observed.end_episode();
        assert_eq!(behind(&observed, &[], at(14)), Behind::Gone { at: Some(at(12)) });
        assert_eq!(behind(&Observed::default(), &[], at(1)), Behind::Gone { at: None });
    }

    #[test]
    fn a_live_grant_makes_it_rightful_wherever_it_stands() {
        let grant = GrantTimes::decided(at(20), Seconds::of(60));
        let over = GrantTimes::decided(at(5), Seconds::of(60)).revoked(at(6)).unwrap();
        assert_eq!(behind(&present(), &[over, grant], at(21)), Behind::GivenAnew { at: at(20) });
        assert_eq!(behind(&present(), &[over], at(21)), Behind::Held);
    }
}
