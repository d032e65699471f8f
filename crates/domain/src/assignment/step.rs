//! What to do next about one assignment.

use serde::{Deserialize, Serialize};

use crate::{Seconds, Timestamp};

use super::observed::{CallKind, InFlight, Observed};

/// How long AWS may take to end a call whose answer was lost; until then absence is not concluded.
pub const SETTLE: Seconds = Seconds::of(15 * 60);

/// How long between two askings for a status, or looks, while AWS works. Assignments take some seconds.
const POLL_MILLIS: i64 = 500;

/// How long the next deletion waits when a list still shows what a deletion has ended.
pub(super) const RELIST_PAUSE: Seconds = Seconds::of(2);

/// How long between two looks while the answer to a call is lost.
const LOOK_AGAIN: Seconds = Seconds::of(5);

/// When to look again after Gone, counted from it: 1 min, 10 min, 1 h, 24 h.
const LOOKS_AFTER_GONE: [Seconds; 4] =
    [Seconds::of(60), Seconds::of(600), Seconds::of(3_600), Seconds::of(86_400)];

/// Whether some live grant needs the assignment. Derived from grants and now, never stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Desired {
    /// At least one live grant needs it, until this moment if nothing changes.
    Present {
        /// When the last of its live grants ends.
        until: Timestamp,
    },
    /// No live grant needs it.
    Absent,
}

/// The one thing to do now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "step")]
pub enum Step {
    /// List the assignments of the account and permission set, and note whether this one is there.
    Look,
    /// Ask AWS how this call goes.
    Poll {
        /// Creation or deletion.
        kind: CallKind,
        /// When it was sent.
        sent_at: Timestamp,
        /// AWS's id of it.
        aws_request_id: String,
    },
    /// Send `CreateAccountAssignment`.
    Create,
    /// Send `DeleteAccountAssignment`.
    Delete,
    /// AWS refused the creation for good: the grants that need it fail.
    GiveUp,
    /// It is proved gone: note it.
    ConcludeGone,
    /// The last look after Gone was taken: the episode is over.
    EndEpisode,
    /// Nothing before this moment.
    WaitUntil(Timestamp),
    /// Nothing, until a grant changes.
    Done,
}

/// What to do about one assignment, now. Pure and total.
pub fn next_step(desired: Desired, observed: &Observed, now: Timestamp) -> Step {
    match desired {
        Desired::Present { until } => toward_presence(observed, until, now),
        Desired::Absent => toward_absence(observed, now),
    }
}

fn toward_presence(observed: &Observed, until: Timestamp, now: Timestamp) -> Step {
    let Some(baseline) = observed.baseline else { return when_due(observed, now, Step::Look) };
    if baseline.present {
        return Step::WaitUntil(until);
    }
    if let Some(step) = poll_known(observed, now) {
        return step;
    }
    if observed.is_present() {
        return Step::WaitUntil(until);
    }
    if observed.refused {
        return Step::GiveUp;
    }
    // A list taken since a lost call may show what became of it; if it doesn't, a second creation changes nothing.
    match lost_call(observed) {
        Some(lost) if !listed_since(observed, lost.sent_at) => when_due(observed, now, Step::Look),
        _ => when_due(observed, now, Step::Create),
    }
}

fn toward_absence(observed: &Observed, now: Timestamp) -> Step {
    let Some(baseline) = observed.baseline else { return Step::Done };
    if baseline.present {
        return Step::EndEpisode;
    }
    if let Some(gone_at) = observed.gone_at {
        return after_gone(observed, gone_at, now);
    }
    if observed.created_at.is_none() {
        return Step::EndEpisode;
    }
    if let Some(step) = poll_known(observed, now) {
        return step;
    }
    match observed.deleted_at {
        None => when_due(observed, now, Step::Delete),
        Some(deleted_at) => prove_gone(observed, deleted_at, now),
    }
}

/// The deletion ended; a list taken afterwards, with nothing in flight, is the proof.
fn prove_gone(observed: &Observed, deleted_at: Timestamp, now: Timestamp) -> Step {
    let listed = observed.listed.filter(|look| look.at > deleted_at);
    match listed {
        None => when_due(observed, now, Step::Look),
        Some(look) if look.present => when_due(observed, now, Step::Delete),
        Some(look) => match lost_call(observed) {
            None => Step::ConcludeGone,
            Some(_) => at_or_wait(look.at + LOOK_AGAIN, now, Step::Look),
        },
    }
}

fn after_gone(observed: &Observed, gone_at: Timestamp, now: Timestamp) -> Step {
    match LOOKS_AFTER_GONE.get(usize::from(observed.looks)) {
        Some(after) => at_or_wait(gone_at + *after, now, Step::Look),
        None => Step::EndEpisode,
    }
}

/// A call that AWS took: its status is asked, at most every half second.
fn poll_known(observed: &Observed, now: Timestamp) -> Option<Step> {
    let call = observed.in_flight.iter().find(|call| call.aws_request_id.is_some())?;
    let poll = Step::Poll {
        kind: call.kind,
        sent_at: call.sent_at,
        aws_request_id: call.aws_request_id.clone().unwrap_or_default(),
    };
    let not_before = observed.retry_at.unwrap_or_else(|| call.sent_at.plus_millis(POLL_MILLIS));
    Some(at_or_wait(not_before, now, poll))
}

/// A call whose answer was lost, the latest.
fn lost_call(observed: &Observed) -> Option<&InFlight> {
    observed.in_flight.iter().filter(|call| call.aws_request_id.is_none()).max_by_key(|call| call.sent_at)
}

fn listed_since(observed: &Observed, moment: Timestamp) -> bool {
    observed.listed.is_some_and(|look| look.at > moment)
}

fn when_due(observed: &Observed, now: Timestamp, step: Step) -> Step {
    match observed.retry_at {
        Some(retry_at) => at_or_wait(retry_at, now, step),
        None => step,
    }
}

fn at_or_wait(moment: Timestamp, now: Timestamp, step: Step) -> Step {
    if now >= moment { step } else { Step::WaitUntil(moment) }
}

#[cfg(test)]
mod tests {
    use super::super::observed::{CallOutcome, Phase};
    use super::*;

    const START: Timestamp = Timestamp::from_micros(1_000_000_000_000);

    fn at(seconds: u32) -> Timestamp {
        START + Seconds::of(seconds)
    }

    const UNTIL: Desired = Desired::Present { until: Timestamp::from_micros(9_000_000_000_000) };

    fn accepted(id: &str) -> CallOutcome {
        CallOutcome::Accepted { aws_request_id: id.to_owned() }
    }

    fn lost() -> CallOutcome {
        CallOutcome::Unknown { reason: "timed out".to_owned() }
    }

    /// Created at 1 s, seen to have succeeded at 3 s.
    fn present() -> Observed {
        let mut seen = Observed::default();
        seen.looked(at(0), false);
        seen.sending(CallKind::Create, at(1));
        seen.answered(CallKind::Create, at(1), &accepted("c1"), at(2));
        seen.answered(CallKind::Create, at(1), &CallOutcome::Succeeded, at(3));
        seen
    }

    #[test]
    fn it_looks_before_it_creates() {
        let mut seen = Observed::default();
        assert_eq!(next_step(UNTIL, &seen, at(0)), Step::Look);
        seen.looked(at(0), false);
        assert_eq!(next_step(UNTIL, &seen, at(1)), Step::Create);
    }

    #[test]
    fn standing_access_is_neither_created_nor_deleted() {
        let mut seen = Observed::default();
        seen.looked(at(0), true);
        assert_eq!(seen.phase(), Phase::Standing);
        assert!(matches!(next_step(UNTIL, &seen, at(1)), Step::WaitUntil(_)));
        assert_eq!(next_step(Desired::Absent, &seen, at(1)), Step::EndEpisode);
    }

    #[test]
    fn a_creation_is_asked_after_until_it_ends() {
        let mut seen = Observed::default();
        seen.looked(at(0), false);
        seen.sending(CallKind::Create, at(1));
        seen.answered(CallKind::Create, at(1), &accepted("c1"), at(1));
        assert!(matches!(next_step(UNTIL, &seen, at(1)), Step::WaitUntil(_)));
        assert!(matches!(next_step(UNTIL, &seen, at(2)), Step::Poll { .. }));
        assert_eq!(seen.phase(), Phase::Creating);
        assert_eq!(present().phase(), Phase::Present);
    }

    #[test]
    fn an_ended_grant_is_deleted_listed_and_only_then_gone() {
        let mut seen = present();
        assert_eq!(next_step(Desired::Absent, &seen, at(10)), Step::Delete);
        seen.sending(CallKind::Delete, at(10));
        assert_eq!(seen.phase(), Phase::Deleting);
        seen.answered(CallKind::Delete, at(10), &accepted("d1"), at(11));
        seen.answered(CallKind::Delete, at(10), &CallOutcome::Succeeded, at(12));
        assert_eq!(next_step(Desired::Absent, &seen, at(13)), Step::Look);
        seen.looked(at(13), true);
        assert!(matches!(next_step(Desired::Absent, &seen, at(13)), Step::WaitUntil(_)));
        assert_eq!(next_step(Desired::Absent, &seen, at(20)), Step::Delete);
        seen.sending(CallKind::Delete, at(20));
        seen.answered(CallKind::Delete, at(20), &CallOutcome::NoSuchEntitlement, at(21));
        assert_eq!(next_step(Desired::Absent, &seen, at(22)), Step::Look);
        seen.looked(at(22), false);
        assert_eq!(next_step(Desired::Absent, &seen, at(23)), Step::ConcludeGone);
    }

    #[test]
    fn an_ended_grant_is_removed_even_when_aws_lost_the_reply_to_its_creation() {
        let mut seen = Observed::default();
        seen.looked(at(0), false);
        seen.sending(CallKind::Create, at(1));
        seen.answered(CallKind::Create, at(1), &lost(), at(2));
        assert_eq!(next_step(Desired::Absent, &seen, at(3)), Step::Delete);
        seen.sending(CallKind::Delete, at(3));
        seen.answered(CallKind::Delete, at(3), &CallOutcome::NoSuchEntitlement, at(4));
        seen.looked(at(5), false);
        // The lost creation may still land: absence is not concluded before it has settled.
        assert!(matches!(next_step(Desired::Absent, &seen, at(6)), Step::WaitUntil(_)));
        assert_eq!(next_step(Desired::Absent, &seen, at(11)), Step::Look);
        seen.looked(at(11), true);
        assert_eq!(next_step(Desired::Absent, &seen, at(14)), Step::Delete);
        seen.sending(CallKind::Delete, at(14));
        seen.answered(CallKind::Delete, at(14), &CallOutcome::Succeeded, at(15));
        seen.looked(at(16), false);
        assert_eq!(next_step(Desired::Absent, &seen, at(17)), Step::ConcludeGone);
    }

    #[test]
    fn a_lost_creation_that_never_landed_is_let_go_after_the_settle_time() {
        let mut seen = Observed::default();
        seen.looked(at(0), false);
        seen.sending(CallKind::Create, at(1));
        seen.answered(CallKind::Create, at(1), &lost(), at(2));
        seen.sending(CallKind::Delete, at(3));
        seen.answered(CallKind::Delete, at(3), &CallOutcome::NoSuchEntitlement, at(4));
        seen.looked(at(899), false);
        assert_ne!(next_step(Desired::Absent, &seen, at(899)), Step::ConcludeGone);
        seen.looked(at(901), false);
        assert_eq!(next_step(Desired::Absent, &seen, at(902)), Step::ConcludeGone);
    }

    #[test]
    fn a_lost_creation_is_looked_for_and_sent_again() {
        let mut seen = Observed::default();
        seen.looked(at(0), false);
        seen.sending(CallKind::Create, at(1));
        seen.answered(CallKind::Create, at(1), &lost(), at(2));
        assert_eq!(next_step(UNTIL, &seen, at(3)), Step::Look);
        seen.looked(at(3), false);
        assert_eq!(next_step(UNTIL, &seen, at(4)), Step::Create);
        seen.looked(at(5), true);
        assert_eq!(seen.phase(), Phase::Present);
        assert!(seen.in_flight.is_empty());
    }

    #[test]
    fn it_looks_again_four_times_after_gone_and_deletes_what_came_back() {
        let mut seen = present();
        seen.sending(CallKind::Delete, at(10));
        seen.answered(CallKind::Delete, at(10), &CallOutcome::Succeeded, at(11));
        seen.looked(at(12), false);
        seen.gone(at(13));
        for (look, after) in LOOKS_AFTER_GONE.into_iter().enumerate() {
            let due = at(13) + after;
            assert_eq!(
                next_step(Desired::Absent, &seen, due - Seconds::of(1)),
                Step::WaitUntil(due),
                "{look}"
            );
            assert_eq!(next_step(Desired::Absent, &seen, due), Step::Look);
            let mut came_back = seen.clone();
            came_back.looked(due, true);
            assert_eq!(next_step(Desired::Absent, &came_back, due + Seconds::of(1)), Step::Delete);
            seen.looked(due, false);
        }
        assert_eq!(next_step(Desired::Absent, &seen, at(100_000)), Step::EndEpisode);
        seen.end_episode();
        assert_eq!(seen.phase(), Phase::Gone);
        assert_eq!(next_step(Desired::Absent, &seen, at(100_000)), Step::Done);
        assert_eq!(next_step(UNTIL, &seen, at(100_000)), Step::Look);
    }

    #[test]
    fn a_new_grant_within_the_episode_creates_without_a_new_baseline() {
        let mut seen = present();
        seen.sending(CallKind::Delete, at(10));
        seen.answered(CallKind::Delete, at(10), &CallOutcome::Succeeded, at(11));
        assert_eq!(next_step(UNTIL, &seen, at(12)), Step::Create);
        seen.looked(at(12), false);
        seen.gone(at(13));
        assert_eq!(next_step(UNTIL, &seen, at(14)), Step::Create);
    }

    #[test]
    fn a_lost_deletion_makes_a_wanted_assignment_be_created_again() {
        let mut seen = present();
        seen.sending(CallKind::Delete, at(10));
        seen.answered(CallKind::Delete, at(10), &lost(), at(11));
        assert_eq!(next_step(UNTIL, &seen, at(12)), Step::Look);
        seen.looked(at(12), true);
        assert_eq!(next_step(UNTIL, &seen, at(13)), Step::Create);
    }

    #[test]
    fn a_refused_creation_fails_its_grants_and_is_proved_gone() {
        let mut seen = Observed::default();
        seen.looked(at(0), false);
        seen.sending(CallKind::Create, at(1));
        let refused = CallOutcome::Refused { reason: "assignee not found".to_owned() };
        seen.answered(CallKind::Create, at(1), &refused, at(2));
        assert_eq!(next_step(UNTIL, &seen, at(3)), Step::GiveUp);
        assert_eq!(next_step(Desired::Absent, &seen, at(3)), Step::Delete);
        seen.gone(at(9));
        assert_eq!(next_step(UNTIL, &seen, at(10)), Step::Create);
    }

    #[test]
    fn nothing_is_tried_before_its_back_off_ends() {
        let mut seen = present();
        seen.sending(CallKind::Delete, at(10));
        seen.answered(
            CallKind::Delete,
            at(10),
            &CallOutcome::Again { reason: "Rate exceeded".to_owned() },
            at(11),
        );
        seen.back_off(at(20));
        assert_eq!(next_step(Desired::Absent, &seen, at(12)), Step::WaitUntil(at(20)));
        assert_eq!(next_step(Desired::Absent, &seen, at(20)), Step::Delete);
    }
}
