//! The questions, put to the solver aside from everything else.

use std::sync::Arc;
use std::time::Duration;

use curfew_analysis::{Account, Answer, Known, Solver, idle_rules, narrows, reaches};
use curfew_domain::{PolicyId, RuleId, Seconds, Timestamp, ZoneName};
use curfew_policy::{AccessQuestion, Decision};
use tokio::runtime::Handle;
use tokio::sync::{OwnedMutexGuard, Semaphore, oneshot};
use tokio::time::Instant;

use super::RulesAsked;
use super::answers::{Analyzed, Answered, Counterexample, IdleRule, RuleName, RulesAnalyzed, UntoldRule};
use super::words::summary;
use crate::AppError;
use crate::policies::simulate::{Draft, Shelf, said, verdict, why};

/// How long an analysis goes on, waiting for its turns included. Longer, and whoever serves it would answer that it took too long.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// How long somebody waits for those before.
const COME_BACK: Duration = Duration::from_secs(5);

/// How many analyses go on at once on this node: each keeps a core busy, and a solver another.
const AT_ONCE: usize = 2;

/// The stack of an analysis, in bytes; only what is used of it costs memory.
const STACK: usize = 64 << 20;

/// How many rules are listed of each kind.
const MOST_LISTED: usize = 250;

const NO_SOLVER: &str = "no solver is installed on this node: see CURFEW_SOLVER in docs/configuration.md";

const MANY_SETS: &str =
    "there are too many permission sets to look at each: name one with permission_set_arn";

/// Where analyses are made.
#[derive(Debug)]
pub(crate) struct Bench(Arc<Semaphore>);

impl Default for Bench {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }
}

/// What is asked.
pub(super) struct Asked {
    pub(super) narrows: bool,
    pub(super) reach: Option<Account>,
    pub(super) rules: Option<RulesAsked>,
}

/// What it is asked of.
pub(super) struct Prover {
    pub(super) draft: Draft,
    pub(super) now: Timestamp,
    pub(super) zone: ZoneName,
    pub(super) longest: Seconds,
    pub(super) end: Instant,
}

impl Bench {
    /// Answers aside. It goes on when nobody waits for it any more, and keeps its turns as long.
    pub(super) async fn prove(
        &self,
        solver: Option<Solver>,
        turn: OwnedMutexGuard<()>,
        prover: Prover,
        asked: Asked,
    ) -> Result<Analyzed, AppError> {
        let Some(solver) = solver else { return Ok(without_solver(&asked)) };
        let core = tokio::time::timeout(COME_BACK, Arc::clone(&self.0).acquire_owned()).await;
        let core = core.map_err(|_| AppError::RateLimited { retry_after_seconds: COME_BACK.as_secs() })?;
        let core = core.map_err(AppError::internal)?;
        let runtime = Handle::current();
        let (tell, told) = oneshot::channel();
        let work = move || {
            let _held = (turn, core);
            // Where nobody waits any more, nobody is told.
            let _ = tell.send(runtime.block_on(prover.prove(&solver, asked)));
        };
        // What walks through a rule as a term goes as deep as the rule is: deeper than usual stacks.
        let thread = std::thread::Builder::new().name("analysis".to_owned()).stack_size(STACK);
        thread.spawn(work).map_err(AppError::internal)?;
        told.await.map_err(AppError::internal)
    }
}

fn without_solver(asked: &Asked) -> Analyzed {
    let unknown = || Answered::Unknown(NO_SOLVER.to_owned());
    let rules = RulesAnalyzed { unknown: Some(NO_SOLVER.to_owned()), ..RulesAnalyzed::default() };
    Analyzed {
        has_solver: false,
        narrows: asked.narrows.then(unknown),
        reach: asked.reach.as_ref().map(|_| unknown()),
        rules: asked.rules.map(|_| rules),
    }
}

impl Prover {
    async fn prove(&self, solver: &Solver, asked: Asked) -> Analyzed {
        let known = Known { solver, longest: self.longest, now: self.now, zone: &self.zone, end: self.end };
        let narrows = if asked.narrows { Some(self.narrows(known).await) } else { None };
        let reach = match asked.reach {
            Some(account) => Some(self.reaches(known, &account).await),
            None => None,
        };
        let rules = match asked.rules {
            Some(rules) => Some(self.rules(known, rules).await),
            None => None,
        };
        Analyzed { has_solver: true, narrows, reach, rules }
    }

    async fn narrows(&self, known: Known<'_>) -> Answered {
        let answer = narrows(known, &self.draft.before, &self.draft.after).await;
        answered(answer, |widened| self.example(widened.question, Some(&widened.before), &widened.after))
    }

    async fn reaches(&self, known: Known<'_>, account: &Account) -> Answered {
        let answer = reaches(known, &self.draft.after, account).await;
        match answer {
            // A set was made up, and there may be none like it.
            Answer::Refuted(_) if account.permission_sets.is_none() => {
                Answered::Unknown(MANY_SETS.to_owned())
            }
            answer => answered(answer, |reached| self.example(reached.question, None, &reached.decision)),
        }
    }

    async fn rules(&self, known: Known<'_>, asked: RulesAsked) -> RulesAnalyzed {
        let told = match idle_rules(known, &self.draft.after, asked.policy).await {
            Ok(told) => told,
            Err(why) => return RulesAnalyzed { unknown: Some(why.to_string()), ..RulesAnalyzed::default() },
        };
        let names = &self.draft.names_after;
        let idle = told.idle.iter().take(MOST_LISTED);
        let untold = told.untold.iter().take(MOST_LISTED);
        RulesAnalyzed {
            idle_total: told.idle.len(),
            untold_total: told.untold.len(),
            matter: told.matter,
            unknown: None,
            idle: idle
                .filter_map(|one| Some(IdleRule { rule: named(names, one.policy, one.rule)?, how: one.how }))
                .collect(),
            untold: untold
                .filter_map(|one| {
                    Some(UntoldRule { rule: named(names, one.policy, one.rule)?, why: one.why.to_string() })
                })
                .collect(),
        }
    }

    fn example(
        &self,
        question: AccessQuestion,
        before: Option<&Decision>,
        after: &Decision,
    ) -> Counterexample {
        let before = before.map(|before| verdict(before, &self.draft.names_before));
        let after = verdict(after, &self.draft.names_after);
        let why = match &before {
            Some(before) => why(before, &after),
            None => format!("For this request {}.", said(&after)),
        };
        Counterexample { summary: summary(&question), question, before, after, why }
    }
}

fn answered<C>(answer: Answer<C>, example: impl FnOnce(C) -> Counterexample) -> Answered {
    match answer {
        Answer::Proved => Answered::Proved,
        Answer::Refuted(by) => Answered::Refuted(Box::new(example(*by))),
        Answer::Unknown(why) => Answered::Unknown(why.to_string()),
    }
}

fn named(shelf: &Shelf, policy: PolicyId, rule: RuleId) -> Option<RuleName> {
    let of = shelf.rule(policy, rule)?;
    let rule = of.rules.first().copied()?;
    Some(RuleName { policy: of.policy, change: of.change, name: of.name, rule })
}
