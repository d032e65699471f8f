//! Creations and deletions of assignments: asked for, in progress, ended.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::world::Assignment;

/// A creation or deletion that AWS accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) id: String,
    pub(crate) kind: ChangeKind,
    pub(crate) instance: String,
    pub(crate) assignment: Assignment,
    pub(crate) created_at: Timestamp,
    pub(crate) ending: Ending,
    pub(crate) status: ChangeStatus,
}

/// What a change does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// `CreateAccountAssignment`.
    Creation,
    /// `DeleteAccountAssignment`.
    Deletion,
}

/// When and how a change will end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// At this instant, as the world then has it.
    Due(Timestamp),
    /// At this instant it fails, for this reason.
    Fails(Timestamp, String),
    /// When the control says so.
    Held,
}

/// How far a change is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ChangeStatus {
    InProgress,
    Succeeded,
    Failed(String),
}

/// All changes of all instances.
#[derive(Default)]
pub(crate) struct Changes {
    open: Vec<Change>,
    ended: HashMap<String, Change>,
}

impl Changes {
    pub(crate) fn begin(&mut self, change: Change) {
        self.open.push(change);
    }

    /// Those in progress, in the order in which they were accepted.
    pub(crate) fn open(&self) -> &[Change] {
        &self.open
    }

    pub(crate) fn open_mut(&mut self) -> &mut [Change] {
        &mut self.open
    }

    /// Takes out those in progress whose ending has come, the earliest first.
    pub(crate) fn take_due(&mut self, now: Timestamp) -> Vec<Change> {
        let (mut due, open): (Vec<_>, Vec<_>) = std::mem::take(&mut self.open)
            .into_iter()
            .partition(|change| change.ending.instant().is_some_and(|at| at <= now));
        self.open = open;
        due.sort_by_key(|change| change.ending.instant());
        due
    }

    pub(crate) fn end(&mut self, change: Change) {
        self.ended.insert(change.id.clone(), change);
    }

    pub(crate) fn find(&self, kind: ChangeKind, instance: &str, id: &str) -> Option<&Change> {
        let open = self.open.iter().find(|change| change.id == id);
        open.or_else(|| self.ended.get(id))
            .filter(|change| change.kind == kind && change.instance == instance)
    }

    pub(crate) fn of_instance(&self, kind: ChangeKind, instance: &str) -> impl Iterator<Item = &Change> {
        self.open.iter().chain(self.ended.values()).filter(move |c| c.kind == kind && c.instance == instance)
    }
}

impl Ending {
    /// When it comes, if it comes by itself.
    pub(crate) fn instant(&self) -> Option<Timestamp> {
        match self {
            Self::Due(at) | Self::Fails(at, _) => Some(*at),
            Self::Held => None,
        }
    }
}

impl ChangeStatus {
    /// The name on the wire.
    pub(crate) fn as_str(&self) -> &'static str {
        match self {
            Self::InProgress => "IN_PROGRESS",
            Self::Succeeded => "SUCCEEDED",
            Self::Failed(_) => "FAILED",
        }
    }
}
