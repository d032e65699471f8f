//! One assignment, and all that has to do with it.

use std::fmt;

use curfew_domain::assignment::{CallKind, CallOutcome, Observed, Step};
use curfew_domain::grant::GrantTimes;
use curfew_domain::{Seconds, Timestamp};

use super::aws::{Aws, Maker, Order};
use super::promises::Broken;
use super::time::{START, instant_after};

/// A state of the model. Two are the same when they differ in nothing but how many instants lie between what happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct State(pub(crate) World);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct World {
    pub(crate) now: Timestamp,
    pub(crate) row: Row,
    pub(crate) lease: Lease,
    /// The process that holds the lease, and renews it in time.
    pub(crate) owner: Option<Process>,
    /// The process on the other node: one that was paused, and owns the connection no more or will not much longer.
    pub(crate) former: Option<Process>,
    pub(crate) aws: Aws,
    pub(crate) left: Left,
    pub(crate) past: Past,
    pub(crate) broken: Broken,
}

/// What the database holds of the assignment.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Row {
    pub(crate) observed: Observed,
    /// The lease's number by which it was last written.
    pub(crate) fence: u32,
    pub(crate) grants: Vec<GrantTimes>,
    pub(crate) due: Option<Timestamp>,
    /// When somebody wanted it to become Curfew's, though others have given it.
    pub(crate) claim_wanted: Option<Timestamp>,
}

/// The lease on the connection, on the database's clock.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Lease {
    pub(crate) fence: u32,
    /// None while its owner renews it.
    pub(crate) until: Option<Timestamp>,
}

/// A reconciler at work.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Process {
    pub(crate) fence: u32,
    /// Until when it believes to hold the lease; none while it renews it.
    pub(crate) until: Option<Timestamp>,
    pub(crate) is_paused: bool,
    /// Whether its last look at the lease before what it does is behind it.
    pub(crate) has_checked: bool,
    pub(crate) doing: Doing,
}

/// Between which two of its instructions a process is: a crash can come here, and so can anything else.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Doing {
    Nothing,
    /// It has read the row and decided on this, and is about to begin the transaction that carries it out.
    About(Step),
    /// The call is written down and not sent.
    WrittenDown {
        kind: CallKind,
        sent_at: Timestamp,
    },
    /// AWS has told, or not told, what became of a call; it is not written down.
    Heard {
        kind: CallKind,
        sent_at: Timestamp,
        outcome: CallOutcome,
    },
    /// AWS has given a list; it is not written down.
    Looked {
        asked_at: Timestamp,
        present: bool,
    },
    /// The same of the list by which a claim is carried out.
    LookedToClaim {
        asked_at: Timestamp,
        present: bool,
    },
    /// It is about to write when the row is due next, unless somebody has touched it since it was read. As the owner, it
    /// is not seen again before `comes_back`.
    Settling {
        next: Option<Timestamp>,
        comes_back: Option<Timestamp>,
        touched: bool,
    },
}

/// What may still happen.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Left {
    pub(crate) grants: u8,
    pub(crate) revocations: u8,
    /// Of AWS, the network, the processes, and of somebody who removes by hand what a grant has.
    pub(crate) mishaps: u8,
    /// Of lists that show what was, besides mishaps.
    pub(crate) lies: u8,
    /// Of somebody who gives the same access by hand, outside of Curfew's episodes.
    pub(crate) given_by_hand: u8,
    /// Of somebody who wants what others have given to become Curfew's.
    pub(crate) claims: u8,
}

/// What happened that matters later.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Past {
    /// Somebody, or a deletion that a paused process sent late, took what a grant has; or a list showed what was. Then a
    /// grant may be said to have what is not there.
    pub(crate) is_excused: bool,
    /// What was held to be gone was seen again.
    pub(crate) came_back: bool,
    /// How often what others had given became Curfew's.
    pub(crate) claimed: u8,
    /// The last list showed what is.
    pub(crate) unchanged_since_look: bool,
}

/// How far the stories go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) order: Order,
    /// How often lists may show what was, besides mishaps.
    pub(crate) lies: u8,
    /// Whether an earlier grant's access has just been proved gone.
    pub(crate) after_gone: bool,
    /// Whether somebody else may have given the access before, or may give it outside of episodes.
    pub(crate) by_hand: u8,
    /// How often somebody may want what others have given to become Curfew's.
    pub(crate) claims: u8,
    pub(crate) grants: u8,
    pub(crate) revocations: u8,
    pub(crate) mishaps: u8,
    /// How long grants last.
    pub(crate) lasting: &'static [Seconds],
}

impl fmt::Display for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { order, lies, after_gone, by_hand, claims, grants, revocations, mishaps, lasting } = self;
        write!(
            f,
            "grants {grants} of {lasting:?}, revocations {revocations}, mishaps {mishaps}, given by hand {by_hand}, claims {claims}, AWS {order:?}, after Gone {after_gone}, lies {lies}"
        )
    }
}

impl World {
    pub(crate) fn new(bounds: &Bounds, has: Option<Maker>) -> Self {
        Self {
            now: START,
            row: Row {
                observed: Observed::default(),
                fence: 0,
                grants: Vec::new(),
                due: None,
                claim_wanted: None,
            },
            lease: Lease { fence: 1, until: None },
            owner: Some(Process::new(1)),
            former: None,
            aws: Aws::new(bounds.order, has),
            left: Left {
                grants: bounds.grants,
                revocations: bounds.revocations,
                mishaps: bounds.mishaps,
                lies: bounds.lies,
                given_by_hand: if has.is_none() { bounds.by_hand } else { 0 },
                claims: bounds.claims,
            },
            past: Past::default(),
            broken: Broken::default(),
        }
    }

    /// The next instant: each answer is later than the one before, as the clock's are.
    pub(crate) fn tick(&mut self) -> Timestamp {
        self.now = instant_after(self.now);
        self.now
    }

    /// The grants are changed: the row is due, whatever who has read it before was about to write.
    pub(crate) fn touch_due(&mut self, at: Timestamp) {
        self.row.due = Some(self.row.due.map_or(at, |due| due.min(at)));
        for process in self.owner.iter_mut().chain(&mut self.former) {
            if let Doing::Settling { touched, .. } = &mut process.doing {
                *touched = true;
            }
        }
    }
}

impl Process {
    pub(crate) fn new(fence: u32) -> Self {
        Self { fence, until: None, is_paused: false, has_checked: false, doing: Doing::Nothing }
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.doing == Doing::Nothing
    }

    /// The id of a call that AWS has just taken.
    pub(crate) fn hears_of(&self) -> Option<&String> {
        match &self.doing {
            Doing::Heard { outcome: CallOutcome::Accepted { aws_request_id }, .. } => Some(aws_request_id),
            _ => None,
        }
    }

    /// Whether a call may start: with at least nine seconds of the lease left.
    pub(crate) fn allows_a_call(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now + Seconds::of(9) <= until)
    }
}
