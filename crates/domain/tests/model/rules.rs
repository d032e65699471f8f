//! The rules that the reconciler goes by: `curfew-domain`'s transition functions, and what the reconciler adds to them.
//! A broken set of rules changes one of them.

use curfew_domain::Timestamp;
use curfew_domain::assignment::{CallKind, CallOutcome, Desired, Observed, Step, next_step};

/// What the model is generic over. The defaults are the rules that Curfew goes by.
pub(crate) trait Rules: Clone + Send + Sync + 'static {
    fn next_step(&self, desired: Desired, observed: &Observed, now: Timestamp) -> Step {
        next_step(desired, observed, now)
    }

    fn looked(&self, observed: &mut Observed, at: Timestamp, present: bool) {
        observed.looked(at, present);
    }

    fn answered(
        &self,
        observed: &mut Observed,
        kind: CallKind,
        sent_at: Timestamp,
        outcome: &CallOutcome,
        at: Timestamp,
    ) {
        observed.answered(kind, sent_at, outcome, at);
    }

    fn claim(&self, observed: &mut Observed, at: Timestamp) {
        observed.claim(at);
    }

    /// Whether who was given the lease with number `fence` may write a row that was last written with `written_by`, while
    /// the lease has number `leased_by`.
    fn lets_write(&self, written_by: u32, leased_by: u32, fence: u32) -> bool {
        written_by <= fence && leased_by <= fence
    }

    /// Whether a call is written down before it is sent.
    fn writes_before_sending(&self) -> bool {
        true
    }

    /// Whether it is decided anew, within the transaction, what was decided on before.
    fn decides_again(&self) -> bool {
        true
    }

    /// Whether the lease is looked at once more between writing down and sending.
    fn checks_before_sending(&self) -> bool {
        true
    }

    /// Whether a due row stays as it is that somebody has touched since it was read.
    fn respects_generation(&self) -> bool {
        true
    }
}

/// As it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AsItIs;

impl Rules for AsItIs {}
