//! A tenant's policies: kept, changed, and compiled for decisions.

mod change;
mod labour;
mod names;
mod read;
mod simulate;
mod snapshot;
mod statements;

pub use change::{NewPolicy, PolicyChange, TermsChange, change, create, delete};
pub use read::{PolicyDetail, get, list};
pub use simulate::{
    AskedBy, DecidingPolicy, DecidingRule, Difference, DifferenceKind, DraftChange, DraftFault, PastRequests,
    PersonsDifferences, Simulation, Summary, Trial, TrialRequests, Verdict, simulate,
};
pub use snapshot::{Snapshot, Snapshots};
pub use statements::{NewRule, Said};

pub use curfew_policy::{ActionScope, Denial, EntityRef, Outcome, RuleShape, Scope as RuleScope};
