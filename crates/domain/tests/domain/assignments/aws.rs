//! An AWS that does what AWS may do: ends calls late, refuses, and lists what was.

use std::collections::HashMap;

use curfew_domain::Timestamp;
use curfew_domain::assignment::{CallKind, CallOutcome, SETTLE};

use super::fate::{Fate, millis_after};

/// One assignment, as AWS has it.
pub(super) struct Aws {
    /// Whether it is there.
    pub(super) has_it: bool,
    /// Whether it refuses a change while another is under way, as AWS does, or takes both.
    one_at_a_time: bool,
    /// When it came and went, by which lists tell it that lag.
    history: Vec<(Timestamp, bool)>,
    under_way: Vec<Change>,
    /// What became of each change that was taken; none while it is under way.
    statuses: HashMap<String, Option<CallOutcome>>,
}

struct Change {
    kind: CallKind,
    ends_at: Timestamp,
    succeeds: bool,
    id: String,
}

impl Aws {
    pub(super) fn new(one_at_a_time: bool) -> Self {
        Self {
            has_it: false,
            one_at_a_time,
            history: Vec::new(),
            under_way: Vec::new(),
            statuses: HashMap::new(),
        }
    }

    /// Whether it has the assignment, or may yet get it.
    pub(super) fn may_have_it(&self) -> bool {
        self.has_it || self.under_way.iter().any(|change| change.kind == CallKind::Create && change.succeeds)
    }

    /// Ends what has its end by `now`.
    pub(super) fn goes_on(&mut self, now: Timestamp, fate: &mut Fate) {
        self.under_way.sort_by_key(|change| change.ends_at);
        let ended = self.under_way.iter().take_while(|change| change.ends_at <= now).count();
        for change in self.under_way.drain(..ended).collect::<Vec<_>>() {
            let outcome = self.end(&change, fate);
            self.statuses.insert(change.id, Some(outcome));
        }
    }

    fn end(&mut self, change: &Change, fate: &mut Fate) -> CallOutcome {
        if !change.succeeds {
            let reason = "it failed".to_owned();
            let again = fate.happens(500);
            return if again { CallOutcome::Again { reason } } else { CallOutcome::Refused { reason } };
        }
        let had_it = self.has_it;
        self.is_there(change.kind == CallKind::Create, change.ends_at);
        match change.kind {
            CallKind::Delete if !had_it => CallOutcome::NoSuchEntitlement,
            _ => CallOutcome::Succeeded,
        }
    }

    /// It comes or goes, by a change of Curfew's or by somebody's hand.
    pub(super) fn is_there(&mut self, is_there: bool, at: Timestamp) {
        self.has_it = is_there;
        self.history.push((at, is_there));
    }

    /// A change is sent: what it answers. `faults` in a thousand are refused, or fail later.
    pub(super) fn take(
        &mut self,
        kind: CallKind,
        now: Timestamp,
        faults: u64,
        fate: &mut Fate,
    ) -> CallOutcome {
        let reason = || "not now".to_owned();
        if self.one_at_a_time && !self.under_way.is_empty() || fate.happens(faults * 3 / 10) {
            return CallOutcome::Again { reason: reason() };
        }
        if fate.happens(faults / 4) {
            return CallOutcome::Refused { reason: reason() };
        }
        if kind == CallKind::Delete && !self.has_it && fate.happens(700) {
            return CallOutcome::NoSuchEntitlement;
        }
        // AWS ends a change within the settle time, counted from when it was sent, and lists show it by then too.
        let longest = SETTLE.get() * 1_000 - 60_000;
        let lasts = if fate.happens(500) {
            fate.one_of(&[100, 1_000, 5_000, 30_000, 100_000, 600_000, longest])
        } else {
            fate.one_of(&[100, 1_000, 3_000])
        };
        let id = format!("change-{}", self.statuses.len());
        self.statuses.insert(id.clone(), None);
        let succeeds = !fate.happens(faults / 2);
        self.under_way.push(Change { kind, ends_at: millis_after(now, lasts), succeeds, id: id.clone() });
        CallOutcome::Accepted { aws_request_id: id }
    }

    /// What became of a change; none while it is under way.
    pub(super) fn status(&self, id: &str) -> Option<CallOutcome> {
        self.statuses[id].clone()
    }

    /// What a list shows that is as old as this.
    pub(super) fn listed(&self, as_of: Timestamp) -> bool {
        let known = self.history.iter().rev().find(|(at, _)| *at <= as_of);
        known.is_some_and(|(_, there)| *there)
    }
}
