//! What is due and not attended to yet, and who may be next.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use curfew_domain::{AssignmentId, TenantId, Timestamp};
use curfew_store::DueAssignment;
use tokio::time::Instant;

use super::places::Told;
use super::pressure::{self, PLACES_UNDER_PRESSURE, Pressure};

/// What was read this long ago is read anew: it may have become due for somebody else's doing.
const FRESH: Duration = Duration::from_millis(500);

/// And no sooner than this, whatever has changed: each change may bring a nudge, and reading all that is due for each
/// would cost more than the changes do.
const YOUNG: Duration = Duration::from_millis(20);

/// How many rows all connections together have in work at most.
const PLACES_OF_ALL: usize = 128;

/// And how many more for what is to be taken back and was not looked at yet: what waits to ask how others go holds none of
/// these places.
const PLACES_OF_ENDS: usize = 128;

/// And how many of those that take nothing back: however slow the AWS of others is, what is to be taken back finds a place.
const PLACES_OF_OTHERS: usize = PLACES_OF_ALL / 2;

/// Due rows of one reconciler, and its places.
#[derive(Debug)]
pub(super) struct Queue {
    /// How many rows of one connection are attended to at once; as many again of those that are being taken back, and of
    /// those that are about to be.
    places: usize,
    /// What waits, by how soon it shall be attended to.
    waiting: [VecDeque<DueAssignment>; 3],
    read_at: Option<Instant>,
    reading_took: Duration,
    /// Whether something may be due that was not when it was read.
    stale: bool,
    busy: HashMap<AssignmentId, DueAssignment>,
    /// Rows that stay due, and wait for a moment that is near. Nothing of that is written: whoever comes after this
    /// process looks at them at once.
    resting: HashMap<AssignmentId, (DueAssignment, Timestamp)>,
    /// Those that were called before they had begun to rest.
    called: HashSet<AssignmentId>,
    /// Those that are being taken back, at which generation: what is to be taken back and was not looked at
    /// yet goes before them.
    begun: HashMap<AssignmentId, u64>,
    pressure: Pressure,
    /// Whose ends are being prepared, and not sent yet.
    preparing: HashSet<TenantId>,
}

/// Rows of one connection that are attended to in one piece.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Begun {
    /// Which.
    pub(super) rows: Vec<DueAssignment>,
    /// Whose, where they are about to be taken back: others of it that are wait until these were sent.
    pub(super) preparing: Option<TenantId>,
}

/// How soon something shall be attended to. Each is taken up as [`Soon::TakeBack`] once at most, so none of the later ones
/// waits for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Soon {
    /// It is to be taken back, and nothing was done for that yet.
    TakeBack,
    /// It is being taken back.
    Prove,
    /// All else.
    Other,
}

impl Queue {
    /// Nothing is due yet; so many rows of one connection are attended to at once.
    pub(super) fn new(places: usize) -> Self {
        Self {
            places: places.max(1),
            waiting: [VecDeque::new(), VecDeque::new(), VecDeque::new()],
            read_at: None,
            reading_took: Duration::ZERO,
            stale: true,
            busy: HashMap::new(),
            resting: HashMap::new(),
            called: HashSet::new(),
            begun: HashMap::new(),
            pressure: Pressure::none(),
            preparing: HashSet::new(),
        }
    }

    /// How long until it should be read anew what is due; nothing where there is no place for it, or no reason.
    pub(super) fn reads_in(&self, now: Instant) -> Option<Duration> {
        let unchanged = !self.stale && self.waiting.iter().all(VecDeque::is_empty);
        if unchanged || self.busy.len() >= PLACES_OF_ALL + PLACES_OF_ENDS {
            return None;
        }
        // What takes long to read is not read all the time.
        let pause = if self.stale { YOUNG.max(self.reading_took * 3).min(FRESH) } else { FRESH };
        let read_again = self.read_at.map_or(now, |read_at| read_at + pause);
        Some(read_again.saturating_duration_since(now))
    }

    /// Reading what is due took so long.
    pub(super) fn note_reading(&mut self, took: Duration) {
        self.reading_took = took;
    }

    /// Somebody says that something has changed.
    pub(super) fn mark_stale(&mut self) {
        self.stale = true;
    }

    /// How many rows are due and need not be read: they rest, or are attended to.
    pub(super) fn known(&self) -> usize {
        self.resting.len() + self.busy.len()
    }

    /// What is due, read at `now`, in the order in which it shall be attended to; `all` where there is no more of it.
    pub(super) fn fill(&mut self, due: Vec<DueAssignment>, all: bool, now: Instant) {
        self.read_at = Some(now);
        self.stale = !all;
        self.waiting.iter_mut().for_each(VecDeque::clear);
        if all {
            let known: HashSet<_> = due.iter().map(|row| row.assignment).collect();
            let (busy, resting) = (&self.busy, &self.resting);
            self.begun
                .retain(|id, _| known.contains(id) || busy.contains_key(id) || resting.contains_key(id));
        }
        for row in due {
            let rests = self.resting.get(&row.assignment).map(|(rests, _)| rests.generation);
            if rests == Some(row.generation) {
                continue;
            }
            // Somebody has changed something about it since: it rests no longer.
            self.resting.remove(&row.assignment);
            if !self.busy.contains_key(&row.assignment) {
                self.waiting[self.soon(&row) as usize].push_back(row);
            }
        }
    }

    fn soon(&self, row: &DueAssignment) -> Soon {
        match (row.takes_back, self.begun.get(&row.assignment) == Some(&row.generation)) {
            (true, false) => Soon::TakeBack,
            (true, true) => Soon::Prove,
            (false, _) => Soon::Other,
        }
    }

    /// Lets those go on whose moment has come, before others that wait.
    pub(super) fn wake(&mut self, now: Timestamp) {
        let mut woken: Vec<(DueAssignment, Timestamp)> =
            self.resting.values().filter(|(_, until)| *until <= now).copied().collect();
        woken.sort_unstable_by_key(|(row, until)| (!row.takes_back, *until));
        for (row, _) in woken.into_iter().rev() {
            self.resting.remove(&row.assignment);
            if row.takes_back {
                self.waiting[self.soon(&row) as usize].push_front(row);
            } else {
                self.waiting[Soon::Other as usize].push_back(row);
            }
        }
    }

    /// Lets one go on that was called, before all others: it does not keep its turn for long.
    pub(super) fn call(&mut self, assignment: AssignmentId) {
        if let Some((row, _)) = self.resting.remove(&assignment) {
            self.waiting[Soon::TakeBack as usize].push_front(row);
        } else if self.busy.contains_key(&assignment) {
            self.called.insert(assignment);
        }
    }

    /// When the next of those that rest goes on.
    pub(super) fn next_wake(&self) -> Option<Timestamp> {
        self.resting.values().map(|(_, until)| *until).min()
    }

    /// The next to attend to in one piece: a row, with what else of its connection is to be taken back and was not looked at
    /// yet, where it is such a one.
    pub(super) fn next(&mut self, now: Instant) -> Option<Begun> {
        let row = self.next_row(now)?;
        if self.soon(&row) != Soon::TakeBack {
            return Some(Begun { rows: vec![row], preparing: None });
        }
        self.preparing.insert(row.tenant);
        Some(Begun { rows: self.with_others(row), preparing: Some(row.tenant) })
    }

    /// The next row, if there is a place for it. Each connection has places of its own, so that one with a slow
    /// AWS holds nobody; what is to be taken back finds a place also where all others are taken.
    fn next_row(&mut self, now: Instant) -> Option<DueAssignment> {
        let are_enough = self.is_under_pressure(now) && self.places_of_later() >= PLACES_UNDER_PRESSURE;
        let mut taken: HashMap<TenantId, usize> = HashMap::new();
        for row in self.busy.values() {
            *taken.entry(row.tenant).or_default() += 1;
        }
        let others = self.busy.values().filter(|row| !row.takes_back).count();
        let has_place = |soon: Soon, row: &DueAssignment| {
            let taken = taken.get(&row.tenant).copied().unwrap_or_default();
            let is_free = taken < self.places_of_one(soon) && self.busy.len() < places_of_all(soon);
            let stands_back = are_enough && soon != Soon::TakeBack;
            // What comes while some are prepared goes together with all that has come by then.
            let waits = soon == Soon::TakeBack && self.preparing.contains(&row.tenant);
            is_free && !stands_back && !waits && (row.takes_back || others < PLACES_OF_OTHERS)
        };
        let (soon, place) = self.waiting.iter().enumerate().find_map(|(soon, waiting)| {
            Some((soon, waiting.iter().position(|row| has_place(self.soon(row), row))?))
        })?;
        let row = self.waiting[soon].remove(place)?;
        self.busy.insert(row.assignment, row);
        Some(row)
    }

    fn is_under_pressure(&mut self, now: Instant) -> bool {
        let waiting = self.waiting[Soon::TakeBack as usize].len();
        self.pressure.is_high(waiting + self.busy.len() - self.places_of_later(), now)
    }

    /// How many rows are attended to that are not about to be taken back.
    fn places_of_later(&self) -> usize {
        self.busy.values().filter(|row| self.soon(row) != Soon::TakeBack).count()
    }

    /// When somebody who stands back should be looked for again, where nothing else happens.
    pub(super) fn relief_in(&mut self, now: Instant) -> Option<Duration> {
        let waits = !self.waiting.iter().all(VecDeque::is_empty);
        (waits && self.is_under_pressure(now)).then_some(pressure::LOOK_AGAIN)
    }

    fn with_others(&mut self, row: DueAssignment) -> Vec<DueAssignment> {
        let mut together = vec![row];
        let taken = self.busy.values().filter(|busy| busy.tenant == row.tenant).count();
        let of_one = self.places_of_one(Soon::TakeBack).saturating_sub(taken);
        let places = of_one.min(places_of_all(Soon::TakeBack).saturating_sub(self.busy.len()));
        let waiting = std::mem::take(&mut self.waiting[Soon::TakeBack as usize]);
        for other in waiting {
            let joins = other.tenant == row.tenant && self.soon(&other) == Soon::TakeBack;
            if joins && together.len() <= places {
                self.busy.insert(other.assignment, other);
                together.push(other);
            } else {
                self.waiting[Soon::TakeBack as usize].push_back(other);
            }
        }
        together
    }

    /// How many rows of one connection may be attended to where one like that is next.
    fn places_of_one(&self, soon: Soon) -> usize {
        match soon {
            Soon::TakeBack => self.places * 3,
            Soon::Prove => self.places * 2,
            Soon::Other => self.places,
        }
    }

    /// What came of rows that were begun.
    pub(super) fn hear(&mut self, told: Told) {
        match told {
            Told::Attended(row, rests_until) => self.ended(row, rests_until),
            Told::PutBack(row) => self.put_back(row),
            Told::Prepared(tenant) => self.prepared(tenant),
        }
    }

    /// What of a connection was about to be taken back was sent, or won't be: others of it may come.
    fn prepared(&mut self, tenant: TenantId) {
        self.preparing.remove(&tenant);
    }

    /// Nothing could be done about it yet: it goes before what came to its end later.
    fn put_back(&mut self, row: DueAssignment) {
        self.busy.remove(&row.assignment);
        self.called.remove(&row.assignment);
        let waiting = &mut self.waiting[self.soon(&row) as usize];
        let later = waiting.iter().position(|other| other.tenant == row.tenant && other.due_at > row.due_at);
        waiting.insert(later.unwrap_or(waiting.len()), row);
    }

    /// It was attended to; where it waits for a moment that is near, it rests until then.
    fn ended(&mut self, row: DueAssignment, rests_until: Option<Timestamp>) {
        self.busy.remove(&row.assignment);
        let was_called = self.called.remove(&row.assignment);
        // What was done before its end, for something else, does not put off its deletion.
        if row.takes_back {
            self.begun.insert(row.assignment, row.generation);
        }
        match rests_until {
            Some(_) if was_called => self.waiting[Soon::TakeBack as usize].push_front(row),
            Some(until) => drop(self.resting.insert(row.assignment, (row, until))),
            None => {
                self.begun.remove(&row.assignment);
                self.stale = true;
            }
        }
    }

    /// Another node's rows are its own to attend to.
    pub(super) fn forget_but(&mut self, owned: &[TenantId]) {
        self.resting.retain(|_, (row, _)| owned.contains(&row.tenant));
    }
}

/// The same of all connections together.
fn places_of_all(soon: Soon) -> usize {
    match soon {
        Soon::TakeBack => PLACES_OF_ALL + PLACES_OF_ENDS,
        Soon::Prove | Soon::Other => PLACES_OF_ALL,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(tenant: u32, nth: u32) -> DueAssignment {
        DueAssignment {
            tenant: TenantId::from_uuid(
                format!("00000000-0000-7000-8000-00000000000{tenant}").parse().unwrap(),
            ),
            assignment: AssignmentId::from_uuid(
                format!("00000000-0000-7000-8000-0000000000{tenant}{nth}").parse().unwrap(),
            ),
            due_at: at(nth),
            generation: 1,
            takes_back: false,
        }
    }

    fn at(nth: u32) -> Timestamp {
        Timestamp::from_micros(i64::from(nth))
    }

    fn next(queue: &mut Queue) -> Option<Vec<DueAssignment>> {
        queue.next(Instant::now()).map(|begun| begun.rows)
    }

    fn taken(queue: &mut Queue) -> Vec<DueAssignment> {
        std::iter::from_fn(|| next(queue)).flatten().collect()
    }

    fn nth(n: usize) -> AssignmentId {
        AssignmentId::from_uuid(uuid::Uuid::from_u128(n as u128))
    }

    #[test]
    fn while_much_comes_to_its_end_others_hold_few_places() {
        let (mut queue, now) = (Queue::new(20), Instant::now());
        let others = (0..20).map(|n| DueAssignment { assignment: nth(n), ..row(1, 1) });
        let ends: Vec<_> =
            (100..120).map(|n| DueAssignment { assignment: nth(n), takes_back: true, ..row(2, 1) }).collect();
        queue.fill(ends.iter().copied().chain(others).collect(), true, now);
        let begun = taken(&mut queue);
        assert_eq!(begun.iter().filter(|row| row.takes_back).count(), 20);
        assert_eq!(begun.len(), 20 + PLACES_UNDER_PRESSURE);
        assert!(queue.relief_in(now).is_some());
        for end in ends {
            queue.hear(Told::Attended(end, Some(at(50))));
        }
        let later = now + Duration::from_secs(1);
        assert_eq!(std::iter::from_fn(|| queue.next(later)).count(), 20 - PLACES_UNDER_PRESSURE);
        assert_eq!(queue.relief_in(later), None);
    }

    #[test]
    fn what_comes_to_its_end_while_others_are_prepared_waits_until_they_are_sent() {
        let (mut queue, now) = (Queue::new(2), Instant::now());
        let takes_back = |tenant, nth| DueAssignment { takes_back: true, ..row(tenant, nth) };
        queue.fill(vec![takes_back(1, 1)], true, now);
        let first = queue.next(now).unwrap();
        assert_eq!(first.preparing, Some(row(1, 1).tenant));
        queue.fill(vec![takes_back(1, 2), takes_back(1, 3), takes_back(2, 1)], true, now);
        assert_eq!(taken(&mut queue), [takes_back(2, 1)]);
        queue.hear(Told::Prepared(row(1, 1).tenant));
        assert_eq!(next(&mut queue).unwrap(), [takes_back(1, 2), takes_back(1, 3)]);
        queue.fill(vec![takes_back(1, 4)], true, now);
        for nth in [2, 3] {
            queue.hear(Told::PutBack(takes_back(1, nth)));
        }
        assert_eq!(next(&mut queue), None);
        queue.hear(Told::Prepared(row(1, 1).tenant));
        assert_eq!(
            next(&mut queue).unwrap(),
            [2, 3, 4].map(|nth| takes_back(1, nth)),
            "first come, first served"
        );
    }

    #[test]
    fn each_connection_has_places_of_its_own() {
        let mut queue = Queue::new(2);
        queue.fill(vec![row(1, 1), row(1, 2), row(1, 3), row(2, 1)], true, Instant::now());
        assert_eq!(taken(&mut queue), [row(1, 1), row(1, 2), row(2, 1)]);
    }

    #[test]
    fn what_is_to_be_taken_back_finds_a_place() {
        let mut queue = Queue::new(1);
        let takes_back = |nth| DueAssignment { takes_back: true, ..row(1, nth) };
        queue.fill(vec![row(1, 1)], true, Instant::now());
        assert_eq!(taken(&mut queue), [row(1, 1)]);
        queue.fill((2..=4).map(takes_back).collect(), true, Instant::now());
        assert_eq!(taken(&mut queue), [takes_back(2), takes_back(3)]);
    }

    #[test]
    fn however_much_is_given_what_is_to_be_taken_back_finds_a_place() {
        let mut queue = Queue::new(200);
        let many = (0..200).map(|n| DueAssignment {
            assignment: AssignmentId::from_uuid(uuid::Uuid::from_u128(n)),
            ..row(1, 1)
        });
        queue.fill(many.collect(), true, Instant::now());
        assert_eq!(taken(&mut queue).len(), PLACES_OF_OTHERS);
        let takes_back = DueAssignment { takes_back: true, ..row(2, 1) };
        queue.fill(vec![takes_back], true, Instant::now());
        assert_eq!(taken(&mut queue), [takes_back]);
    }

    #[test]
    fn what_nobody_has_looked_at_is_taken_back_before_what_is_being_taken_back() {
        let (mut queue, now) = (Queue::new(1), Instant::now());
        let takes_back = |nth| DueAssignment { takes_back: true, ..row(nth, nth) };
        queue.fill(vec![takes_back(1)], true, now);
        assert_eq!(next(&mut queue), Some(vec![takes_back(1)]));
        queue.ended(takes_back(1), Some(at(50)));
        queue.fill(vec![row(3, 3), takes_back(1), takes_back(2)], true, now);
        queue.wake(at(50));
        assert_eq!(taken(&mut queue), [takes_back(2), takes_back(1), row(3, 3)]);
        queue.ended(takes_back(1), Some(at(90)));
        let changed = DueAssignment { generation: 2, ..takes_back(1) };
        queue.prepared(row(1, 1).tenant);
        queue.fill(vec![takes_back(4), changed], true, now);
        assert_eq!(taken(&mut queue), [takes_back(4), changed], "somebody has changed it: it is another end");
    }

    #[test]
    fn what_was_attended_to_before_its_end_is_taken_back_as_soon_as_others() {
        let (mut queue, now) = (Queue::new(2), Instant::now());
        let takes_back = |nth| DueAssignment { takes_back: true, ..row(nth, nth) };
        queue.fill(vec![row(1, 1), takes_back(2)], true, now);
        assert_eq!(taken(&mut queue), [takes_back(2), row(1, 1)]);
        queue.ended(takes_back(2), Some(at(50)));
        queue.ended(row(1, 1), Some(at(50)));
        queue.wake(at(50));
        queue.fill(vec![takes_back(2), takes_back(1)], true, now);
        assert_eq!(taken(&mut queue), [takes_back(1), takes_back(2)]);
    }

    #[test]
    fn what_one_connection_has_to_take_back_comes_in_one_piece_as_far_as_there_are_places() {
        let (mut queue, now) = (Queue::new(2), Instant::now());
        let takes_back = |tenant, nth| DueAssignment { takes_back: true, ..row(tenant, nth) };
        let due = [(1, 1), (2, 1), (1, 2), (1, 3), (1, 4), (1, 5), (1, 6), (1, 7)]
            .map(|(tenant, nth)| takes_back(tenant, nth));
        queue.fill(due.to_vec(), true, now);
        assert_eq!(next(&mut queue).unwrap(), [1, 2, 3, 4, 5, 6].map(|nth| takes_back(1, nth)));
        assert_eq!(next(&mut queue).unwrap(), [takes_back(2, 1)]);
        queue.prepared(row(1, 1).tenant);
        assert_eq!(next(&mut queue), None);
        queue.ended(takes_back(1, 1), Some(at(50)));
        assert_eq!(next(&mut queue).unwrap(), [takes_back(1, 7)]);
        for nth in [2, 3, 4] {
            queue.ended(takes_back(1, nth), None);
        }
        queue.prepared(row(1, 1).tenant);
        queue.wake(at(50));
        queue.fill(vec![takes_back(1, 8), takes_back(1, 1)], true, now);
        queue.wake(at(50));
        assert_eq!(next(&mut queue).unwrap(), [takes_back(1, 8)], "what has begun goes on by itself");
    }

    #[test]
    fn what_is_under_way_is_not_begun_twice() {
        let (mut queue, now) = (Queue::new(3), Instant::now());
        queue.fill(vec![row(1, 1)], true, now);
        assert_eq!(next(&mut queue), Some(vec![row(1, 1)]));
        queue.fill(vec![row(1, 1), row(2, 1)], true, now);
        assert_eq!(taken(&mut queue), [row(2, 1)]);
        queue.ended(row(1, 1), None);
        queue.fill(vec![row(1, 1)], true, now);
        assert_eq!(next(&mut queue), Some(vec![row(1, 1)]));
    }

    #[test]
    fn what_waits_for_a_near_moment_rests_until_then() {
        let (mut queue, now) = (Queue::new(1), Instant::now());
        queue.fill(vec![row(1, 1)], true, now);
        assert_eq!(next(&mut queue), Some(vec![row(1, 1)]));
        queue.ended(row(1, 1), Some(at(50)));
        assert_eq!((queue.next_wake(), queue.known()), (Some(at(50)), 1));
        queue.fill(vec![row(1, 1)], true, now);
        queue.wake(at(49));
        assert_eq!(next(&mut queue), None);
        queue.wake(at(50));
        assert_eq!(next(&mut queue), Some(vec![row(1, 1)]));
    }

    #[test]
    fn what_is_called_goes_on_also_where_it_had_not_begun_to_rest() {
        let mut queue = Queue::new(2);
        queue.fill(vec![row(1, 1), row(1, 2)], true, Instant::now());
        assert_eq!(taken(&mut queue), [row(1, 1), row(1, 2)]);
        queue.ended(row(1, 1), Some(at(50)));
        for n in [1, 2] {
            queue.call(row(1, n).assignment);
        }
        assert_eq!(next(&mut queue), Some(vec![row(1, 1)]));
        queue.ended(row(1, 2), Some(at(50)));
        assert_eq!(next(&mut queue), Some(vec![row(1, 2)]));
    }

    #[test]
    fn what_somebody_changes_rests_no_longer() {
        let (mut queue, now) = (Queue::new(1), Instant::now());
        queue.fill(vec![row(1, 1)], true, now);
        assert_eq!(next(&mut queue), Some(vec![row(1, 1)]));
        queue.ended(row(1, 1), Some(at(50)));
        let changed = DueAssignment { generation: 2, takes_back: true, ..row(1, 1) };
        queue.fill(vec![changed], true, now);
        assert_eq!(next(&mut queue), Some(vec![changed]));
        assert_eq!(queue.next_wake(), None);
    }

    #[test]
    fn what_changes_is_read_soon_and_not_for_each_change() {
        let (mut queue, now) = (Queue::new(2), Instant::now());
        assert_eq!(queue.reads_in(now), Some(Duration::ZERO));
        queue.fill(vec![row(1, 1)], true, now);
        assert_eq!(queue.reads_in(now), Some(FRESH));
        assert_eq!(next(&mut queue), Some(vec![row(1, 1)]));
        assert_eq!(queue.reads_in(now), None, "nothing waits, and nothing has changed");
        queue.mark_stale();
        assert_eq!(queue.reads_in(now), Some(YOUNG));
        assert_eq!(queue.reads_in(now + YOUNG), Some(Duration::ZERO));
    }
}
