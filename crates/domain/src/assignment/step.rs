//! What to do next about one assignment.

use serde::{Deserialize, Serialize};

use crate::{Seconds, Timestamp};

use super::observed::{CallKind, InFlight, Observed};

/// How long AWS may take to end a call whose answer was lost; until then absence is not concluded.
pub const SETTLE: Seconds = Seconds::of(15 * 60);

/// How long the next deletion waits when a list still shows what a deletion has ended.
pub(super) const RELIST_PAUSE: Seconds = Seconds::of(2);

/// How long a deletion waits for AWS to end the creation before it: mostly some seconds. Then it is sent all the same,
/// and AWS says at worst that another change is under way.
const CREATION_PATIENCE: Seconds = Seconds::of(60);

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
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
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
    if let Some(step) = poll_known(observed, SETTLE, now) {
        return step;
    }
    if observed.is_present() {
        return Step::WaitUntil(until);
    }
    if observed.refused {
        return Step::GiveUp;
    }
    // A list taken since the last try may show what became of a lost call; if it doesn't, a second creation changes
    // nothing. Since the last try, for AWS may have refused that one since the lost one was done.
    match latest_in_flight(observed) {
        Some(lost) if !listed_since(observed, observed.created_at.max(Some(lost.sent_at))) => {
            when_due(observed, now, Step::Look)
        }
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
    if let Some(step) = poll_known(observed, CREATION_PATIENCE, now) {
        return step;
    }
    match observed.deleted_at {
        None => take_back(observed, now),
        Some(deleted_at) => prove_gone(observed, deleted_at, now),
    }
}

/// No deletion has ended well since the last creation.
fn take_back(observed: &Observed, now: Timestamp) -> Step {
    // What the creation's failures have put off does not put off the end.
    if !observed.deletion_was_sent() {
        return Step::Delete;
    }
    if !observed.deletion_unproved {
        return when_due(observed, now, Step::Delete);
    }
    // Perhaps it is gone already, by hand or by a deletion that AWS says nothing of: a list tells, once no creation
    // can land any more.
    let settled = observed.created_at.map(|created| created + SETTLE);
    match observed.listed.filter(|look| Some(look.at) > observed.deletion_sent_at) {
        // Lists that are not given must not keep the next deletion from being sent.
        None if observed.asked_in_vain > observed.deletion_sent_at => when_due(observed, now, Step::Delete),
        None => when_due(observed, now, Step::Look),
        Some(look) if !look.present && Some(look.at) >= settled => Step::ConcludeGone,
        Some(_) => when_due(observed, now, Step::Delete),
    }
}

/// The deletion ended; a list taken afterwards, with nothing in flight, is the proof.
fn prove_gone(observed: &Observed, deleted_at: Timestamp, now: Timestamp) -> Step {
    let listed = observed.listed.filter(|look| look.at > deleted_at);
    match listed {
        None => when_due(observed, now, Step::Look),
        Some(look) if look.present => when_due(observed, now, Step::Delete),
        Some(look) => match latest_in_flight(observed) {
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

/// A call that AWS took: its status is asked, when and how often its owner decides. A creation is waited for no longer than
/// `creation_patience`; nothing is waited for beyond the settle time. Later they count as lost.
fn poll_known(observed: &Observed, creation_patience: Seconds, now: Timestamp) -> Option<Step> {
    observed.in_flight.iter().find_map(|call| {
        let aws_request_id = call.aws_request_id.clone()?;
        let patience = if call.kind == CallKind::Create { creation_patience } else { SETTLE };
        let until = call.sent_at + patience;
        if now >= until {
            return None;
        }
        let not_before = observed.retry_at.unwrap_or(call.sent_at);
        let poll = Step::Poll { kind: call.kind, sent_at: call.sent_at, aws_request_id };
        Some(at_or_wait(not_before.min(until), now, poll))
    })
}

/// The latest call whose end is not known: where none is asked after any more, all of them are lost.
fn latest_in_flight(observed: &Observed) -> Option<&InFlight> {
    observed.in_flight.iter().max_by_key(|call| call.sent_at)
}

fn listed_since(observed: &Observed, moment: Option<Timestamp>) -> bool {
    observed.listed.is_some_and(|look| Some(look.at) > moment)
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
mod tests;
