//! How access requests are decided, and who may call what: Cedar, and everything that knows it.
//!
//! - [`Statement`] is one rule as somebody wrote it, or as it was assembled from a [`RuleShape`]; with its names
//!   resolved to ids and validated against [`ACCESS_SCHEMA`] it is a [`Rule`].
//! - [`CompiledPolicies`] is what a tenant's enabled policies compile to: immutable, made anew at each change.
//! - [`decide`] answers an [`AccessQuestion`] from them. It is total and fail-closed: whatever goes wrong denies.
//! - [`forbidden`] answers what forbids an access that somebody gives by hand, which needs no permit.
//! - [`Explainer`] says why a decision is what it is: of each rule that did not match, which condition failed, and by
//!   which values.
//! - [`Reach`] decides many questions that differ in one side alone.
//! - [`warnings_of`] says what is worth knowing of a policy that was saved.
//! - [`operations::Authorizer`] answers, by a second and separate schema, which caller may call which operation.
//!
//! Everything here is pure. Times, ids and facts about AWS come in as arguments; only this crate
//! and `curfew-analysis`, which proves things of policies, name Cedar.

mod annotation;
mod aws_ids;
mod compile;
mod decide;
mod decision;
mod entities;
mod explain;
mod forbidden;
mod format;
mod index;
mod judge;
mod lexer;
pub mod operations;
mod partial;
mod permitted;
mod problem;
mod question;
mod reach;
mod reshape;
mod rule;
mod schema;
mod shape;
mod shift;
mod standing;
mod statement;
mod warnings;

pub use annotation::{with_annotations, with_its_annotations};
pub use compile::CompiledPolicies;
pub use decide::decide;
pub use decision::{
    Decision, Denial, DeterminingPolicy, Fault, GroupTrace, GroupVerdict, Outcome, PassedOver, PointTrace,
    Terms,
};
pub use entities::cedar_question;
pub use explain::{
    Alternative, Excerpt, Explainer, Explanation, Failure, Finding, GroupExplanation, Part, PointExplanation,
    RuleExplanation, Seen, SilentGroups,
};
pub use forbidden::{Prohibition, forbidden};
pub use format::{formatted, laid_out};
pub use problem::{PolicyInvalid, Problem};
pub use question::{
    AccessQuestion, AccountFacts, NamedResource, PermissionSetFacts, PersonFacts, Target, unit_links,
};
pub use reach::Reach;
pub use rule::{NameKind, NameProblem, PrincipalId, PrincipalName, Rule, resolved_names};
pub use schema::{ACCESS_SCHEMA, access_schema, access_schema_json};
pub use shape::{ActionScope, EntityRef, RuleShape, Scope};
pub use shift::Shift;
pub use standing::{StandingGroup, StandingPolicy, StandingRule};
pub use statement::{MOST_NAMES, MOST_STATEMENTS, Statement, too_many_names, too_many_statements};
pub use warnings::{
    MOST_WARNINGS, Surroundings, Warning, WarningCode, Warnings, warnings_of, warnings_of_order,
};
