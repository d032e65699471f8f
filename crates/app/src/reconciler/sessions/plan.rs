//! What the policies are to say: pure.

use std::collections::BTreeMap;

use curfew_domain::Timestamp;
use curfew_domain::connection::VerifiedConnection;
use curfew_domain::session_end::{Arrangement, Deny, SessionEnd, Wanted, arrange, document};

use super::pass::WHOLE_EVERY;
use super::seen::Synced;

/// Whether the policies say already, as far as is known, what they should.
pub(super) fn is_unchanged(
    ends: &[SessionEnd],
    verified: &VerifiedConnection,
    opted_in: bool,
    synced: &Synced,
    now: Timestamp,
) -> bool {
    let names: Vec<&str> = synced.documents.keys().map(String::as_str).collect();
    let arrangement = arranged(&names, ends, verified, opted_in, now);
    let all_there = ends.iter().all(|end| matches!(end.times.wanted(opted_in, now), Wanted::Deny(_)));
    all_there
        && arrangement.left_out.is_empty()
        && now < synced.at + WHOLE_EVERY
        && documents_of(&arrangement, ends) == synced.documents
}

/// Which deny stands in which of these policies.
pub(super) fn arranged(
    names: &[&str],
    ends: &[SessionEnd],
    verified: &VerifiedConnection,
    opted_in: bool,
    now: Timestamp,
) -> Arrangement {
    let wanted = ends.iter().filter(|end| {
        !is_elsewhere(end, verified) && matches!(end.times.wanted(opted_in, now), Wanted::Deny(_))
    });
    let denies: Vec<Deny<'_>> = wanted.map(deny).collect();
    arrange(&by_number(names), &denies)
}

/// What AWS lists first may be another each time.
fn by_number<'a>(names: &[&'a str]) -> Vec<&'a str> {
    let mut names = names.to_vec();
    names.sort_unstable_by_key(|name| (name.len(), *name));
    names
}

/// What each policy is to say.
pub(super) fn documents_of(arrangement: &Arrangement, ends: &[SessionEnd]) -> BTreeMap<String, String> {
    let text = |ids: &Vec<_>| {
        let denies: Vec<_> =
            ids.iter().filter_map(|id| ends.iter().find(|end| end.id == *id)).map(deny).collect();
        document(&denies)
    };
    arrangement.policies.iter().map(|(name, ids)| (name.clone(), text(ids))).collect()
}

/// A session end as the policies have it.
pub(super) fn deny(end: &SessionEnd) -> Deny<'_> {
    Deny {
        id: end.id,
        sessions: &end.sessions,
        cut_off: end.times.cut_off,
        asked_at: end.times.asked_at,
        place: end.place.as_deref(),
    }
}

/// AWS may give back the text with other white space.
pub(super) fn says_the_same(held: &str, wanted: &str) -> bool {
    let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
    held == wanted || (read(held).is_some() && read(held) == read(wanted))
}

/// Whether another organization has the sessions than the one that the connection leads to now.
pub(super) fn is_elsewhere(end: &SessionEnd, verified: &VerifiedConnection) -> bool {
    end.instance != verified.saved.instance
}
