//! When the owner comes back to a row, and what nobody will come back to.

use curfew_domain::assignment::{CallKind, CallOutcome, Desired, SETTLE, Step, desired, next_turn};
use curfew_domain::{Seconds, Timestamp};

use super::aws::{Maker, Stage};
use super::promises::STANDING_STAYS;
use super::rules::Rules;
use super::world::{Doing, Process, World};

/// After so long a creation that AWS works on keeps a deletion waiting no more.
const PATIENCE: Seconds = Seconds::of(60);

impl World {
    /// What became of a change that nobody will ask after makes no difference any more.
    pub(crate) fn aws_forgets(&mut self) {
        let in_flight = self.row.observed.in_flight.iter().filter_map(|call| call.aws_request_id.as_ref());
        let heard = self.owner.iter().chain(&self.former).filter_map(Process::hears_of);
        let known: Vec<u8> = in_flight.chain(heard).filter_map(|id| id.parse().ok()).collect();
        self.aws
            .changes
            .retain(|change| change.is_working() || change.id.is_some_and(|id| known.contains(&id)));
    }
}

/// When the owner comes back to the row.
impl World {
    /// At `moment`, or earlier when a grant turns. What it does every few seconds while nothing changes is left out: it
    /// comes back when what it waits for has ended ([`World::stir`]), or must have.
    pub(crate) fn comes_back_at(&self, rules: &impl Rules, moment: Timestamp, now: Timestamp) -> Timestamp {
        let again = self.step(rules, moment);
        let waits_for = match again {
            Step::Look if self.past.unchanged_since_look && self.has_looked_since_all() => self
                .row
                .observed
                .in_flight
                .iter()
                .map(|call| call.sent_at + SETTLE)
                .filter(|at| *at > now)
                .min(),
            Step::Create | Step::Delete if self.aws.is_busy() => self.aws.next_deadline(),
            _ => None,
        };
        self.or_turn(waits_for.map_or(moment, |at| at.max(moment)), now)
    }

    /// Whether the last look was taken after everything that was sent or ended: then only time makes another one of use.
    pub(crate) fn has_looked_since_all(&self) -> bool {
        let observed = &self.row.observed;
        let since = |moment| observed.listed.is_some_and(|look| look.at > moment);
        !observed.in_flight.is_empty()
            && observed.in_flight.iter().map(|call| call.sent_at).chain(observed.deleted_at).all(since)
    }

    /// AWS works on a call: until it is asked no more, or does not keep a deletion waiting any more.
    pub(crate) fn stops_asking_at(&self, kind: CallKind, sent_at: Timestamp, now: Timestamp) -> Timestamp {
        let keeps_waiting = kind == CallKind::Create && desired(&self.row.grants, now) == Desired::Absent;
        let patient = sent_at + PATIENCE;
        self.or_turn(if keeps_waiting && patient > now { patient } else { sent_at + SETTLE }, now)
    }

    pub(crate) fn or_turn(&self, moment: Timestamp, now: Timestamp) -> Timestamp {
        next_turn(&self.row.grants, now).map_or(moment, |turn| turn.min(moment))
    }

    /// AWS has ended something that the owner asks after every few seconds: it is about to. Nobody touches the row.
    pub(crate) fn stir(&mut self) {
        self.past.unchanged_since_look = false;
        if !self.row.observed.in_flight.is_empty() {
            self.row.due = self.row.due.map(|due| due.min(self.now));
        }
    }

    /// What AWS says of the call that the owner would ask after; none while it works on it, or says so.
    pub(crate) fn told(&self, aws_request_id: &str) -> Option<CallOutcome> {
        match self.aws.status(aws_request_id.parse().ok()?)? {
            Stage::Ended(outcome) => Some(outcome.clone()),
            Stage::Working { .. } | Stage::Unsaid => None,
        }
    }

    /// A process that was overtaken, and has nothing left but to learn of it, makes no difference any more.
    pub(crate) fn forget_inert(&mut self, rules: &impl Rules) {
        let (written_by, leased_by) = (self.row.fence, self.lease.fence);
        self.former.take_if(|former| match &former.doing {
            Doing::Nothing => true,
            Doing::About(_) | Doing::Heard { .. } | Doing::Looked { .. } | Doing::LookedToClaim { .. } => {
                !rules.lets_write(written_by, leased_by, former.fence)
            }
            Doing::Settling { touched, .. } => *touched && rules.respects_generation(),
            Doing::WrittenDown { .. } => false,
        });
    }

    /// Whether standing access was taken.
    pub(crate) fn is_taken_from(&mut self, maker: Option<Maker>) {
        self.broken.note(STANDING_STAYS, maker == Some(Maker::Others));
    }
}
