//! A tenant's policies: kept, changed, and compiled for decisions.

mod change;
mod evaluate;
mod explainers;
mod labour;
mod names;
mod read;
mod snapshot;
mod statements;

pub use change::{NewPolicy, PolicyChange, TermsChange, change, create, delete};
pub use evaluate::{Evaluated, Evaluation, GroupName, PersonName, evaluate};
pub use read::{PolicyDetail, get, list};
pub use snapshot::{Snapshot, Snapshots};
pub use statements::{NewRule, Said};

pub use curfew_policy::{
    ActionScope, Alternative, Decision, EntityRef, Explanation, Failure, Fault, Finding, GroupExplanation,
    GroupVerdict, Outcome, PassedOver, PointExplanation, RuleExplanation, RuleShape, Scope as RuleScope,
    Seen,
};
