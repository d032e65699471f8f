//! What was sent to AWS, and what was seen there.

use serde::{Deserialize, Serialize};

use crate::{Invalid, Timestamp};

use super::step::{RELIST_PAUSE, SETTLE};

/// What a list showed before the first creation of an *episode*: from the look before the first creation to the
/// last look after Gone. Within an episode all that is seen is Curfew's own, for lists lag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Baseline {
    /// When it was looked.
    pub at: Timestamp,
    /// Whether the assignment was there: then it is *standing access*, and nothing is created or deleted.
    pub present: bool,
}

/// The two calls that change an assignment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallKind {
    /// `CreateAccountAssignment`.
    Create,
    /// `DeleteAccountAssignment`.
    Delete,
}

impl CallKind {
    /// As stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            CallKind::Create => "create",
            CallKind::Delete => "delete",
        }
    }
}

impl std::str::FromStr for CallKind {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        match text {
            "create" => Ok(CallKind::Create),
            "delete" => Ok(CallKind::Delete),
            _ => Err(Invalid::new("a call is a create or a delete")),
        }
    }
}

/// A call whose end AWS has not told: either it works on it, or the answer was lost.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct InFlight {
    /// Creation or deletion.
    pub kind: CallKind,
    /// When it was sent (written before it was).
    pub sent_at: Timestamp,
    /// AWS's request id, by which its status can be asked; none when the answer was lost.
    pub aws_request_id: Option<String>,
}

impl InFlight {
    /// Whether so long ago that AWS must have ended it, whatever became of its answer.
    pub fn has_settled(&self, now: Timestamp) -> bool {
        now >= self.sent_at + SETTLE
    }
}

/// How a call ended, as far as AWS has told.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum CallOutcome {
    /// AWS took it and works on it.
    Accepted {
        /// By which its status can be asked.
        aws_request_id: String,
    },
    /// Done.
    Succeeded,
    /// A deletion of what isn't there.
    NoSuchEntitlement,
    /// Not done, and will be tried again: throttled, in conflict with another change, or AWS's own fault.
    Again {
        /// What AWS said.
        reason: String,
    },
    /// Refused in a way that waiting does not mend. Deletions go on all the same.
    Refused {
        /// What AWS said.
        reason: String,
    },
    /// The answer was lost: it may have been done.
    Unknown {
        /// What went wrong.
        reason: String,
    },
}

/// All that is known of one assignment in AWS.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Observed {
    /// This episode's baseline; none outside an episode.
    pub baseline: Option<Baseline>,
    /// When this episode's last creation was sent.
    pub created_at: Option<Timestamp>,
    /// When this episode's last deletion was sent.
    pub deletion_sent_at: Option<Timestamp>,
    /// When the last creation was seen to have succeeded, by status or list, with no deletion sent since.
    pub present_at: Option<Timestamp>,
    /// When the last deletion ended in success or "no such entitlement", with no creation sent since.
    pub deleted_at: Option<Timestamp>,
    /// When a list was last taken, and whether it showed the assignment.
    pub listed: Option<Baseline>,
    /// Calls whose end is not known yet.
    pub in_flight: Vec<InFlight>,
    /// When it was proved gone; the looks afterwards count from here.
    pub gone_at: Option<Timestamp>,
    /// How many looks after Gone were taken.
    pub looks: u8,
    /// Failed tries in a row.
    pub attempts: u32,
    /// No try before this moment.
    pub retry_at: Option<Timestamp>,
    /// Whether AWS refused the creation for good.
    pub refused: bool,
    /// How many creations since it was last absent for certain may have been done, or may be yet.
    #[serde(default)]
    pub creations: u32,
    /// Whether AWS refused the last deletion, or took it and doesn't say what became of it: then only a list tells.
    #[serde(default)]
    pub deletion_unproved: bool,
    /// When a list was last asked for and not given.
    #[serde(default)]
    pub asked_in_vain: Option<Timestamp>,
    /// Since when lists do not show it although it should be there.
    #[serde(default)]
    pub missing_since: Option<Timestamp>,
    /// From when on it should have been gone, the last time that it was told to be overdue.
    #[serde(default)]
    pub told_overdue: Option<Timestamp>,
    /// When it became Curfew's although Curfew has not made it, or has forgotten that it did.
    #[serde(default)]
    pub claimed_at: Option<Timestamp>,
}

/// Where an assignment stands in AWS, in a word; stored beside [`Observed`] for queries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Nothing was ever sent.
    Unseen,
    /// A creation is on its way.
    Creating,
    /// It exists, by Curfew's doing.
    Present,
    /// It is being taken back.
    Deleting,
    /// It was there before Curfew, and stays.
    Standing,
    /// AWS has no such assignment any more.
    Gone,
}

impl Phase {
    const ALL: [Phase; 6] =
        [Phase::Unseen, Phase::Creating, Phase::Present, Phase::Deleting, Phase::Standing, Phase::Gone];

    /// As stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Phase::Unseen => "unseen",
            Phase::Creating => "creating",
            Phase::Present => "present",
            Phase::Deleting => "deleting",
            Phase::Standing => "standing",
            Phase::Gone => "gone",
        }
    }

    /// What a live grant says of it.
    pub(crate) const fn provisioning(self) -> crate::grant::ProvisioningStatus {
        use crate::grant::ProvisioningStatus;
        match self {
            Phase::Unseen | Phase::Gone => ProvisioningStatus::Pending,
            Phase::Creating | Phase::Deleting => ProvisioningStatus::Provisioning,
            Phase::Present | Phase::Standing => ProvisioningStatus::Successful,
        }
    }
}

impl std::str::FromStr for Phase {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::ALL
            .into_iter()
            .find(|phase| phase.as_str() == text)
            .ok_or_else(|| Invalid::new("no such phase"))
    }
}

impl Observed {
    /// Where it stands.
    pub fn phase(&self) -> Phase {
        if self.baseline.is_some_and(|baseline| baseline.present) {
            return Phase::Standing;
        }
        if self.gone_at.is_some() {
            return Phase::Gone;
        }
        if self.is_present() {
            return Phase::Present;
        }
        match (self.created_at, self.deletion_sent_at) {
            (None, _) => Phase::Unseen,
            (Some(created), Some(deletion)) if deletion > created => Phase::Deleting,
            (Some(_), _) => Phase::Creating,
        }
    }

    /// Whether the assignment is known to exist by Curfew's doing.
    pub fn is_present(&self) -> bool {
        self.present_at.is_some()
    }

    /// A list was taken at `at`. The first of an episode is its baseline.
    pub fn looked(&mut self, at: Timestamp, present: bool) {
        let look = Baseline { at, present };
        self.listed = Some(look);
        if self.baseline.is_none() {
            self.baseline = Some(look);
            return;
        }
        match (self.gone_at, self.deleted_at) {
            (Some(_), _) => self.looked_after_gone(at, present),
            // Lists lag, or something put it back: the next deletion waits a little.
            (None, Some(_)) if present => self.back_off(at + RELIST_PAUSE),
            (None, None) if present => self.seen_present(at),
            _ => {}
        }
        self.in_flight.retain(|call| !call.has_settled(at));
    }

    /// A list that was asked for at `at` shows access that is to be Curfew's, whoever has made it. From here on it is like
    /// access that Curfew made then: it stays while a grant needs it, is taken back, proved gone and looked for again.
    pub fn claim(&mut self, at: Timestamp) {
        let look = |present| Some(Baseline { at, present });
        *self = Self {
            baseline: look(false),
            listed: look(true),
            created_at: Some(at),
            present_at: Some(at),
            claimed_at: Some(at),
            creations: 1,
            ..Self::default()
        };
    }

    /// Whether what AWS holds of it is Curfew's: what stands, and what belongs to no episode, is not.
    pub fn is_curfews(&self) -> bool {
        self.baseline.is_some_and(|baseline| !baseline.present)
    }

    /// The list shows a creation of this episode, unless a deletion was sent since, which the list may lag behind.
    fn seen_present(&mut self, at: Timestamp) {
        let Some(created) = self.created_at else { return };
        if self.deletion_sent_at.is_some_and(|deletion| deletion > created) {
            return;
        }
        self.present_at = self.present_at.or(Some(at));
        // Until then it may be the one before, which was proved gone: lists lag.
        if self.deletion_sent_at.is_none_or(|deletion| at >= deletion + SETTLE) {
            self.only_creation_has_landed();
        }
    }

    fn looked_after_gone(&mut self, at: Timestamp, present: bool) {
        if present {
            self.gone_at = None;
            self.looks = 0;
            self.deleted_at = None;
            self.present_at = Some(at);
        } else {
            self.looks = self.looks.saturating_add(1);
        }
    }

    /// A call is about to be sent: this is written before it is, so that a crash leaves it unknown, never unwritten.
    pub fn sending(&mut self, kind: CallKind, at: Timestamp) {
        if kind == CallKind::Delete && !self.deletion_was_sent() {
            self.attempts = 0;
            self.retry_at = None;
        }
        self.in_flight.push(InFlight { kind, sent_at: at, aws_request_id: None });
        self.present_at = None;
        self.missing_since = None;
        self.deletion_unproved = false;
        match kind {
            CallKind::Create => {
                self.created_at = Some(at);
                self.creations = self.creations.saturating_add(1);
                self.deleted_at = None;
                self.gone_at = None;
                self.looks = 0;
            }
            CallKind::Delete => self.deletion_sent_at = Some(at),
        }
    }

    /// A list was asked for at `at`, and AWS gave none.
    pub fn looked_in_vain(&mut self, at: Timestamp) {
        self.asked_in_vain = Some(at);
    }

    /// Whether a deletion was sent since the last creation.
    pub fn deletion_was_sent(&self) -> bool {
        self.deletion_sent_at.is_some_and(|deletion| self.created_at.is_none_or(|created| created < deletion))
    }

    /// What AWS said at `at` of the call that was sent at `sent_at`, at once or when asked later.
    pub fn answered(&mut self, kind: CallKind, sent_at: Timestamp, outcome: &CallOutcome, at: Timestamp) {
        match outcome {
            CallOutcome::Accepted { aws_request_id } => {
                self.name_call(kind, sent_at, Some(aws_request_id));
            }
            CallOutcome::Unknown { .. } => {
                let had_name = self.name_call(kind, sent_at, None);
                self.deletion_unproved |= kind == CallKind::Delete && had_name;
            }
            CallOutcome::Again { .. } => self.was_not_done(kind, sent_at),
            CallOutcome::Refused { .. } => {
                self.was_not_done(kind, sent_at);
                self.refused |= kind == CallKind::Create;
                self.deletion_unproved |= kind == CallKind::Delete;
            }
            CallOutcome::Succeeded | CallOutcome::NoSuchEntitlement => {
                self.drop_call(kind, sent_at);
                self.ended_well(kind, sent_at, outcome, at);
            }
        }
    }

    fn was_not_done(&mut self, kind: CallKind, sent_at: Timestamp) {
        if self.drop_call(kind, sent_at) && kind == CallKind::Create {
            self.creations = self.creations.saturating_sub(1);
        }
    }

    fn ended_well(&mut self, kind: CallKind, sent_at: Timestamp, outcome: &CallOutcome, at: Timestamp) {
        self.attempts = 0;
        self.retry_at = None;
        match kind {
            CallKind::Create if self.deletion_sent_at.is_none_or(|deletion| deletion < sent_at) => {
                self.present_at = Some(at);
            }
            CallKind::Delete if self.created_at.is_none_or(|created| created < sent_at) => {
                self.deleted_at = Some(at);
                // Lost deletions before this one can do no more than it did.
                self.in_flight.retain(|call| call.kind != CallKind::Delete || call.sent_at > sent_at);
                if *outcome == CallOutcome::Succeeded {
                    self.only_creation_has_landed();
                }
            }
            _ => {}
        }
    }

    /// The last try failed: the next not before `retry_at`.
    pub fn back_off(&mut self, retry_at: Timestamp) {
        self.attempts = self.attempts.saturating_add(1);
        self.retry_at = Some(retry_at);
    }

    /// It is proved gone.
    pub fn gone(&mut self, at: Timestamp) {
        self.gone_at = Some(at);
        self.looks = 0;
        self.present_at = None;
        self.refused = false;
        self.attempts = 0;
        self.retry_at = None;
        self.creations = 0;
        self.deletion_unproved = false;
        // What is left are deletions, of which the list has told.
        self.in_flight.clear();
    }

    /// The episode is over: the next creation takes a new baseline.
    pub fn end_episode(&mut self) {
        *self = Self { gone_at: self.gone_at, looks: self.looks, ..Self::default() };
    }

    /// The assignment was seen, or taken back: if one creation alone can have made it, that one has landed. Of two,
    /// the other may still be on its way.
    fn only_creation_has_landed(&mut self) {
        if self.creations == 1 {
            self.in_flight.retain(|call| call.kind != CallKind::Create);
        }
    }

    /// Names a call that is in flight, or takes its name away. Says whether it had one.
    fn name_call(&mut self, kind: CallKind, sent_at: Timestamp, aws_request_id: Option<&String>) -> bool {
        let mut calls = self.in_flight.iter_mut();
        let Some(call) = calls.find(|call| call.kind == kind && call.sent_at == sent_at) else {
            return false;
        };
        let had_name = call.aws_request_id.is_some();
        call.aws_request_id = aws_request_id.cloned();
        had_name
    }

    /// Says whether it was in flight.
    fn drop_call(&mut self, kind: CallKind, sent_at: Timestamp) -> bool {
        let before = self.in_flight.len();
        self.in_flight.retain(|call| !(call.kind == kind && call.sent_at == sent_at));
        self.in_flight.len() < before
    }
}
