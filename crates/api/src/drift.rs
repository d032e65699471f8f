use curfew_domain::{
    AccountId, AssignmentId, DriftId, PermissionSetArn, Reason, Seconds, StorePrincipalId, Timestamp,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How a finding is settled.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResolveDrift {
    /// `accept`, if nothing is said: it is fine as it is. Of a person's access that Curfew never gave also `remove`: it is
    /// deleted; or `adopt`: it becomes Curfew's, with a grant for that person.
    #[serde(default)]
    pub action: DriftAction,
    /// Why; required to have it removed or adopted.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 2000)]
    pub reason: Option<Reason>,
    /// How long adopted access lasts from now on; required for it, and for nothing else.
    #[serde(default)]
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 315_360_000)]
    pub duration_seconds: Option<Seconds>,
}

/// How a finding is settled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DriftAction {
    /// It is fine as it is.
    #[default]
    Accept,
    /// The access is deleted.
    Remove,
    /// The access becomes Curfew's, and ends with a grant.
    Adopt,
}

/// How AWS differs, or differed, from what should be there.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Drift {
    /// Its id.
    #[schema(value_type = Uuid)]
    pub id: DriftId,
    /// How: somebody removed access that a grant needs; access that was gone is there again; a person or a group has
    /// access that Curfew never gave.
    #[schema(value_type = DriftKindSchema)]
    pub kind: &'static str,
    /// Whether it waits for somebody to settle it.
    pub open: bool,
    /// What Curfew does, or did, about it.
    #[schema(value_type = DriftOutcomeSchema)]
    pub outcome: &'static str,
    /// The account.
    #[schema(value_type = String, pattern = "^[0-9]{12}$")]
    pub account_id: AccountId,
    /// The permission set.
    #[schema(value_type = String)]
    pub permission_set_arn: PermissionSetArn,
    /// The person or the group, as the identity store knows them.
    #[schema(value_type = String)]
    pub principal_id: StorePrincipalId,
    /// The assignment, where it is one of Curfew's, or is to be.
    #[schema(required, value_type = Option<Uuid>)]
    pub assignment_id: Option<AssignmentId>,
    /// When it was found.
    #[schema(value_type = String, format = DateTime)]
    pub found_at: Timestamp,
    /// From when on AWS did not show it any more; null as long as it does.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub over_at: Option<Timestamp>,
    /// When somebody settled it.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub resolved_at: Option<Timestamp>,
    /// Who.
    #[schema(required)]
    pub resolved_by: Option<String>,
    /// Why.
    #[schema(required, value_type = Option<String>)]
    pub resolve_reason: Option<Reason>,
}

/// How AWS differs.
#[derive(ToSchema)]
#[schema(as = DriftKind, rename_all = "snake_case")]
#[expect(dead_code, reason = "only its description is used")]
pub(crate) enum DriftKindSchema {
    Removed,
    Reappeared,
    UnmanagedUser,
    UnmanagedGroup,
}

/// What Curfew did about it.
#[derive(ToSchema)]
#[schema(as = DriftOutcome, rename_all = "snake_case")]
#[expect(dead_code, reason = "only its description is used")]
pub(crate) enum DriftOutcomeSchema {
    GrantsEnded,
    PutBack,
    DeletedAgain,
    LeftAlone,
    ToBeRemoved,
    Removed,
    Adopted,
}

impl From<curfew_domain::Drift> for Drift {
    fn from(drift: curfew_domain::Drift) -> Self {
        let open = drift.is_open();
        let (resolved_at, resolved_by, resolve_reason) = match drift.resolved {
            Some(resolved) => (Some(resolved.at), Some(resolved.by.to_string()), resolved.reason),
            None => (None, None, None),
        };
        Self {
            id: drift.id,
            kind: drift.kind.as_str(),
            open,
            outcome: drift.outcome.as_str(),
            account_id: drift.place.account,
            permission_set_arn: drift.place.permission_set,
            principal_id: drift.place.principal,
            assignment_id: drift.assignment,
            found_at: drift.found_at,
            over_at: drift.over_at,
            resolved_at,
            resolved_by,
            resolve_reason,
        }
    }
}
