//! A tenant's policies: kept, changed, and compiled for decisions.

mod change;
mod labour;
mod names;
mod read;
mod snapshot;
mod statements;

pub use change::{NewPolicy, PolicyChange, TermsChange, change, create, delete};
pub use read::{PolicyDetail, get, list};
pub use snapshot::{Snapshot, Snapshots};
pub use statements::{NewRule, Said};

pub use curfew_policy::{ActionScope, EntityRef, RuleShape, Scope as RuleScope};
