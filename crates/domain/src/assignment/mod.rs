//! The centre: an *assignment* is what AWS holds, and the unit of work.
//!
//! It is unique by (tenant, instance, account, permission set, principal). *Desired* is derived from its grants,
//! *observed* is what was sent to AWS and seen there, and [`next_step`] says what to do about the difference. The
//! functions here are pure and total: the reconciler runs them in earnest, and a property test against an AWS that does
//! all that AWS may do (`tests/domain/assignments`).

mod difference;
mod observed;
mod reasons;
mod step;

pub use difference::{Difference, difference};
pub use observed::{Baseline, CallKind, CallOutcome, InFlight, Observed, Phase};
pub use reasons::{desired, next_turn};
pub use step::{Desired, SETTLE, Step, next_step};

use serde::{Deserialize, Serialize};

use crate::{AccountId, IdentityStoreId, InstanceArn, PermissionSetArn, Region, StorePrincipalId};

/// Which assignment, with everything a deletion needs: frozen when the row is made, so that a later change of the
/// configuration or of a person's e-mail can't aim the deletion elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct AssignmentKey {
    /// The Identity Center instance.
    pub instance: InstanceArn,
    /// Its primary region, where calls go.
    pub region: Region,
    /// Its identity store.
    pub identity_store: IdentityStoreId,
    /// The account that access is given to.
    pub account: AccountId,
    /// What may be done there.
    pub permission_set: PermissionSetArn,
    /// The person, as the identity store knows them.
    pub principal: StorePrincipalId,
}
