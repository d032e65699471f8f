//! The reconciler: it carries out what the rules say, in the transactions of `curfew-app`'s reconciler, one function
//! here for each of its.

use curfew_domain::assignment::{CallKind, CallOutcome, Desired, Phase, Step, desired};
use curfew_domain::grant::GrantTimes;
use curfew_domain::{Seconds, Timestamp};

use super::aws::Maker;
use super::promises::{CREATED_BY_OWNER, CREATED_FOR_SOMEBODY, NEEDED_IS_NOT_DELETED, WRITTEN_BY_OWNER};
use super::rules::Rules;
use super::time::together;
use super::world::{Doing, Process, World};

/// The longest pause after a failure: what can happen while it waits is most then.
const BACK_OFF: Seconds = Seconds::of(60);

/// The longest pause between two askings for a call that AWS works on.
const POLL_AGAIN: Seconds = Seconds::of(10);

/// A process that holds the lease, or held it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    Owner,
    Former,
}

/// What AWS makes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It takes it, or knows of nothing to delete.
    Answered,
    /// It takes it, and its answer is lost.
    AnswerLost,
    /// It never gets it, and nobody knows.
    RequestLost,
    /// It is throttled, or in conflict.
    RefusedForNow,
    RefusedForGood,
}

impl World {
    pub(crate) fn process(&mut self, who: Who) -> Option<&mut Process> {
        match who {
            Who::Owner => self.owner.as_mut(),
            Who::Former => self.former.as_mut(),
        }
    }

    fn now_doing(&mut self, who: Who, doing: Doing) {
        let holds = who == Who::Owner;
        if let Some(process) = self.process(who) {
            process.doing = doing;
        }
        // A former owner sees that its lease is over before it takes up anything new.
        if !holds && self.former.as_ref().is_some_and(Process::is_idle) {
            self.former = None;
        }
    }

    /// Another node owns the connection now.
    fn lose(&mut self, who: Who) {
        match who {
            Who::Owner => self.owner = None,
            Who::Former => self.former = None,
        }
    }

    /// What the owner would do with the row as it is.
    pub(crate) fn step(&self, rules: &impl Rules, now: Timestamp) -> Step {
        rules.next_step(desired(&self.row.grants, now), &self.row.observed, now)
    }

    /// `save_observed`: whether a process may write the row. Who may not learns that it has lost the connection.
    pub(crate) fn may_save(&mut self, rules: &impl Rules, who: Who) -> bool {
        let Some(fence) = self.process(who).map(|process| process.fence) else { return false };
        if !rules.lets_write(self.row.fence, self.lease.fence, fence) {
            self.lose(who);
            return false;
        }
        self.broken.note(WRITTEN_BY_OWNER, fence < self.lease.fence);
        self.row.fence = fence;
        true
    }

    /// `advance`, up to where the step begins: what time did to the grants is written, or what to do is decided.
    pub(crate) fn attend(&mut self, rules: &impl Rules) {
        let now = self.tick();
        if self.is_noteworthy(now) {
            return self.note_time(rules, now);
        }
        let step = self.step(rules, now);
        let settling = |next, comes_back| Doing::Settling { next, comes_back, touched: false };
        let doing = match step {
            Step::WaitUntil(moment) => {
                let next = self.or_turn(moment, now);
                settling(Some(next), Some(self.comes_back_at(rules, moment, now)))
            }
            // AWS works on it: it is asked again and again.
            Step::Poll { kind, sent_at, .. } => {
                let next = self.or_turn(now + POLL_AGAIN, now);
                settling(Some(next), Some(self.stops_asking_at(kind, sent_at, now)))
            }
            Step::Done => settling(None, None),
            step => Doing::About(step),
        };
        self.now_doing(Who::Owner, doing);
    }

    /// A list is taken.
    pub(crate) fn look(&mut self, present: bool) {
        let asked_at = self.tick();
        self.past.is_excused |= present != self.aws.has.is_some();
        self.past.unchanged_since_look = present == self.aws.has.is_some();
        self.now_doing(Who::Owner, Doing::Looked { asked_at, present });
    }

    /// A list is taken to carry out a claim.
    pub(crate) fn look_to_claim(&mut self, present: bool) {
        let asked_at = self.tick();
        self.past.is_excused |= present != self.aws.has.is_some();
        self.now_doing(Who::Owner, Doing::LookedToClaim { asked_at, present });
    }

    /// `could_not`: AWS could not be asked.
    pub(crate) fn could_not(&mut self, rules: &impl Rules, look: bool) {
        let now = self.tick();
        self.row.observed.back_off(now + BACK_OFF);
        if look {
            self.row.observed.looked_in_vain(now);
        }
        self.may_save(rules, Who::Owner);
    }

    /// AWS tells how a call went, or that it doesn't know.
    pub(crate) fn hear(&mut self, kind: CallKind, sent_at: Timestamp, outcome: CallOutcome) {
        self.now_doing(Who::Owner, Doing::Heard { kind, sent_at, outcome });
    }

    /// The transaction of what a process has decided on.
    pub(crate) fn carry_out(&mut self, rules: &impl Rules, who: Who) {
        let asked_at = self.now;
        let Some(process) = self.process(who) else { return };
        let has_checked = std::mem::take(&mut process.has_checked);
        let Doing::About(step) = process.doing.clone() else { return };
        let calls = matches!(step, Step::Create | Step::Delete);
        if calls && !has_checked && !process.allows_a_call(asked_at) && rules.checks_before_sending() {
            return self.lose(who);
        }
        let now = self.tick();
        match step {
            Step::Create => self.write_down(rules, who, CallKind::Create, now),
            Step::Delete => self.write_down(rules, who, CallKind::Delete, now),
            step => {
                if self.step(rules, now) == step && self.may_save(rules, who) {
                    self.note_end(&step, now);
                }
                self.now_doing(who, Doing::Nothing);
            }
        }
    }

    fn note_end(&mut self, step: &Step, now: Timestamp) {
        match step {
            Step::GiveUp => self.fail_grants(now, |grant| grant.is_live(now)),
            Step::ConcludeGone => self.row.observed.gone(now),
            Step::EndEpisode => self.row.observed.end_episode(),
            _ => {}
        }
    }

    fn write_down(&mut self, rules: &impl Rules, who: Who, kind: CallKind, now: Timestamp) {
        let in_time = self.row.grants.iter().filter(|grant| !grant.missed_its_start(now));
        let needed = desired(in_time, now);
        let wanted = rules.next_step(needed, &self.row.observed, now);
        let still =
            matches!((wanted, kind), (Step::Create, CallKind::Create) | (Step::Delete, CallKind::Delete));
        if !still && rules.decides_again() || !self.may_save(rules, who) {
            return self.now_doing(who, Doing::Nothing);
        }
        match kind {
            CallKind::Create => self.broken.note(CREATED_FOR_SOMEBODY, needed == Desired::Absent),
            CallKind::Delete => {
                let is_needed = desired(&self.row.grants, now) != Desired::Absent;
                self.broken.note(NEEDED_IS_NOT_DELETED, is_needed);
            }
        }
        if rules.writes_before_sending() {
            self.note_sending(kind, now);
        }
        self.now_doing(who, Doing::WrittenDown { kind, sent_at: now });
    }

    fn note_sending(&mut self, kind: CallKind, now: Timestamp) {
        self.row.observed.sending(kind, now);
        if kind == CallKind::Create {
            let starting = |grant: &&mut GrantTimes| grant.is_live(now) && grant.started_at.is_none();
            self.row.grants.iter_mut().filter(starting).for_each(|grant| *grant = grant.started(now));
        }
    }

    /// Whether a process would send the call that it has written down.
    pub(crate) fn sends(&self, rules: &impl Rules, process: &Process) -> bool {
        process.has_checked || process.allows_a_call(self.now) || !rules.checks_before_sending()
    }

    /// The call is sent, and AWS answers; or it is not sent, for the lease is about to end.
    pub(crate) fn send(&mut self, who: Who, fate: Option<Fate>) {
        let now = self.tick();
        let Some(process) = self.process(who) else { return };
        let Doing::WrittenDown { kind, sent_at } = process.doing else { return };
        let knows_better = !process.has_checked && !process.allows_a_call(now);
        process.has_checked = false;
        let outcome = match fate {
            None => CallOutcome::Again { reason: String::new() },
            Some(fate) => {
                self.broken.note(CREATED_BY_OWNER, kind == CallKind::Create && knows_better);
                self.reaches_aws(kind, fate, !together(sent_at, now))
            }
        };
        self.now_doing(who, Doing::Heard { kind, sent_at, outcome });
    }

    fn reaches_aws(&mut self, kind: CallKind, fate: Fate, late: bool) -> CallOutcome {
        let reason = String::new();
        match fate {
            Fate::Answered if kind == CallKind::Delete && self.aws.has.is_none() => {
                CallOutcome::NoSuchEntitlement
            }
            Fate::Answered => {
                let id = self.aws.take(kind, true, late, self.now).unwrap_or_default();
                CallOutcome::Accepted { aws_request_id: id.to_string() }
            }
            Fate::AnswerLost => {
                self.aws.take(kind, false, late, self.now);
                CallOutcome::Unknown { reason }
            }
            Fate::RequestLost => CallOutcome::Unknown { reason },
            Fate::RefusedForNow => CallOutcome::Again { reason },
            Fate::RefusedForGood => CallOutcome::Refused { reason },
        }
    }

    /// The transaction of what a process has heard or seen; or of when the row is due next.
    pub(crate) fn write_back(&mut self, rules: &impl Rules, who: Who) {
        let now = self.tick();
        let Some(process) = self.process(who) else { return };
        match std::mem::replace(&mut process.doing, Doing::Nothing) {
            Doing::Heard { kind, sent_at, outcome } => {
                if self.may_save(rules, who) {
                    self.answered(rules, kind, sent_at, &outcome, now);
                }
            }
            Doing::Looked { asked_at, present } => {
                if self.may_save(rules, who) {
                    self.past.came_back |= present && self.row.observed.phase() == Phase::Gone;
                    rules.looked(&mut self.row.observed, asked_at, present);
                    self.note_success(now);
                }
            }
            Doing::LookedToClaim { asked_at, present } => {
                if self.may_save(rules, who) {
                    self.note_claim(rules, asked_at, present, now);
                }
            }
            Doing::Settling { next, comes_back, touched } => {
                if !touched || !rules.respects_generation() {
                    self.row.due = if who == Who::Owner { comes_back } else { next };
                }
            }
            Doing::Nothing | Doing::About(_) | Doing::WrittenDown { .. } => {}
        }
        self.now_doing(who, Doing::Nothing);
        self.aws_forgets();
    }

    /// `note_claim`: what a list has shown becomes Curfew's, unless it is already, or the wish is later than the list.
    fn note_claim(&mut self, rules: &impl Rules, asked_at: Timestamp, present: bool, now: Timestamp) {
        let Some(wanted) = self.row.claim_wanted.filter(|wanted| *wanted <= asked_at) else { return };
        self.row.claim_wanted = None;
        if present && !self.row.observed.is_curfews() && !self.has_come_to_nothing(wanted, now) {
            rules.claim(&mut self.row.observed, asked_at);
            self.past.claimed += 1;
            self.aws.has = self.aws.has.map(|_| Maker::Curfew { late: false });
        }
        self.note_success(now);
    }

    /// Whether it was wanted for a grant that has failed since, before it began.
    fn has_come_to_nothing(&self, wanted: Timestamp, now: Timestamp) -> bool {
        let failed = self.row.grants.iter().any(|grant| {
            let was_to_begin = grant.decided_at <= wanted && grant.started_at.is_none();
            was_to_begin && grant.failed_at.is_some_and(|failed| failed > wanted)
        });
        failed && desired(&self.row.grants, now) == Desired::Absent
    }

    fn answered(
        &mut self,
        rules: &impl Rules,
        kind: CallKind,
        sent_at: Timestamp,
        outcome: &CallOutcome,
        now: Timestamp,
    ) {
        if !rules.writes_before_sending() {
            self.note_sending(kind, sent_at);
        }
        rules.answered(&mut self.row.observed, kind, sent_at, outcome, now);
        if failed(kind, outcome) {
            self.row.observed.back_off(now + BACK_OFF);
        }
        match (kind, outcome) {
            (CallKind::Create, CallOutcome::Refused { .. }) => {
                self.fail_grants(now, |grant| grant.is_live(now));
            }
            _ if self.row.observed.phase() == Phase::Present => self.note_success(now),
            _ => {}
        }
    }
}

fn failed(kind: CallKind, outcome: &CallOutcome) -> bool {
    match outcome {
        CallOutcome::Again { .. } | CallOutcome::Unknown { .. } => true,
        CallOutcome::Refused { .. } => kind == CallKind::Delete,
        CallOutcome::Accepted { .. } | CallOutcome::Succeeded | CallOutcome::NoSuchEntitlement => false,
    }
}
