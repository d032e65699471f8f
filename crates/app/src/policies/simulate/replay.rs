//! Asking both sides, in pieces, so that others of the tenant are asked in between.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use curfew_domain::{PageLimit, PageRequest, TenantId, Timestamp};
use curfew_policy::{AccessQuestion, CompiledPolicies, decide};
use curfew_store::PastDecision;
use tokio::time::Instant;

use super::PastRequests;
use super::draft::Draft;
use super::simulation::{AskedBy, DifferenceKind, Simulation};
use super::tally::{Names, Tally};
use crate::requests::{self, Supposed};
use crate::{App, AppError};

/// How much is asked in one piece: rules, counted once for each account. Some milliseconds, whatever the policies are.
const PIECE: usize = 50_000;

/// What one more question costs besides its rules.
const QUESTION: usize = 100;

/// How many past requests are read at once: of an organizational unit's each may hold a thousand accounts.
const PAGE: u16 = 100;

/// How many supposed requests are looked up in one unit.
const LOOKED_UP_AT_ONCE: usize = 50;

/// How long a trial goes on. Longer, and whoever serves it would answer that it took too long.
const PATIENCE: Duration = Duration::from_secs(20);

/// A trial under way.
pub(super) struct Replay {
    before: Arc<CompiledPolicies>,
    after: CompiledPolicies,
    tally: Tally,
    end: Instant,
}

impl Replay {
    /// By this draft; these kinds of differences are listed.
    pub(super) fn by(draft: Draft, kinds: BTreeSet<DifferenceKind>) -> Self {
        let names = Names { before: draft.names_before, after: draft.names_after };
        let end = Instant::now() + PATIENCE;
        Self { before: draft.before, after: draft.after, tally: Tally::new(names, kinds), end }
    }

    /// Asks past requests, newest first.
    pub(super) async fn past(
        self,
        app: &App,
        tenant: TenantId,
        past: PastRequests,
    ) -> Result<Self, AppError> {
        let (mut replay, mut left, mut after) = (self, past.limit, None);
        loop {
            let most = u16::try_from(left).unwrap_or(PAGE).min(PAGE);
            // None are left to be asked.
            let Ok(limit) = PageLimit::new(most) else { return Ok(replay.broken_off()) };
            let unit = app.store.tenant(tenant).read().await?;
            let page = unit.past_decisions(past.from, past.to, &PageRequest { limit, after }).await?;
            drop(unit);
            left -= u32::from(most);
            replay = replay.ask(app, tenant, page.items.into_iter().map(Question::Kept).collect()).await?;
            match page.next {
                None => return Ok(replay),
                Some(_) if replay.is_late() => return Ok(replay.broken_off()),
                next => after = next,
            }
        }
    }

    /// Asks supposed requests, in their order.
    pub(super) async fn supposed(
        self,
        app: &App,
        tenant: TenantId,
        supposed: &[Supposed],
    ) -> Result<Self, AppError> {
        let mut replay = self;
        for (some, first) in supposed.chunks(LOOKED_UP_AT_ONCE).zip((0..).step_by(LOOKED_UP_AT_ONCE)) {
            if replay.is_late() {
                return Ok(replay.broken_off());
            }
            let questions = requests::questions(app, tenant, some, first).await?;
            let questions = questions.into_iter().zip(first..);
            let questions = questions.map(|(question, number)| Question::Now(number, Box::new(question)));
            replay = replay.ask(app, tenant, questions.collect()).await?;
        }
        Ok(replay)
    }

    /// What came of it.
    pub(super) fn simulation(self) -> Simulation {
        self.tally.simulation()
    }

    async fn ask(self, app: &App, tenant: TenantId, questions: VecDeque<Question>) -> Result<Self, AppError> {
        let (mut replay, mut questions) = (self, questions);
        while !questions.is_empty() {
            if replay.is_late() {
                return Ok(replay.broken_off());
            }
            (replay, questions) = app.policies.labour.of(tenant, || replay.piece(questions)).await?;
        }
        Ok(replay)
    }

    fn is_late(&self) -> bool {
        Instant::now() >= self.end
    }

    fn broken_off(mut self) -> Self {
        self.tally.break_off();
        self
    }

    /// Asks as many as go into one piece; the others are left.
    fn piece(mut self, mut questions: VecDeque<Question>) -> (Self, VecDeque<Question>) {
        let mut spent = 0_usize;
        while spent < PIECE
            && let Some(question) = questions.pop_front()
        {
            spent = spent.saturating_add(QUESTION).saturating_add(self.ask_both(question));
        }
        (self, questions)
    }

    /// Says how many rules it asked.
    fn ask_both(&mut self, question: Question) -> usize {
        let (asked_by, at, question) = question.told();
        let Some(question) = question else {
            self.tally.count_unreplayable(at);
            return 0;
        };
        let (before, after) = (decide(&self.before, &question), decide(&self.after, &question));
        self.tally.add(asked_by, &question, &before, &after);
        (self.before.rules() + self.after.rules()).saturating_mul(question.targets.len())
    }
}

/// What is to be asked.
enum Question {
    /// As it was kept, still to be read.
    Kept(PastDecision),
    /// By what is known now.
    Now(usize, Box<AccessQuestion>),
}

impl Question {
    /// Whose, from when, and the question; none where it can't be asked.
    fn told(self) -> (AskedBy, Timestamp, Option<AccessQuestion>) {
        match self {
            Question::Now(number, question) => {
                (AskedBy::Supposition { number }, question.requested_at, Some(*question))
            }
            Question::Kept(kept) => {
                let personal = kept.personal.as_deref().and_then(|text| serde_json::from_str(text).ok());
                let context = serde_json::from_str(&kept.context).ok();
                let question = context
                    .zip(personal)
                    .and_then(|(context, personal)| requests::question_told(context, personal));
                let by = AskedBy::Request { id: kept.request, recorded: kept.outcome };
                (by, kept.asked_at, question)
            }
        }
    }
}
