//! Asking how calls go that AWS has taken.

use curfew_aws::{AwsError, AwsErrorKind, CallStatus};
use curfew_domain::Timestamp;
use curfew_domain::assignment::{CallKind, CallOutcome};
use curfew_store::AssignmentWork;
use tokio::time::Instant;

use super::lease::Held;
use super::tempo::{Call, Load};
use super::work::Went;
use super::{Reconciler, Target};
use crate::AppError;

/// When it is asked first how a change goes, where nobody knows yet how long they take.
const FIRST_ASKED_MILLIS: i64 = 50;

impl Reconciler {
    /// Asks AWS how a call goes that it took.
    pub(super) async fn poll(
        &self,
        target: Target,
        held: Held,
        work: &AssignmentWork,
        kind: CallKind,
        sent_at: Timestamp,
        aws_request_id: &str,
    ) -> Result<Went, AppError> {
        self.turns.keep(target.tenant, &work.key.account, target.assignment, kind, sent_at);
        let call = Call { tenant: target.tenant, assignment: target.assignment, kind, sent_at };
        let busy = self.limiters.is_busy(target.tenant);
        if let Some(first) = self.tempo.first_poll(&call, busy).filter(|first| *first > self.app.clock.now())
        {
            return Ok(Went::Wait(first));
        }
        let polled = self.ask_how_it_goes(target, held, work, kind, sent_at, aws_request_id).await;
        if !matches!(polled, Ok(Polled::Working)) {
            self.release_turn(target, work);
        }
        Ok(match polled? {
            Polled::Working => {
                let (busy, others) =
                    (self.limiters.is_busy(target.tenant), self.turns.under_way(target.tenant));
                let load = if busy { Load::Busy } else { Load::Spare { under_way: others } };
                Went::Wait(self.tempo.next_poll(&call, self.app.clock.now(), load))
            }
            Polled::Went(went) => went,
        })
    }

    /// When AWS is asked first how a change goes that it has just taken.
    pub(super) fn first_asked(&self, call: &Call) -> Timestamp {
        let first = self.tempo.first_poll(call, self.limiters.is_busy(call.tenant));
        first.unwrap_or_else(|| call.sent_at.plus_millis(FIRST_ASKED_MILLIS))
    }

    async fn ask_how_it_goes(
        &self,
        target: Target,
        held: Held,
        work: &AssignmentWork,
        kind: CallKind,
        sent_at: Timestamp,
        aws_request_id: &str,
    ) -> Result<Polled, AppError> {
        let Some(access) = self.access(target.tenant, &work.key).await? else {
            return Ok(Polled::Went(self.wait_for_connection()));
        };
        if !self.limiters.take_soon(target.tenant, self.urgency(work)).await {
            return Ok(Polled::Working);
        }
        let aws = match self.app.aws.assignments(&access.role).await {
            Ok(aws) => aws,
            Err(error) => return self.could_not_ask(target, held, &error).await.map(Polled::Went),
        };
        let Some(held) = self.leases.still(target.tenant, held, Instant::now()) else {
            return Ok(Polled::Went(Went::NoLease));
        };
        if !held.allows_a_call(Instant::now()) {
            return Ok(Polled::Went(Went::NoLease));
        }
        let status = aws.status(&work.key.instance, kind, aws_request_id).await;
        self.limiters.heard(target.tenant, aws.turned_away());
        let outcome = match status {
            Ok(CallStatus::Working) => {
                self.node.reach.answered(target.tenant);
                return Ok(Polled::Working);
            }
            Ok(CallStatus::Ended(outcome)) => {
                let call = Call { tenant: target.tenant, assignment: target.assignment, kind, sent_at };
                self.tempo.ended(&call, self.app.clock.now());
                outcome
            }
            // The session is a new one by now, if it was the session's fault: AWS won't tell, ever, and a list must.
            Err(error) if is_refusal(&error) && work.observed.attempts > 0 => {
                CallOutcome::Unknown { reason: error.to_string() }
            }
            Err(error) => return self.could_not_ask(target, held, &error).await.map(Polled::Went),
        };
        self.answered(target, held, kind, sent_at, &outcome).await?;
        Ok(Polled::Went(Went::On))
    }
}

/// What asking how a call goes came to.
enum Polled {
    /// AWS works on it.
    Working,
    /// It has ended, or could not be asked after.
    Went(Went),
}

/// Whether AWS refuses to tell, and will.
fn is_refusal(error: &AwsError) -> bool {
    matches!(error.kind, AwsErrorKind::AccessDenied | AwsErrorKind::Validation | AwsErrorKind::Other)
}
