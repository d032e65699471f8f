//! Security Token Service: `AssumeRole` and `GetCallerIdentity`.
//!
//! <https://docs.aws.amazon.com/STS/latest/APIReference/welcome.html>

mod assume_role;
mod caller_identity;

use crate::call::Operation;

/// The operations that are played.
pub(crate) const OPERATIONS: &[(&str, Operation)] =
    &[("AssumeRole", assume_role::assume_role), ("GetCallerIdentity", caller_identity::get_caller_identity)];
