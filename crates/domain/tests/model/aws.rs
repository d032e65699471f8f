//! AWS, as far as one assignment goes: it takes a change, ends it later, and lists what was.

use curfew_domain::assignment::{CallKind, CallOutcome, SETTLE};
use curfew_domain::{Seconds, Timestamp};

/// For so long lists may show what was before a change.
const LISTS_LAG: Seconds = Seconds::of(45);

/// Who made the assignment that AWS has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Maker {
    /// Somebody else, before Curfew's episode: standing access.
    Others,
    /// Curfew; `late` where by a call that a paused process sent long after it was written down.
    Curfew { late: bool },
}

/// Whether AWS refuses a change of an assignment while it works on another, as it says, or takes any in any order: then
/// a request that got lost on its way may still be done long after those that were sent later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Order {
    InTurn,
    Any,
}

/// What AWS has and works on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Aws {
    pub(crate) order: Order,
    pub(crate) has: Option<Maker>,
    /// Until when lists may show the opposite.
    pub(crate) lists_lag_until: Option<Timestamp>,
    pub(crate) changes: Vec<Change>,
}

/// A change that AWS has taken.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Change {
    pub(crate) kind: CallKind,
    /// None where the answer was lost, so that nobody can ask after it.
    pub(crate) id: Option<u8>,
    pub(crate) late: bool,
    pub(crate) stage: Stage,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Stage {
    /// It ends at some moment, this one at the latest.
    Working {
        ends_by: Timestamp,
    },
    Ended(CallOutcome),
    /// It was done, and AWS says for ever that it works on it.
    Unsaid,
}

/// How AWS ends a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum End {
    Done,
    DoneUnsaid,
    FailedForNow,
    FailedForGood,
}

impl Aws {
    pub(crate) fn new(order: Order, has: Option<Maker>) -> Self {
        Self { order, has, lists_lag_until: None, changes: Vec::new() }
    }

    /// Takes a change. Says by which id it can be asked after.
    pub(crate) fn take(&mut self, kind: CallKind, named: bool, late: bool, now: Timestamp) -> Option<u8> {
        let is_free = |id: &u8| self.changes.iter().all(|change| change.id != Some(*id));
        let id = if named { (0..u8::MAX).find(is_free) } else { None };
        // It ends within the settle time, and lists show it by then.
        let stage = Stage::Working { ends_by: now + SETTLE - LISTS_LAG };
        self.changes.push(Change { kind, id, late, stage });
        id
    }

    /// Whether it refuses another change now.
    pub(crate) fn is_busy(&self) -> bool {
        self.order == Order::InTurn && self.changes.iter().any(Change::is_working)
    }

    /// Ends a change. Says what that took from whom.
    pub(crate) fn end(&mut self, nth: usize, how: End, now: Timestamp) -> Option<Maker> {
        let had = self.has;
        let Change { kind, late, .. } = self.changes[nth];
        if matches!(how, End::Done | End::DoneUnsaid) {
            match kind {
                CallKind::Create if had != Some(Maker::Others) => {
                    self.becomes(Some(Maker::Curfew { late }), now);
                }
                CallKind::Create => {}
                CallKind::Delete => self.becomes(None, now),
            }
        }
        let reason = String::new();
        let outcome = match how {
            End::Done if kind == CallKind::Delete && had.is_none() => CallOutcome::NoSuchEntitlement,
            End::Done | End::DoneUnsaid => CallOutcome::Succeeded,
            End::FailedForNow => CallOutcome::Again { reason },
            End::FailedForGood => CallOutcome::Refused { reason },
        };
        self.changes[nth].stage = if how == End::DoneUnsaid { Stage::Unsaid } else { Stage::Ended(outcome) };
        had.filter(|_| self.has.is_none())
    }

    /// It comes or goes.
    pub(crate) fn becomes(&mut self, has: Option<Maker>, now: Timestamp) {
        if self.has.is_some() != has.is_some() {
            self.lists_lag_until = Some(now + LISTS_LAG);
        }
        self.has = has;
    }

    pub(crate) fn lists_may_lie(&self, now: Timestamp) -> bool {
        self.lists_lag_until.is_some_and(|until| now < until)
    }

    /// What it says of a change.
    pub(crate) fn status(&self, id: u8) -> Option<&Stage> {
        self.changes.iter().find(|change| change.id == Some(id)).map(|change| &change.stage)
    }

    /// Whether it has what Curfew made, or works on it; but for what was sent late.
    pub(crate) fn may_have_curfews(&self) -> bool {
        let gets = |change: &Change| change.kind == CallKind::Create && !change.late && change.is_working();
        self.has == Some(Maker::Curfew { late: false }) || self.changes.iter().any(gets)
    }

    pub(crate) fn works(&self) -> bool {
        self.changes.iter().any(Change::is_working)
    }

    /// When it must have ended something.
    pub(crate) fn next_deadline(&self) -> Option<Timestamp> {
        self.changes.iter().filter_map(Change::ends_by).min()
    }
}

impl Change {
    pub(crate) fn is_working(&self) -> bool {
        matches!(self.stage, Stage::Working { .. })
    }

    pub(crate) fn ends_by(&self) -> Option<Timestamp> {
        match self.stage {
            Stage::Working { ends_by } => Some(ends_by),
            Stage::Ended(_) | Stage::Unsaid => None,
        }
    }
}
