//! What people know: which access they were given, when and for how long, by a watch that nobody sets.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use curfew_tests::Json;
use serde_json::Value;

use crate::chance::Chance;
use crate::people::{Deed, Heard, LONGER};

/// How many of the latest grants somebody wants to change.
const LATEST: usize = 80;

#[derive(Default)]
pub(crate) struct Ledger {
    pub(crate) grants: BTreeMap<String, Known>,
    pub(crate) unheard: Vec<Deed>,
    latest: Vec<(usize, usize, String)>,
}

/// A grant that somebody was told of.
pub(crate) struct Known {
    pub(crate) estate: usize,
    pub(crate) is_revoked: bool,
    told_at: Instant,
    seconds: u64,
}

impl Ledger {
    pub(crate) fn note(&mut self, estate: usize, heard: Heard) {
        match heard {
            Heard::Granted { grant, person, seconds } => {
                let known = Known { estate, is_revoked: false, told_at: Instant::now(), seconds };
                let before = self.grants.insert(grant.clone(), known);
                assert!(before.is_none(), "two who asked were both given {grant}");
                self.latest.push((estate, person, grant));
            }
            Heard::Prolonged { grant } => self.known(&grant).seconds += LONGER,
            Heard::Revoked { grant } => self.known(&grant).is_revoked = true,
            Heard::Refused => {}
            Heard::Nothing(deed) => self.unheard.push(deed),
        }
    }

    fn known(&mut self, grant: &str) -> &mut Known {
        self.grants.get_mut(grant).expect("somebody was told of it")
    }

    /// A tenant's, that is likely to last still, and who has it.
    pub(crate) fn one_of_the_latest(
        &mut self,
        estate: usize,
        chance: &mut Chance,
    ) -> Option<(String, usize)> {
        self.latest.drain(..self.latest.len().saturating_sub(LATEST));
        let own: Vec<_> = self.latest.iter().filter(|(of, ..)| *of == estate).collect();
        let (_, person, grant) = own.get(chance.below(own.len()))?;
        Some((grant.clone(), *person))
    }
}

impl Known {
    /// Whether it may still last. What AWS could not be told at once begins later, and so ends later.
    pub(crate) fn may_last(&self) -> bool {
        !self.is_revoked && self.told_at.elapsed() < Duration::from_secs(self.seconds)
    }
}

/// A body's text, where it has one of that name.
pub(crate) fn text(body: &Value, name: &str) -> Option<String> {
    body[name].is_string().then(|| body.text(name))
}
