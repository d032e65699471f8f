//! How AWS differs from what should be there, and what became of it.

use serde::{Deserialize, Serialize};

use crate::{
    AccountId, AssignmentId, DoneBy, DriftId, InstanceArn, Invalid, PermissionSetArn, Reason,
    StorePrincipalId, Timestamp,
};

/// How it differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DriftKind {
    /// Somebody removed access that a live grant needs.
    Removed,
    /// Access that was gone is there again: it is deleted again.
    Reappeared,
    /// A person has access that Curfew never gave, as far as it knows: it is left alone, unless nobody but Curfew may
    /// assign the permission set.
    UnmanagedUser,
    /// A group has access that Curfew never gave: it is left alone, and counted as nothing.
    UnmanagedGroup,
}

impl DriftKind {
    /// All of them.
    pub const ALL: [DriftKind; 4] =
        [DriftKind::Removed, DriftKind::Reappeared, DriftKind::UnmanagedUser, DriftKind::UnmanagedGroup];

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            DriftKind::Removed => "removed",
            DriftKind::Reappeared => "reappeared",
            DriftKind::UnmanagedUser => "unmanaged_user",
            DriftKind::UnmanagedGroup => "unmanaged_group",
        }
    }

    /// Whether it is there as long as AWS shows it. The others have happened, and are over.
    pub const fn lasts(self) -> bool {
        matches!(self, DriftKind::UnmanagedUser | DriftKind::UnmanagedGroup)
    }
}

impl std::str::FromStr for DriftKind {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or_else(|| {
            Invalid::new("a kind of drift is one of removed, reappeared, unmanaged_user, unmanaged_group")
        })
    }
}

/// What Curfew did about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DriftOutcome {
    /// The grants that needed it have ended: whoever removed it may be fighting an intruder.
    GrantsEnded,
    /// It was put back, as the tenant has chosen.
    PutBack,
    /// It was deleted again.
    DeletedAgain,
    /// Nothing: it is not Curfew's.
    LeftAlone,
    /// It is removed soon: nobody but Curfew may assign the permission set, since a short while ago.
    ToBeRemoved,
    /// It is removed: nobody but Curfew may assign the permission set, or somebody has said so.
    Removed,
    /// It is Curfew's from now on, and ends with a grant.
    Adopted,
}

impl DriftOutcome {
    const ALL: [DriftOutcome; 7] = [
        DriftOutcome::GrantsEnded,
        DriftOutcome::PutBack,
        DriftOutcome::DeletedAgain,
        DriftOutcome::LeftAlone,
        DriftOutcome::ToBeRemoved,
        DriftOutcome::Removed,
        DriftOutcome::Adopted,
    ];

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            DriftOutcome::GrantsEnded => "grants_ended",
            DriftOutcome::PutBack => "put_back",
            DriftOutcome::DeletedAgain => "deleted_again",
            DriftOutcome::LeftAlone => "left_alone",
            DriftOutcome::ToBeRemoved => "to_be_removed",
            DriftOutcome::Removed => "removed",
            DriftOutcome::Adopted => "adopted",
        }
    }
}

impl std::str::FromStr for DriftOutcome {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::ALL
            .into_iter()
            .find(|outcome| outcome.as_str() == text)
            .ok_or_else(|| Invalid::new("no such outcome"))
    }
}

/// Which access in AWS.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DriftPlace {
    /// The Identity Center instance.
    pub instance: InstanceArn,
    /// The account.
    pub account: AccountId,
    /// The permission set.
    pub permission_set: PermissionSetArn,
    /// The person or the group.
    pub principal: StorePrincipalId,
}

/// A difference that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drift {
    /// Its id.
    pub id: DriftId,
    /// How AWS differs.
    pub kind: DriftKind,
    /// Where.
    pub place: DriftPlace,
    /// The assignment, where it is one of Curfew's.
    pub assignment: Option<AssignmentId>,
    /// What Curfew did about it.
    pub outcome: DriftOutcome,
    /// When it was found.
    pub found_at: Timestamp,
    /// From when on AWS did not differ so any more.
    pub over_at: Option<Timestamp>,
    /// Who has settled it, and when.
    pub resolved: Option<DriftResolution>,
}

/// That somebody has looked at a finding, and is content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DriftResolution {
    /// Who.
    pub by: DoneBy,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: Option<Reason>,
}

impl Drift {
    /// Whether nobody has settled it, and it has not ended by itself.
    pub fn is_open(&self) -> bool {
        self.resolved.is_none() && !(self.kind.lasts() && self.over_at.is_some())
    }
}
