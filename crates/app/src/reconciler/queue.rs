//! What is due and not attended to yet, and who may be next.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use curfew_domain::{AssignmentId, TenantId};
use curfew_store::DueAssignment;
use tokio::time::Instant;

/// What was read this long ago is read anew: it may have become due for somebody else's doing.
const FRESH: Duration = Duration::from_millis(500);

/// And no sooner than this, whatever has changed: each change may bring a nudge, and reading all that is due for each
/// would cost more than the changes do.
const YOUNG: Duration = Duration::from_millis(50);

/// How long a row rests that could not be attended to, so that nothing spins.
const REST: Duration = Duration::from_millis(500);

/// Due rows of one reconciler, and its places.
#[derive(Debug)]
pub(super) struct Queue {
    places: usize,
    waiting: VecDeque<DueAssignment>,
    read_at: Option<Instant>,
    /// Whether something may be due that was not when it was read.
    stale: bool,
    busy: HashMap<AssignmentId, TenantId>,
    resting: HashMap<AssignmentId, Instant>,
}

impl Queue {
    /// Nothing is due yet; so many are attended to at once.
    pub(super) fn new(places: usize) -> Self {
        Self {
            places: places.max(1),
            waiting: VecDeque::new(),
            read_at: None,
            stale: true,
            busy: HashMap::new(),
            resting: HashMap::new(),
        }
    }

    /// How long until it should be read anew what is due; nothing where there is no place for it, or no reason.
    pub(super) fn reads_in(&self, now: Instant) -> Option<Duration> {
        let unchanged = !self.stale && self.waiting.is_empty();
        if unchanged || self.busy.len() >= self.places {
            return None;
        }
        let pause = if self.stale { YOUNG } else { FRESH };
        let read_again = self.read_at.map_or(now, |read_at| read_at + pause);
        Some(read_again.saturating_duration_since(now))
    }

    /// Somebody says that something has changed.
    pub(super) fn mark_stale(&mut self) {
        self.stale = true;
    }

    /// What is due, read at `now`, in the order in which it shall be attended to; `all` where there is no more of it.
    pub(super) fn fill(&mut self, due: Vec<DueAssignment>, all: bool, now: Instant) {
        self.resting.retain(|_, until| now < *until);
        self.read_at = Some(now);
        self.stale = !all;
        self.waiting = due.into();
        let (busy, resting) = (&self.busy, &self.resting);
        self.waiting
            .retain(|row| !busy.contains_key(&row.assignment) && !resting.contains_key(&row.assignment));
    }

    /// The next to attend to, if there is a place for it. One tenant never has all places, where there are several, lest
    /// its slow AWS holds everybody.
    pub(super) fn next(&mut self) -> Option<DueAssignment> {
        if self.busy.len() >= self.places {
            return None;
        }
        let most = self.places.saturating_sub(1).max(1);
        let of = |tenant| self.busy.values().filter(|busy| **busy == tenant).count();
        let place = self.waiting.iter().position(|row| of(row.tenant) < most)?;
        let row = self.waiting.remove(place)?;
        self.busy.insert(row.assignment, row.tenant);
        Some(row)
    }

    /// It was attended to. What could not be done now rests a little.
    pub(super) fn ended(&mut self, row: DueAssignment, worked: bool, now: Instant) {
        self.busy.remove(&row.assignment);
        self.stale = true;
        if !worked {
            self.resting.insert(row.assignment, now + REST);
        }
    }
}

#[cfg(test)]
mod tests {
    use curfew_domain::Timestamp;

    use super::*;

    fn row(tenant: u32, nth: u32) -> DueAssignment {
        DueAssignment {
            tenant: TenantId::from_uuid(
                format!("00000000-0000-7000-8000-00000000000{tenant}").parse().unwrap(),
            ),
            assignment: AssignmentId::from_uuid(
                format!("00000000-0000-7000-8000-0000000000{tenant}{nth}").parse().unwrap(),
            ),
            due_at: Timestamp::from_micros(i64::from(nth)),
            generation: 1,
        }
    }

    #[test]
    fn one_tenant_never_has_all_places() {
        let mut queue = Queue::new(3);
        queue.fill(vec![row(1, 1), row(1, 2), row(1, 3), row(2, 1)], true, Instant::now());
        let taken: Vec<_> = std::iter::from_fn(|| queue.next()).collect();
        assert_eq!(taken, [row(1, 1), row(1, 2), row(2, 1)]);
    }

    #[test]
    fn what_is_under_way_is_not_begun_twice() {
        let (mut queue, now) = (Queue::new(3), Instant::now());
        queue.fill(vec![row(1, 1)], true, now);
        assert_eq!(queue.next(), Some(row(1, 1)));
        queue.fill(vec![row(1, 1), row(2, 1)], true, now);
        assert_eq!(queue.next(), Some(row(2, 1)));
        assert_eq!(queue.next(), None);
        queue.ended(row(1, 1), true, now);
        queue.fill(vec![row(1, 1)], true, now);
        assert_eq!(queue.next(), Some(row(1, 1)));
    }

    #[test]
    fn what_could_not_be_done_rests_and_is_read_again() {
        let (mut queue, now) = (Queue::new(1), Instant::now());
        queue.fill(vec![row(1, 1)], true, now);
        assert_eq!(queue.next(), Some(row(1, 1)));
        assert_eq!(queue.reads_in(now), None, "there is no place");
        queue.ended(row(1, 1), false, now);
        assert_eq!(queue.reads_in(now), Some(YOUNG));
        queue.fill(vec![row(1, 1)], true, now);
        assert_eq!(queue.next(), None);
        queue.fill(vec![row(1, 1)], true, now + REST);
        assert_eq!(queue.next(), Some(row(1, 1)));
    }

    #[test]
    fn what_changes_is_read_soon_and_not_for_each_change() {
        let (mut queue, now) = (Queue::new(2), Instant::now());
        assert_eq!(queue.reads_in(now), Some(Duration::ZERO));
        queue.fill(vec![row(1, 1)], true, now);
        assert_eq!(queue.reads_in(now), Some(FRESH));
        assert_eq!(queue.next(), Some(row(1, 1)));
        assert_eq!(queue.reads_in(now), None, "there is nothing to wait for");
        queue.mark_stale();
        queue.mark_stale();
        assert_eq!(queue.reads_in(now), Some(YOUNG));
        assert_eq!(queue.reads_in(now + YOUNG), Some(Duration::ZERO));
        queue.fill(vec![row(1, 1)], false, now + YOUNG);
        assert_eq!(queue.reads_in(now + YOUNG), Some(YOUNG), "there is more than was read");
    }
}
