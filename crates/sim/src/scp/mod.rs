//! Service control policies as a language: what AWS takes as one, and whom one denies what.
//!
//! <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_syntax.html>

mod document;
mod evaluate;
mod patterns;

pub(crate) use document::Document;
pub(crate) use evaluate::Attempt;

/// "Maximum size of a policy document: SCPs: 10240 characters", white space counted where it is not typed into the
/// console. <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html>
pub(crate) const MOST_CHARACTERS: usize = 10_240;
