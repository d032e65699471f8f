//! The rules of play: how fast, how lagging and how limited AWS is, and which merely observed habits it shows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How AWS behaves in this world.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Behaviour {
    /// How long a creation or deletion stays `IN_PROGRESS`, in milliseconds of the stand-in's clock.
    pub assignment_ms: i64,
    /// How long `ListAccountAssignments` lags behind the truth, in milliseconds of the stand-in's clock.
    pub list_lag_ms: i64,
    /// How long a changed policy still counts as it was, in milliseconds of the stand-in's clock.
    pub policy_lag_ms: i64,
    /// Cuts every list into pages of this many at most.
    pub page_size: Option<usize>,
    /// Whether signatures are verified; keys, tokens, dates and scopes always are.
    pub check_signatures: bool,
    /// Rates and quotas.
    pub limits: Limits,
    /// Habits that are seen and not promised.
    pub observed: Observed,
}

/// Rates and quotas. [`Limits::default`] has no rates, [`Limits::published`] has AWS's own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// All SSO Admin operations of a calling account together.
    pub sso_admin: Option<Rate>,
    /// Each Identity Store operation of a calling account.
    pub identity_store: Option<Rate>,
    /// Organizations operations, by name.
    pub organizations: BTreeMap<String, Rate>,
    /// All STS operations of a calling account together.
    pub sts: Option<Rate>,
    /// Creations of one instance that may be in progress at once.
    pub outstanding_creations: Option<usize>,
}

/// A token bucket.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// Tokens that come back in a second.
    pub per_second: f64,
    /// Tokens that fit in.
    pub burst: f64,
}

/// Habits of AWS that its documentation does not promise: seen in other systems' code and reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "independent switches, each for one habit")]
pub struct Observed {
    /// *Observed.* Creating what is already assigned is accepted and succeeds. Off: `ConflictException`.
    pub duplicates_succeed: bool,
    /// *Observed.* An unknown principal is accepted, then the creation fails. Off: `ResourceNotFoundException`.
    pub unknown_principals_fail_later: bool,
    /// *Observed* both ways: what the deletion of a missing assignment meets.
    pub missing_deletion: MissingDeletion,
    /// *Observed.* A deletion for a user who was deleted fails, and the assignment stays. Off: it succeeds.
    pub deleted_users_keep_assignments: bool,
    /// *Observed.* A second change in the same account meets `ConflictException` (documented is only that
    /// one role of an account is updated at a time). Off: only a change of the same assignment does.
    pub one_change_per_account: bool,
    /// *Observed.* A permission set provisioned in the management account can't be managed by a delegated
    /// administrator on member accounts either. Off: only in the management account.
    pub explicit_deny_reaches_members: bool,
    /// *Observed.* Missing `iam:` rights in the management account show as a failed change. Off: as
    /// `AccessDeniedException` to the call itself.
    pub missing_iam_rights_fail_later: bool,
    /// *Observed.* Too many outstanding creations meet `ThrottlingException`. Off: `ServiceQuotaExceededException`.
    pub outstanding_creations_throttle: bool,
    /// Documented as occasional: lists of Organizations begin with an empty page and a token.
    pub organizations_empty_pages: bool,
    /// *Observed* in the records of `CloudTrail`. A person's session is issued at a whole second, the one before. Off: at
    /// the instant.
    pub sessions_begin_at_whole_seconds: bool,
    /// Whether accounts still carry the older `Status`.
    pub accounts_have_status: bool,
    /// Whether accounts carry the newer `State`.
    pub accounts_have_state: bool,
}

/// What deleting an assignment that isn't there meets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MissingDeletion {
    /// `ResourceNotFoundException`.
    #[default]
    Refused,
    /// Accepted, then `FAILED` with "Received a 404 status error: `EntitlementItem` doesn't exist …".
    FailsLater,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            assignment_ms: 200,
            list_lag_ms: 0,
            policy_lag_ms: 0,
            page_size: None,
            check_signatures: true,
            limits: Limits::default(),
            observed: Observed::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            sso_admin: None,
            identity_store: None,
            organizations: BTreeMap::new(),
            sts: None,
            outstanding_creations: Some(15),
        }
    }
}

impl Default for Observed {
    fn default() -> Self {
        Self {
            duplicates_succeed: true,
            unknown_principals_fail_later: true,
            missing_deletion: MissingDeletion::Refused,
            deleted_users_keep_assignments: true,
            one_change_per_account: true,
            explicit_deny_reaches_members: true,
            missing_iam_rights_fail_later: true,
            outstanding_creations_throttle: true,
            organizations_empty_pages: false,
            sessions_begin_at_whole_seconds: true,
            accounts_have_status: true,
            accounts_have_state: true,
        }
    }
}

impl Limits {
    /// What AWS publishes.
    ///
    /// - <https://docs.aws.amazon.com/singlesignon/latest/userguide/limits.html> (20 a second together, 15 outstanding)
    /// - <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html> (rate, burst)
    /// - <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html> (STS: 600 a second)
    #[must_use]
    pub fn published() -> Self {
        let organizations = [
            ("ListAccounts", Rate::new(8.0, 12.0)),
            ("ListParents", Rate::new(5.0, 8.0)),
            ("ListAccountsForParent", Rate::new(5.0, 8.0)),
            ("ListOrganizationalUnitsForParent", Rate::new(5.0, 8.0)),
            ("ListRoots", Rate::new(1.0, 2.0)),
            ("DescribeOrganization", Rate::new(1.0, 2.0)),
            ("ListTagsForResource", Rate::new(10.0, 15.0)),
            ("UpdatePolicy", Rate::new(2.0, 3.0)),
        ];
        Self {
            sso_admin: Some(Rate::new(20.0, 20.0)),
            identity_store: Some(Rate::new(20.0, 20.0)),
            organizations: organizations.map(|(name, rate)| (name.to_owned(), rate)).into(),
            sts: Some(Rate::new(600.0, 600.0)),
            outstanding_creations: Some(15),
        }
    }
}

impl Rate {
    /// A bucket that holds `burst` and fills by `per_second`.
    #[must_use]
    pub fn new(per_second: f64, burst: f64) -> Self {
        Self { per_second, burst }
    }
}
