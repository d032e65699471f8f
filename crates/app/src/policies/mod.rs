//! A tenant's policies: kept, changed, and compiled for decisions.
//!
//! Whoever changes one holds it meanwhile, so that of two who do so at once the second sees what the first did. What
//! takes long, parsing above all, is done before, while no unit is held.

mod analyze;
mod change;
mod evaluate;
mod expected;
mod explainers;
mod export;
mod fields;
mod groups;
mod labour;
mod names;
mod order;
mod reach;
mod read;
mod rewrite;
pub mod rules;
mod saving;
mod simulate;
mod snapshot;
mod statements;
pub mod versions;
mod warnings;

pub use analyze::{
    Analysis, Analyzed, Answered, Counterexample, IdleRule, Idleness, Reach, RuleName, RulesAnalyzed,
    RulesAsked, UntoldRule, analyze,
};
pub use change::{NewPolicy, PolicyChange, TermsChange, change, create, delete};
pub use evaluate::{Evaluated, evaluate};
pub use expected::{Edit, Expected};
pub use export::{CedarFile, cedar};
pub use fields::{
    ActionFields, ActionScopeType, FieldsChange, RuleFields, ScopeChange, ScopeFields, ScopeType,
};
pub use order::{Ordered, reorder, reorder_rules};
pub use reach::{Access, Reached, what_can_access, who_can_access};
pub use read::{PolicyDetail, get, list, schema};
pub use rewrite::RuleChange;
pub use rules::{RuleAt, RuleDetail};
pub use simulate::{
    AskedBy, DecidingPolicy, DecidingRule, Difference, DifferenceKind, DraftChange, DraftFault, PastRequests,
    PersonsDifferences, Simulation, Summary, Trial, TrialRequests, Verdict, simulate,
};
pub use snapshot::{Snapshot, Snapshots};
pub use statements::{NewRule, Said};
pub use versions::VersionDetail;

pub(crate) use groups::policies_naming;

pub use curfew_analysis::Solver;
pub use curfew_store::PolicyVersionSummary;

/// How often a change is taken up anew because another came between.
const TRIES: usize = 5;
pub use curfew_policy::{
    ActionScope, Alternative, Decision, Denial, DeterminingPolicy, EntityRef, Explanation, Failure, Fault,
    Finding, GroupExplanation, GroupVerdict, Outcome, PassedOver, PointExplanation, RuleExplanation,
    RuleShape, Scope as RuleScope, Seen, Warning, WarningCode, Warnings,
};
