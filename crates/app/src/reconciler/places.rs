//! The places in the queue of rows that are attended to in one piece: each is given back as soon as nothing more is done
//! about its row.

use std::collections::HashMap;

use curfew_domain::{AssignmentId, TenantId, Timestamp};
use curfew_store::DueAssignment;
use parking_lot::Mutex;
use tokio::sync::mpsc::UnboundedSender;

/// What the queue is told.
#[derive(Debug)]
pub(super) enum Told {
    /// A row was attended to, and until when it is to be left alone although it is due.
    Attended(DueAssignment, Option<Timestamp>),
    /// A row could not be begun yet: it waits as before.
    PutBack(DueAssignment),
    /// What of this connection was about to be taken back was sent, or won't be.
    Prepared(TenantId),
}

/// The places that are held, and whom to tell.
#[derive(Debug)]
pub(super) struct Places {
    held: Mutex<HashMap<AssignmentId, DueAssignment>>,
    /// Whose ends are being prepared here.
    preparing: Mutex<Option<TenantId>>,
    tell: UnboundedSender<Told>,
}

impl Places {
    /// Of these rows, of which `preparing`'s are about to be taken back.
    pub(super) fn of(
        rows: &[DueAssignment],
        preparing: Option<TenantId>,
        tell: UnboundedSender<Told>,
    ) -> Self {
        let held = rows.iter().map(|row| (row.assignment, *row)).collect();
        Self { held: Mutex::new(held), preparing: Mutex::new(preparing), tell }
    }

    /// Whether these rows are about to be taken back, and not sent yet.
    pub(super) fn are_being_prepared(&self) -> bool {
        self.preparing.lock().is_some()
    }

    /// They were sent, or won't be: others of their connection need not wait.
    pub(super) fn prepared(&self) {
        if let Some(tenant) = self.preparing.lock().take() {
            self.say(Told::Prepared(tenant));
        }
    }

    fn say(&self, told: Told) {
        // Nobody is told any more where the loop has ended.
        let _ = self.tell.send(told);
    }

    /// Whether a row is still attended to.
    pub(super) fn hold(&self, assignment: AssignmentId) -> bool {
        self.held.lock().contains_key(&assignment)
    }

    /// Gives a row's place back, if it is held.
    pub(super) fn give_back(&self, assignment: AssignmentId, rests_until: Option<Timestamp>) {
        if let Some(row) = self.held.lock().remove(&assignment) {
            self.say(Told::Attended(row, rests_until));
        }
    }

    /// Gives a row's place back, if it is held, of which nothing was done.
    pub(super) fn put_back(&self, assignment: AssignmentId) {
        if let Some(row) = self.held.lock().remove(&assignment) {
            self.say(Told::PutBack(row));
        }
    }

    /// Gives all back that are held.
    pub(super) fn give_all_back(&self, rests_until: Option<Timestamp>) -> Vec<DueAssignment> {
        self.prepared();
        let rows: Vec<_> = self.held.lock().drain().map(|(_, row)| row).collect();
        for row in &rows {
            self.say(Told::Attended(*row, rests_until));
        }
        rows
    }
}
