//! Time in the model: it jumps from one moment at which something turns to the next, and creeps in between.
//!
//! Every span that `curfew-domain` knows is a whole number of half seconds. So a moment is a place on that grid and an
//! *instant* after it, a microsecond for each thing that happened since. Instants only put in order what happened at the
//! same place; which numbers they have makes no difference, and [`Moments`] forgets it.

use curfew_domain::Timestamp;
use curfew_domain::assignment::SETTLE;

/// When every story begins.
pub(crate) const START: Timestamp = Timestamp::from_micros(1_772_366_400_000_000);

const GRID: i64 = 500_000;

/// The next instant, at the same place.
pub(crate) fn instant_after(now: Timestamp) -> Timestamp {
    Timestamp::from_micros(now.micros() + 1)
}

/// The first instant after `now` that is not before `moment`.
pub(crate) fn jump(now: Timestamp, moment: Timestamp) -> Timestamp {
    let place = moment.micros() - moment.micros() % GRID;
    Timestamp::from_micros(place + now.micros() % GRID + 1)
}

/// Whether two moments are at the same place.
pub(crate) fn together(one: Timestamp, other: Timestamp) -> bool {
    one.micros() / GRID == other.micros() / GRID
}

/// Longer ago than any span that `curfew-domain` adds to a moment, but for the looks after Gone.
const LONG_AGO: i64 = -SETTLE.get() * 1_000_000 - GRID;

/// The moments that a state knows of, as far as they make a difference: how long from now, and in which order. Of those
/// long ago, and of those that no span is ever added to, the order alone.
pub(crate) struct Moments {
    now: Timestamp,
    dated: Vec<Timestamp>,
    instants: Vec<i64>,
}

impl Moments {
    pub(crate) fn of(now: Timestamp, dated: &[Timestamp], ordered: &[Timestamp]) -> Self {
        let mut instants: Vec<i64> =
            dated.iter().chain(ordered).map(|moment| moment.micros() % GRID).collect();
        instants.sort_unstable();
        instants.dedup();
        let mut dated: Vec<Timestamp> = dated.iter().copied().filter(|moment| *moment <= now).collect();
        dated.sort_unstable();
        Self { now, dated, instants }
    }

    /// The same moment in a story in which it is always the same time.
    pub(crate) fn seen_from_now(&self, moment: Timestamp) -> Timestamp {
        self.at(self.place(moment).max(LONG_AGO), moment)
    }

    /// The same, however long ago it was.
    pub(crate) fn counted_from(&self, moment: Timestamp) -> Timestamp {
        self.at(self.place(moment), moment)
    }

    fn place(&self, moment: Timestamp) -> i64 {
        (moment.micros() / GRID - self.now.micros() / GRID) * GRID
    }

    /// The same, moved back to the last one before it that is dated.
    pub(crate) fn in_order(&self, moment: Timestamp) -> Timestamp {
        let before = self.dated.partition_point(|dated| *dated <= moment);
        let dated = before.checked_sub(1).and_then(|nth| self.dated.get(nth));
        let place = dated.map_or(LONG_AGO, |dated| self.place(*dated));
        self.at(place.max(LONG_AGO), moment)
    }

    /// Instants go on from place to place, so they keep in order what is put together.
    fn at(&self, place: i64, moment: Timestamp) -> Timestamp {
        let fine = moment.micros() % GRID;
        let nth = self.instants.partition_point(|known| *known < fine);
        Timestamp::from_micros(START.micros() + place + i64::try_from(nth).unwrap_or(i64::MAX))
    }
}
