//! The stand-in's state behind one lock: the world, its time, what is assigned, in progress, signed in and going wrong.

mod book;
mod change;
mod policies_before;
mod portal;
mod session;
mod settle;

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

pub(crate) use book::{AssignmentBook, Place};
pub use change::ChangeKind;
pub(crate) use change::{Change, ChangeStatus, Changes, Ending};
pub(crate) use policies_before::PoliciesBefore;
pub use portal::{PersonSession, PortalError, SessionAnswer, SignIn};
pub(crate) use session::Session;

use crate::{clock::SimClock, faults::Faults, limits::Buckets, log::CallLog, world::World};

/// Everything there is.
pub(crate) struct State {
    /// The world; its assignments are kept in `book`.
    pub(crate) world: World,
    pub(crate) clock: SimClock,
    pub(crate) book: AssignmentBook,
    pub(crate) changes: Changes,
    /// Sessions of assumed roles, by access key.
    pub(crate) sessions: HashMap<String, Session>,
    /// Sessions that people got by the portal.
    pub(crate) person_sessions: Vec<PersonSession>,
    pub(crate) policies_before: PoliciesBefore,
    pub(crate) faults: Faults,
    pub(crate) buckets: Buckets,
    pub(crate) log: CallLog,
}

impl State {
    /// The state in which a world begins.
    pub(crate) fn new(world: World) -> Self {
        let mut state = Self {
            world: World::empty(),
            clock: SimClock::system(),
            book: AssignmentBook::default(),
            changes: Changes::default(),
            sessions: HashMap::new(),
            person_sessions: Vec::new(),
            policies_before: PoliciesBefore::default(),
            faults: Faults::default(),
            buckets: Buckets::default(),
            log: CallLog::default(),
        };
        state.begin(world);
        state
    }

    /// Begins another world; sessions, changes, faults and counts end with the old one, the clock goes on.
    pub(crate) fn begin(&mut self, mut world: World) {
        self.book = AssignmentBook::default();
        for instance in world.organizations.iter_mut().flat_map(|o| &mut o.instances) {
            for assignment in std::mem::take(&mut instance.assignments) {
                self.book.add(&instance.arn, &assignment, Timestamp::MIN);
            }
        }
        self.world = world;
        self.changes = Changes::default();
        self.sessions.clear();
        self.person_sessions.clear();
        self.policies_before = PoliciesBefore::default();
        self.faults.clear();
        self.buckets.fill();
        self.log.clear();
    }

    /// The present instant, with everything that was due by it done.
    pub(crate) fn settled_now(&mut self) -> Timestamp {
        let now = self.clock.now();
        self.settle(now);
        now
    }

    /// The world with the assignments it holds now.
    pub(crate) fn snapshot(&self) -> World {
        let mut world = self.world.clone();
        for instance in world.organizations.iter_mut().flat_map(|o| &mut o.instances) {
            instance.assignments = self.book.held(&instance.arn);
        }
        world
    }

    /// Takes over a changed copy of the world; assignments that came or went did so now.
    pub(crate) fn take_over(&mut self, mut world: World, now: Timestamp) {
        for instance in world.organizations.iter_mut().flat_map(|o| &mut o.instances) {
            let wanted = std::mem::take(&mut instance.assignments);
            for held in self.book.held(&instance.arn) {
                if !wanted.contains(&held) {
                    self.book.remove(&instance.arn, &held, now);
                }
            }
            for assignment in wanted {
                self.book.add(&instance.arn, &assignment, now);
            }
        }
        self.world = world;
    }

    /// The instant whose assignments lists show.
    pub(crate) fn listed_instant(&self, now: Timestamp) -> Timestamp {
        let lag = SignedDuration::from_millis(self.world.behaviour.list_lag_ms);
        now.checked_sub(lag).unwrap_or(now)
    }
}
