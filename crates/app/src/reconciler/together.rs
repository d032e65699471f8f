//! Deletions of one connection that come due together: read in one piece, written down in one, and sent side by side.
//!
//! Where very many grants end in one second, what each costs the database decides how late the last of them is taken back.
//! What is not simply to be deleted now, or came to anything else, is attended to by itself, as if nothing had been.

use std::collections::{HashMap, HashSet};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use curfew_domain::assignment::{CallKind, CallOutcome};
use curfew_domain::audit::AuditAction;
use curfew_domain::{AssignmentCallId, AssignmentId, TenantId, Timestamp};
use curfew_store::{AssignmentCall, AssignmentWork, DueAssignment};
use futures::FutureExt;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::access::Access;
use super::calls::{NOT_SENT, assignment_entry};
use super::grants::ends_alone;
use super::lease::Held;
use super::limiter::Urgency;
use super::places::Places;
use super::tempo::Call;
use super::{Reconciler, Target};
use crate::{AppError, with_causes};

/// What AWS said of deletions that were sent side by side.
type Answers = Vec<(AssignmentWork, CallOutcome)>;

impl Reconciler {
    /// Deletes what is simply to be deleted of these due rows of one connection. The places of the others are given back at
    /// once: each is attended to by itself then.
    pub(super) async fn attend_together(&self, rows: &[DueAssignment], places: &Places) {
        let deleted = AssertUnwindSafe(self.delete_together(rows, places)).catch_unwind().await;
        match deleted {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(error = with_causes(&error), "assignments could not be deleted together");
            }
            Err(_) => {
                metrics::counter!("curfew_background_faults_total", "loop" => "assignments").increment(1);
                tracing::error!("deleting assignments together broke; each is attended to by itself");
            }
        }
        places.prepared();
        match rows {
            // It keeps nobody waiting.
            [row] if places.hold(row.assignment) => {
                places.give_back(row.assignment, self.attend(*row).await);
            }
            _ => drop(places.give_all_back(Some(self.app.clock.now()))),
        }
    }

    async fn delete_together(&self, rows: &[DueAssignment], places: &Places) -> Result<(), AppError> {
        let Some(tenant) = rows.first().map(|row| row.tenant) else { return Ok(()) };
        let Some(held) = self.leases.held(tenant, Instant::now()) else { return Ok(()) };
        let (access, mut works) = self.read_together(tenant, rows).await?;
        let Some(access) = access else { return Ok(()) };
        let now = self.app.clock.now();
        works.retain(|work| {
            let is_of_its_region = work.key.region == access.role.region;
            is_of_its_region && is_only_deleted(work, now) && self.takes_its_turn(tenant, work, now)
        });
        let is_among = |row: &DueAssignment| works.iter().any(|work| work.id == row.assignment);
        for row in rows.iter().filter(|row| rows.len() > 1 && !is_among(row)) {
            places.give_back(row.assignment, Some(now));
        }
        // In the order in which they came to their end, which the first keep also where AWS bears few.
        works.sort_by_key(|work| rows.iter().position(|row| row.assignment == work.id));
        for work in self.wait_for_a_call(tenant, &mut works).await {
            self.release_turn(Target { tenant, assignment: work.id }, &work);
            places.put_back(work.id);
        }
        let sent = self.send_together(tenant, held, &access, &works, places).await;
        for work in works.iter().filter(|work| places.hold(work.id)) {
            self.release_turn(Target { tenant, assignment: work.id }, work);
        }
        sent
    }

    async fn read_together(
        &self,
        tenant: TenantId,
        rows: &[DueAssignment],
    ) -> Result<(Option<Access>, Vec<AssignmentWork>), AppError> {
        let ids: Vec<_> = rows.iter().map(|row| row.assignment).collect();
        let unit = self.app.store.tenant(tenant).read().await?;
        let access = Access::of_verified(tenant, unit.connection().await?);
        Ok((access, unit.assignment_works(&ids).await?))
    }

    /// Whether it has its account's turn now.
    fn takes_its_turn(&self, tenant: TenantId, work: &AssignmentWork, now: Timestamp) -> bool {
        let (account, id) = (&work.key.account, work.id);
        // AWS may still work on a change of its own: the turn is not this deletion's to give back.
        !self.turns.holds(tenant, account, id) && self.turns.take(tenant, account, id, CallKind::Delete, now)
    }

    /// Waits until AWS bears the first of these deletions, and leaves those that it bears then. Answers of the others.
    async fn wait_for_a_call(
        &self,
        tenant: TenantId,
        works: &mut Vec<AssignmentWork>,
    ) -> Vec<AssignmentWork> {
        if works.is_empty() {
            return Vec::new();
        }
        self.limiters.take(tenant, Urgency::TakeBack).await;
        let borne = works.iter().skip(1).take_while(|_| self.limiters.take_back_now(tenant)).count();
        works.split_off(1 + borne)
    }

    async fn send_together(
        &self,
        tenant: TenantId,
        held: Held,
        access: &Access,
        works: &[AssignmentWork],
        places: &Places,
    ) -> Result<(), AppError> {
        let Ok(aws) = self.app.aws.assignments(&access.role).await else { return Ok(()) };
        let Some(held) = self.leases.still(tenant, held, Instant::now()) else { return Ok(()) };
        if works.is_empty() || !held.allows_a_call(Instant::now()) {
            return Ok(());
        }
        let (sent_at, written) = self.write_down_together(tenant, held, works).await?;
        places.prepared();
        if !held.allows_a_call(Instant::now()) {
            // Writing it down may have taken long.
            let not_sent = |work| (work, CallOutcome::Again { reason: NOT_SENT.to_owned() });
            let answers = written.into_iter().map(not_sent).collect();
            return self.answered_together(tenant, held, sent_at, answers, places).await;
        }
        // Tasks of their own: one that waited for the database would keep the others from being sent.
        let mut calls = JoinSet::new();
        for work in written {
            let aws = Arc::clone(&aws);
            calls.spawn(async move {
                let outcome = aws.delete(&work.key).await;
                (work, outcome)
            });
        }
        let mut noted = Ok(());
        while let Some(first) = calls.join_next().await {
            let others = std::iter::from_fn(|| calls.try_join_next());
            let answers = std::iter::once(first).chain(others).filter_map(Result::ok).collect();
            self.limiters.heard(tenant, aws.turned_away());
            noted = noted.and(self.answered_together(tenant, held, sent_at, answers, places).await);
        }
        noted
    }

    /// Commits the calls before they are sent, with the ends of the grants. Answers of which: where a grant was changed
    /// meanwhile, the call may not be wanted any more.
    async fn write_down_together(
        &self,
        tenant: TenantId,
        held: Held,
        works: &[AssignmentWork],
    ) -> Result<(Timestamp, Vec<AssignmentWork>), AppError> {
        let ids: Vec<_> = works.iter().map(|work| work.id).collect();
        let unit = self.app.store.tenant(tenant).write().await?;
        let mut works = unit.lock_assignment_works(&ids).await?;
        let (now, entropy) = (self.app.clock.now(), self.app.entropy.as_ref());
        works.retain(|work| is_only_deleted(work, now));
        for work in &mut works {
            work.observed.sending(CallKind::Delete, now);
        }
        if works.is_empty() {
            return Ok((now, works));
        }
        unit.save_all_observed(&works, held.fence, now).await?;
        let call = |work: &AssignmentWork| AssignmentCall {
            id: AssignmentCallId::new(now, entropy),
            assignment: work.id,
            kind: CallKind::Delete,
            fence: held.fence,
            sent_at: now,
        };
        unit.insert_calls(&works.iter().map(call).collect::<Vec<_>>()).await?;
        let grants = works.iter().flat_map(|work| &work.grants);
        let (mut entries, ended) = self.note_ends(&unit, grants, now).await?;
        entries.extend(works.iter().map(|work| {
            let target = Target { tenant, assignment: work.id };
            assignment_entry(AuditAction::AssignmentCalled, target, work)
                .with("call", CallKind::Delete.as_str())
        }));
        unit.record_all(entries, now, entropy).await?;
        self.end_sessions_with(&unit, &ended, now).await?;
        unit.commit().await?;
        Ok((now, works))
    }

    /// Writes which deletions AWS has taken, in one piece; what else it said, of each by itself.
    async fn answered_together(
        &self,
        tenant: TenantId,
        held: Held,
        sent_at: Timestamp,
        answers: Answers,
        places: &Places,
    ) -> Result<(), AppError> {
        let is_taken = |outcome: &CallOutcome| matches!(outcome, CallOutcome::Accepted { .. });
        let (taken, others): (Answers, Answers) =
            answers.into_iter().partition(|(_, outcome)| is_taken(outcome));
        let noted = self.taken_together(tenant, held, sent_at, &taken).await?;
        for id in &noted {
            let call = Call { tenant, assignment: *id, kind: CallKind::Delete, sent_at };
            places.give_back(*id, Some(self.first_asked(&call)));
        }
        let by_itself = taken.into_iter().filter(|(work, _)| !noted.contains(&work.id)).chain(others);
        for (work, outcome) in by_itself {
            let target = Target { tenant, assignment: work.id };
            self.answered(target, held, CallKind::Delete, sent_at, &outcome).await?;
            if !is_taken(&outcome) {
                self.release_turn(target, &work);
            }
            places.give_back(work.id, Some(self.app.clock.now()));
        }
        Ok(())
    }

    /// Answers of which it was written: not of those that somebody else held.
    async fn taken_together(
        &self,
        tenant: TenantId,
        held: Held,
        sent_at: Timestamp,
        taken: &Answers,
    ) -> Result<HashSet<AssignmentId>, AppError> {
        let outcomes: HashMap<_, _> = taken.iter().map(|(work, outcome)| (work.id, outcome)).collect();
        let ids: Vec<_> = taken.iter().map(|(work, _)| work.id).collect();
        if ids.is_empty() {
            return Ok(HashSet::new());
        }
        let unit = self.app.store.tenant(tenant).write().await?;
        let mut works = unit.lock_assignment_works(&ids).await?;
        let now = self.app.clock.now();
        for work in &mut works {
            if let Some(outcome) = outcomes.get(&work.id) {
                work.observed.answered(CallKind::Delete, sent_at, outcome, now);
            }
        }
        let noted: HashSet<_> = works.iter().map(|work| work.id).collect();
        let request_ids = taken.iter().filter(|(work, _)| noted.contains(&work.id)).filter_map(request_id);
        unit.save_all_observed(&works, held.fence, now).await?;
        unit.update_taken_calls(CallKind::Delete, sent_at, &request_ids.collect::<Vec<_>>(), now).await?;
        unit.commit().await?;
        metrics::counter!("curfew_assignment_answers_total", "call" => "delete", "outcome" => "accepted")
            .increment(noted.len() as u64);
        self.node.reach.answered(tenant);
        Ok(noted)
    }
}

/// Whether all there is to do about it is to delete it, and to say that its grants have ended.
fn is_only_deleted(work: &AssignmentWork, now: Timestamp) -> bool {
    work.claim_wanted_at.is_none() && ends_alone(work, now)
}

fn request_id((work, outcome): &(AssignmentWork, CallOutcome)) -> Option<(AssignmentId, &str)> {
    match outcome {
        CallOutcome::Accepted { aws_request_id } => Some((work.id, aws_request_id)),
        _ => None,
    }
}
