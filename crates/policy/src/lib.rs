//! How access requests are decided, and who may call what: Cedar, and everything that knows it.
//!
//! - [`Statement`] is one rule as somebody wrote it, or as it was assembled from a [`RuleShape`]; with its names
//!   resolved to ids and validated against [`ACCESS_SCHEMA`] it is a [`Rule`].
//! - [`CompiledPolicies`] is what a tenant's enabled policies compile to: immutable, made anew at each change.
//! - [`decide`] answers an [`AccessQuestion`] from them. It is total and fail-closed: whatever goes wrong denies.
//! - [`operations::Authorizer`] answers, by a second and separate schema, which caller may call which operation.
//!
//! Everything here is pure. Times, ids and facts about AWS come in as arguments; only this crate names Cedar.

mod aws_ids;
mod compile;
mod decide;
mod decision;
mod entities;
mod format;
mod index;
mod judge;
mod lexer;
pub mod operations;
mod problem;
mod question;
mod rule;
mod schema;
mod shape;
mod shift;
mod statement;

pub use compile::CompiledPolicies;
pub use decide::decide;
pub use decision::{
    Decision, Denial, DeterminingPolicy, Fault, GroupTrace, GroupVerdict, Outcome, PassedOver, PointTrace,
    Terms,
};
pub use entities::cedar_question;
pub use format::formatted;
pub use problem::{PolicyInvalid, Problem};
pub use question::{AccessQuestion, AccountFacts, NamedResource, PermissionSetFacts, PersonFacts, Target};
pub use rule::{NameKind, NameProblem, PrincipalId, PrincipalName, Rule};
pub use schema::ACCESS_SCHEMA;
pub use shape::{ActionScope, EntityRef, RuleShape, Scope};
pub use shift::Shift;
pub use statement::{MOST_STATEMENTS, Statement, too_many_statements};
