use curfew_domain::{LockdownId, LockdownScope, Reason, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::one_of;

/// A lockdown that is to be started.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewLockdown {
    /// What is locked down: a person, an AWS account, or the whole tenant.
    #[schema(schema_with = scope)]
    pub scope: LockdownScope,
    /// Which: a user's UUID, or an account's 12 digits. Left out where the scope is `tenant`.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 36, example = "123456789012")]
    pub id: Option<String>,
    /// Why. Shown to those who may see lockdowns.
    #[schema(value_type = String, min_length = 1, max_length = 2000, example = "INC-7: a key of this account has leaked")]
    pub reason: Reason,
}

/// A lockdown: while it is in force, nobody is given what it covers.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Lockdown {
    /// Its id. Whoever is refused because of it is told this one.
    #[schema(value_type = Uuid)]
    pub id: LockdownId,
    /// What is locked down.
    #[schema(schema_with = scope)]
    pub scope: LockdownScope,
    /// The user or the account; null for the tenant.
    #[schema(required)]
    pub subject_id: Option<String>,
    /// Why; null once that was erased.
    #[schema(required, value_type = Option<String>)]
    pub reason: Option<Reason>,
    /// Whether it is in force: not lifted yet.
    pub in_force: bool,
    /// How many live grants it ended when it started.
    pub grants_revoked: u64,
    /// Who started it.
    #[schema(value_type = Uuid)]
    pub created_by: UserId,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// Who lifted it.
    #[schema(required, value_type = Option<Uuid>)]
    pub lifted_by: Option<UserId>,
    /// When it was lifted.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub lifted_at: Option<Timestamp>,
}

fn scope() -> utoipa::openapi::schema::Object {
    one_of(LockdownScope::ALL.map(LockdownScope::as_str))
}
