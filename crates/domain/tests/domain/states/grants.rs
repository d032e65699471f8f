//! What becomes of a grant, by its own moments and by where its assignment stands.

use std::collections::BTreeSet;

use curfew_domain::assignment::Phase;
use curfew_domain::grant::{AssignmentView, GrantStatus, GrantTimes, ProvisioningStatus};
use curfew_domain::{Seconds, Timestamp};

use super::Table;

const DECIDED: Timestamp = Timestamp::from_micros(1_772_366_400_000_000);
const HOUR: Seconds = Seconds::of(3_600);

const PHASES: [Phase; 6] =
    [Phase::Unseen, Phase::Creating, Phase::Present, Phase::Deleting, Phase::Standing, Phase::Gone];

/// A grant over one assignment, at some moment.
#[derive(Debug, Clone, Copy)]
struct Situation {
    times: GrantTimes,
    phase: Phase,
    now: Timestamp,
}

/// What a caller reads of it.
type Reads = (GrantStatus, ProvisioningStatus);

impl Situation {
    fn reads(&self) -> Reads {
        let view = AssignmentView { phase: self.phase, needed_by_another: false };
        (self.times.status(self.now), self.times.provisioning(self.now, [view]))
    }

    fn is_live(&self) -> bool {
        self.times.is_live(self.now)
    }
}

/// One grant of each kind that can be read.
fn situations() -> Vec<Situation> {
    let now = DECIDED + Seconds::of(60);
    let decided = GrantTimes::decided(DECIDED, HOUR);
    let started = decided.started(DECIDED + Seconds::of(1));
    let succeeded = started.succeeded(DECIDED + Seconds::of(5));
    let expired = succeeded.ends_at();
    let revoked = succeeded.revoked(DECIDED + Seconds::of(50)).unwrap();
    vec![
        Situation { times: decided, phase: Phase::Unseen, now },
        Situation { times: started, phase: Phase::Creating, now },
        Situation { times: succeeded, phase: Phase::Present, now },
        Situation { times: started.failed(now), phase: Phase::Deleting, now },
        Situation { times: succeeded, phase: Phase::Deleting, now: expired },
        Situation { times: succeeded, phase: Phase::Gone, now: expired },
        Situation { times: revoked, phase: Phase::Deleting, now },
        Situation { times: revoked, phase: Phase::Gone, now },
    ]
}

/// What can happen to a grant. None where it can't happen to this one; an error where it is refused.
type Happens = fn(Situation) -> Option<Result<Situation, ()>>;

fn events() -> Vec<(&'static str, Happens)> {
    vec![
        ("its creation is sent", |it| {
            let sent = Situation { times: it.times.started(it.now), phase: Phase::Creating, ..it };
            (it.is_live() && it.phase != Phase::Present).then_some(Ok(sent))
        }),
        ("AWS has it", |it| {
            let times = it.times.started(it.now).succeeded(it.now);
            it.is_live().then_some(Ok(Situation { times, phase: Phase::Present, ..it }))
        }),
        ("AWS refuses it, or has not got it 15 minutes after the decision", |it| {
            let failed = Situation { times: it.times.failed(it.now), ..it };
            (it.is_live() && it.times.succeeded_at.is_none()).then_some(Ok(failed))
        }),
        ("its time is up", |it| {
            let over = Situation { now: it.times.ends_at().max(it.now), ..it };
            (it.times.status(it.now) == GrantStatus::Active).then_some(Ok(over))
        }),
        ("somebody ends it", |it| {
            let revoked = it.times.revoked(it.now).map(|times| Situation { times, ..it });
            Some(revoked.map_err(|_| ()))
        }),
        ("proved gone from AWS", |it| {
            let gone = Situation { phase: Phase::Gone, ..it };
            (!it.is_live() && it.phase == Phase::Deleting).then_some(Ok(gone))
        }),
    ]
}

pub(super) fn table() -> Table {
    let events = events();
    let mut table = Table::new(std::iter::once("grant").chain(events.iter().map(|(name, _)| *name)));
    for situation in situations() {
        let next = events.iter().map(|(_, happens)| match happens(situation) {
            None => "–".to_owned(),
            Some(Err(())) => "refused".to_owned(),
            Some(Ok(next)) if next.reads() == situation.reads() => "stays".to_owned(),
            Some(Ok(next)) => written(next.reads()),
        });
        table.rows.push(std::iter::once(written(situation.reads())).chain(next).collect());
    }
    table
}

fn written((status, provisioning): Reads) -> String {
    format!("`{status}`, `{}`", provisioning.as_str())
}

/// Whatever happened to a grant, in any order, and wherever its assignment stands: it reads as one of those in the table.
#[test]
fn the_table_of_grants_leaves_nothing_out() {
    let told: BTreeSet<String> = situations().iter().map(|situation| written(situation.reads())).collect();
    let moments = [0, 10, 900, 1_000, 3_600, 5_000].map(|seconds| DECIDED + Seconds::of(seconds));
    let mut grants = vec![GrantTimes::decided(DECIDED, HOUR)];
    for at in moments {
        let more = grants.iter().flat_map(|grant| {
            [
                Some(grant.started(at)),
                Some(grant.succeeded(at)),
                Some(grant.failed(at)),
                grant.revoked(at).ok(),
            ]
        });
        grants.extend(more.flatten().collect::<Vec<_>>());
    }
    let mut met = BTreeSet::new();
    for times in grants {
        for (now, phase) in moments.into_iter().flat_map(|now| PHASES.map(|phase| (now, phase))) {
            met.insert(written(Situation { times, phase, now }.reads()));
        }
    }
    assert_eq!(met, told);
}
