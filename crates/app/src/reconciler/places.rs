//! The places in the queue of rows that are attended to in one piece: each is given back as soon as nothing more is done
//! about its row.

use std::collections::HashMap;

use curfew_domain::{AssignmentId, Timestamp};
use curfew_store::DueAssignment;
use parking_lot::Mutex;
use tokio::sync::mpsc::UnboundedSender;

/// A row that was attended to, and until when it is to be left alone although it is due.
pub(super) type Attended = (DueAssignment, Option<Timestamp>);

/// The places that are held, and whom to tell.
#[derive(Debug)]
pub(super) struct Places {
    held: Mutex<HashMap<AssignmentId, DueAssignment>>,
    tell: UnboundedSender<Attended>,
}

impl Places {
    /// Of these rows.
    pub(super) fn of(rows: &[DueAssignment], tell: UnboundedSender<Attended>) -> Self {
        Self { held: Mutex::new(rows.iter().map(|row| (row.assignment, *row)).collect()), tell }
    }

    /// Whether a row is still attended to.
    pub(super) fn hold(&self, assignment: AssignmentId) -> bool {
        self.held.lock().contains_key(&assignment)
    }

    /// Gives a row's place back, if it is held.
    pub(super) fn give_back(&self, assignment: AssignmentId, rests_until: Option<Timestamp>) {
        if let Some(row) = self.held.lock().remove(&assignment) {
            // Nobody is told any more where the loop has ended.
            let _ = self.tell.send((row, rests_until));
        }
    }

    /// Gives all back that are held.
    pub(super) fn give_all_back(&self, rests_until: Option<Timestamp>) -> Vec<DueAssignment> {
        let rows: Vec<_> = self.held.lock().drain().map(|(_, row)| row).collect();
        for row in &rows {
            let _ = self.tell.send((*row, rests_until));
        }
        rows
    }
}
