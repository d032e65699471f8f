//! What a list that is taken in passing says of an assignment that nothing is under way for.

use crate::{Seconds, Timestamp};

use super::observed::{Baseline, CallKind, Observed, Phase};
use super::step::Desired;

/// What a list doesn't show has to be missing for so long before it counts as removed: lists lag.
const MISSING_FOR: Seconds = Seconds::of(60);

/// How AWS differs from what Curfew knows of an assignment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Difference {
    /// A list does not show what is needed: perhaps it lags.
    Missing,
    /// A later list does not show it either: somebody has removed it.
    Removed,
    /// Nor does a later list here; but a deletion of Curfew's own, whose answer was lost, may have landed so late.
    TakenBack,
    /// Missing it was the list's fault: it is there.
    Found,
    /// It was gone, and is there again.
    Reappeared,
}

/// How what `look` shows differs from what is known. None where something is under way, for then the next step tells
/// more; and none of what belongs to no episode, which is not Curfew's. Of what was seen to be present nothing is under
/// way: calls whose answers were lost may be noted for ever. Pure and total.
pub fn difference(desired: Desired, observed: &Observed, look: Baseline) -> Option<Difference> {
    let needed = matches!(desired, Desired::Present { .. });
    match (observed.phase(), look.present) {
        (Phase::Present | Phase::Standing, false) if needed => missing(observed, look.at),
        (Phase::Present | Phase::Standing, true) => observed.missing_since.map(|_| Difference::Found),
        (Phase::Gone, true) => {
            let in_episode = observed.baseline.is_some();
            // Lists lag: what they show so soon may be what was.
            let later = observed.gone_at.is_some_and(|gone| look.at >= gone + MISSING_FOR);
            (in_episode && later && !needed).then_some(Difference::Reappeared)
        }
        _ => None,
    }
}

fn missing(observed: &Observed, at: Timestamp) -> Option<Difference> {
    let seen_since = observed.present_at.or(observed.baseline.map(|baseline| baseline.at));
    if seen_since.is_none_or(|seen| at <= seen) {
        return None;
    }
    match observed.missing_since {
        None => Some(Difference::Missing),
        Some(since) if at < since + MISSING_FOR => None,
        Some(_) if observed.in_flight.iter().any(|call| call.kind == CallKind::Delete) => {
            Some(Difference::TakenBack)
        }
        Some(_) => Some(Difference::Removed),
    }
}

impl Observed {
    /// A list that was asked for at `at` did not show it.
    pub fn missed(&mut self, at: Timestamp) {
        self.missing_since = self.missing_since.or(Some(at));
    }

    /// A list showed it after all.
    pub fn found(&mut self) {
        self.missing_since = None;
    }

    /// A list that was asked for at `at` shows that it was removed, and it is to be made again: of what was made, nothing
    /// is there any more, but what was sent and not answered may land yet.
    pub fn removed(&mut self, at: Timestamp) {
        self.missing_since = None;
        self.present_at = None;
        self.in_flight.retain(|call| !call.has_settled(at));
        self.creations = self.in_flight.iter().map(|call| u32::from(call.kind == CallKind::Create)).sum();
        if self.phase() == Phase::Standing {
            // What was there before Curfew is there no longer: what is made now is Curfew's.
            self.end_episode();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assignment::{CallKind, CallOutcome, Step, next_step};

    const START: Timestamp = Timestamp::from_micros(1_000_000_000_000);
    const NEEDED: Desired = Desired::Present { until: Timestamp::from_micros(9_000_000_000_000) };

    fn at(seconds: u32) -> Timestamp {
        START + Seconds::of(seconds)
    }

    fn look(seconds: u32, present: bool) -> Baseline {
        Baseline { at: at(seconds), present }
    }

    /// Looked for at 0 s, created at 1 s, there at 2 s.
    fn present() -> Observed {
        let mut observed = Observed::default();
        observed.looked(at(0), false);
        observed.sending(CallKind::Create, at(1));
        observed.answered(CallKind::Create, at(1), &CallOutcome::Succeeded, at(2));
        observed
    }

    fn lost() -> CallOutcome {
        CallOutcome::Unknown { reason: "connection reset".to_owned() }
    }

    #[test]
    fn what_is_missing_once_may_be_a_lists_fault() {
        let mut observed = present();
        assert_eq!(difference(NEEDED, &observed, look(2, false)), None, "no newer than what is known");
        assert_eq!(difference(NEEDED, &observed, look(30, false)), Some(Difference::Missing));
        observed.missed(at(30));
        assert_eq!(difference(NEEDED, &observed, look(89, false)), None);
        assert_eq!(difference(NEEDED, &observed, look(60, true)), Some(Difference::Found));
        observed.found();
        assert_eq!(difference(NEEDED, &observed, look(60, true)), None);
    }

    #[test]
    fn what_is_missing_for_a_minute_was_removed() {
        let mut observed = present();
        observed.missed(at(30));
        observed.missed(at(40));
        assert_eq!(difference(NEEDED, &observed, look(90, false)), Some(Difference::Removed));
        assert_eq!(difference(Desired::Absent, &observed, look(90, false)), None, "it is being taken back");
        observed.removed(at(90));
        assert_eq!(next_step(NEEDED, &observed, at(91)), Step::Create);
    }

    #[test]
    fn a_creation_whose_answer_was_lost_hides_no_removal() {
        let mut observed = Observed::default();
        observed.looked(at(0), false);
        for (sent, outcome) in [(1, lost()), (8, CallOutcome::Succeeded)] {
            observed.sending(CallKind::Create, at(sent));
            observed.answered(CallKind::Create, at(sent), &outcome, at(sent + 1));
        }
        assert_eq!(difference(NEEDED, &observed, look(30, false)), Some(Difference::Missing));
        observed.missed(at(30));
        assert_eq!(difference(NEEDED, &observed, look(90, false)), Some(Difference::Removed));
        observed.removed(at(90));
        assert_eq!(observed.creations, 1, "the lost one may land yet");
        observed.sending(CallKind::Create, at(91));
        observed.answered(CallKind::Create, at(91), &CallOutcome::Succeeded, at(92));
        observed.missed(at(1_000));
        observed.removed(at(1_060));
        assert_eq!((observed.creations, observed.in_flight.len()), (0, 0), "none can land any more");
    }

    #[test]
    fn what_a_lost_deletion_may_have_taken_was_removed_by_nobody() {
        let mut observed = present();
        observed.sending(CallKind::Delete, at(10));
        observed.answered(CallKind::Delete, at(10), &lost(), at(11));
        observed.looked(at(12), false);
        observed.sending(CallKind::Create, at(13));
        observed.answered(CallKind::Create, at(13), &CallOutcome::Succeeded, at(14));
        observed.missed(at(30));
        for seconds in [90, 5_000] {
            let found = difference(NEEDED, &observed, look(seconds, false));
            assert_eq!(found, Some(Difference::TakenBack), "after {seconds} s");
        }
        observed.removed(at(5_000));
        assert_eq!(next_step(NEEDED, &observed, at(5_000)), Step::Create);
    }

    #[test]
    fn standing_access_that_was_removed_is_made_by_curfew_from_then_on() {
        let mut observed = Observed::default();
        observed.looked(at(0), true);
        observed.missed(at(30));
        assert_eq!(difference(NEEDED, &observed, look(90, false)), Some(Difference::Removed));
        observed.removed(at(90));
        assert_eq!(next_step(NEEDED, &observed, at(91)), Step::Look);
        observed.looked(at(92), false);
        assert_eq!(next_step(NEEDED, &observed, at(92)), Step::Create);
    }

    #[test]
    fn what_is_claimed_is_kept_for_a_grant_and_else_taken_back_and_proved_gone() {
        let mut standing = Observed::default();
        standing.looked(at(0), true);
        for mut observed in [Observed::default(), standing] {
            observed.claim(at(10));
            assert!(observed.is_curfews());
            assert!(matches!(next_step(NEEDED, &observed, at(11)), Step::WaitUntil(_)));
            assert_eq!(next_step(Desired::Absent, &observed, at(11)), Step::Delete);
            observed.sending(CallKind::Delete, at(11));
            observed.answered(CallKind::Delete, at(11), &CallOutcome::Succeeded, at(12));
            assert_eq!(next_step(Desired::Absent, &observed, at(12)), Step::Look);
            observed.looked(at(13), false);
            assert_eq!(next_step(Desired::Absent, &observed, at(13)), Step::ConcludeGone);
        }
    }

    #[test]
    fn what_was_gone_and_is_there_again_has_reappeared_within_its_episode() {
        let mut observed = present();
        observed.sending(CallKind::Delete, at(100));
        assert_eq!(difference(Desired::Absent, &observed, look(101, true)), None, "it is under way");
        observed.answered(CallKind::Delete, at(100), &CallOutcome::Succeeded, at(101));
        observed.looked(at(102), false);
        observed.gone(at(103));
        assert_eq!(difference(Desired::Absent, &observed, look(162, true)), None, "the list may lag");
        assert_eq!(difference(Desired::Absent, &observed, look(163, true)), Some(Difference::Reappeared));
        assert_eq!(difference(NEEDED, &observed, look(163, true)), None, "it is needed again");
        observed.end_episode();
        assert_eq!(difference(Desired::Absent, &observed, look(200, true)), None, "it is not Curfew's");
    }
}
