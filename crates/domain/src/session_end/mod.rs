//! Ending AWS's sessions together with the access that they came from.
//!
//! Deleting an assignment leaves alive the role sessions that AWS issued for it, and no call ends them. What does is a
//! deny in a service control policy (AWS, "Use a Deny policy to revoke active user permissions"). A *session end* is one
//! such deny: of one person's sessions, with one permission set, in one account, from one end of that access.
//!
//! It denies without a time first, so that no session can be minted between the decision and the deletion. Once the
//! assignment is gone, or somebody gives it anew, a *cut-off* is put in: sessions that were issued later are spared. It
//! is taken out when no session can be left.

macro_rules! names {
    ($(#[$doc:meta])* $type:ident { $($(#[$of:meta])* $variant:ident = $name:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $type { $($(#[$of])* $variant),+ }

        impl $type {
            /// All of them.
            pub const ALL: &[$type] = &[$($type::$variant),+];

            /// As stored and logged.
            pub const fn as_str(self) -> &'static str {
                match self { $($type::$variant => $name),+ }
            }
        }

        impl std::str::FromStr for $type {
            type Err = Invalid;

            fn from_str(text: &str) -> Result<Self, Invalid> {
                let found = Self::ALL.iter().find(|one| one.as_str() == text);
                found.copied().ok_or_else(|| Invalid::new(concat!("no such ", stringify!($type))))
            }
        }
    };
}

mod life;
mod policies;
mod rights;
mod shown;

pub use life::{CUT_OFF_MARGIN, LONGEST_SESSION, SessionEndState, SessionEndTimes, Wanted};
pub use policies::{Arrangement, Deny, PLACEHOLDER, POLICY_CHARACTERS, arrange, document};
pub use rights::{Behind, behind};
pub use shown::{PolicyProblem, SessionsOf, SessionsReason, SessionsState, ShownSessions, shown};

use crate::text::text_type;
use crate::{
    AccountId, AssignmentId, AwsPartition, InstanceArn, Invalid, PermissionSetArn, SessionEndId,
    StorePrincipalId,
};

/// One end of AWS's sessions, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionEnd {
    /// Its id.
    pub id: SessionEndId,
    /// The assignment that the sessions came from.
    pub assignment: AssignmentId,
    /// The Identity Center instance: only the organization that has it also has these sessions.
    pub instance: InstanceArn,
    /// The permission set.
    pub permission_set: PermissionSetArn,
    /// Which sessions.
    pub sessions: Sessions,
    /// Why they end.
    pub cause: SessionEndCause,
    /// Its moments.
    pub times: SessionEndTimes,
    /// The policy that holds it, by its name, as far as is known.
    pub place: Option<String>,
}

/// Sessions of one person, with one permission set, in one account.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Sessions {
    /// The account.
    pub account: AccountId,
    /// The permission set's name in AWS, which its roles carry.
    pub set: AwsSetName,
    /// The person, as the identity store knows them.
    pub principal: StorePrincipalId,
    /// The world of AWS that the account is in.
    pub partition: AwsPartition,
}

text_type!(
    /// A permission set's name as AWS has it (SSO Admin API, `Name`: `[\w+=,.@-]+`, 1 to 32): no wildcard can stand in it.
    AwsSetName,
    |text| {
        let in_name = |b: u8| b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b);
        let sound = (1..=32).contains(&text.len()) && text.bytes().all(in_name);
        sound.then_some(()).ok_or_else(|| Invalid::new("a permission set's name has 1 to 32 of A-Z a-z 0-9 _+=,.@-"))
    }
);

names! {
    /// Why sessions end before their time.
    SessionEndCause {
        /// Somebody revoked the grant.
        Revoked = "revoked",
        /// A lockdown, a suspension or a deletion ended it.
        TakenBack = "taken_back",
        /// Somebody removed the access in AWS.
        Removed = "removed",
        /// What was gone came back, and is deleted again.
        Reappeared = "reappeared",
        /// No grant ever gave it, and Curfew removes it.
        Unmanaged = "unmanaged",
        /// It was an emergency's, and those leave nothing behind.
        BreakGlass = "break_glass",
        /// The grant failed after some of its access had been given.
        Failed = "failed",
    }
}

names! {
    /// Why a deny is no longer wanted, or never was.
    SessionEndOutcome {
        /// No session can be left.
        TakenOut = "taken_out",
        /// Newer ones needed its place: the oldest goes first.
        LeftOut = "left_out",
        /// The tenant ends no sessions any more.
        OptedOut = "opted_out",
        /// A later end of the same access says the same, and more.
        Superseded = "superseded",
        /// The sessions have ended by themselves before AWS's policies could be written.
        NeverDenied = "never_denied",
        /// No service control policy reaches the management account (AWS, "SCP effects on permissions").
        ManagementAccount = "management_account",
        /// What the permission set is called in AWS is not known.
        UnknownSet = "unknown_set",
    }
}
