//! What was survived, in a line.

use std::collections::BTreeMap;
use std::fmt;

use crate::misfortune::Misfortunes;
use crate::records::Records;

pub(crate) struct Report {
    misfortunes: String,
    entries: usize,
    grants: BTreeMap<String, usize>,
}

impl Report {
    pub(crate) fn of(misfortunes: &Misfortunes) -> Self {
        let Misfortunes { kills, pauses, restarts, removals, clocks, .. } = misfortunes;
        let faults: Vec<String> =
            misfortunes.faults.iter().map(|(kind, times)| format!("{times} {kind}")).collect();
        let misfortunes = format!(
            "{kills} kills, {pauses} pauses, {restarts} database restarts, {} clock leaps forward and {} back, \
             {removals} removals by hand, {} faults ({})",
            clocks.forward,
            clocks.back,
            misfortunes.faults.values().sum::<u32>(),
            faults.join(", ")
        );
        Self { misfortunes, entries: 0, grants: BTreeMap::new() }
    }

    pub(crate) fn count(&mut self, records: &Records) {
        self.entries += records.entries;
        for grant in records.grants.values() {
            let how = if grant["provisioning_error"].is_null() {
                grant["status"].as_str().unwrap_or_default().to_owned()
            } else {
                "failed".to_owned()
            };
            *self.grants.entry(how).or_default() += 1;
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let grants: Vec<String> = self.grants.iter().map(|(how, count)| format!("{count} {how}")).collect();
        write!(
            f,
            "{}; {} grants ({}), {} entries of them; 0 violations",
            self.misfortunes,
            self.grants.values().sum::<usize>(),
            grants.join(", "),
            self.entries
        )
    }
}
