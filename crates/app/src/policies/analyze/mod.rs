//! What is true of the policies for every request there could be: whether a draft only narrows, whether an account can be
//! reached without a person's approval, which rules never matter. Nothing is written.

mod answers;
mod proofs;
mod words;

use curfew_domain::{AccountId, Action, PermissionSetArn, PolicyId, Scope};

use tokio::time::Instant;

use super::DraftChange;
use super::simulate::Draft;
use crate::requests::{KnownAccount, known_account};
use crate::{App, AppError, Caller};

pub use answers::{Analyzed, Answered, Counterexample, IdleRule, RuleName, RulesAnalyzed, UntoldRule};
pub use curfew_analysis::Idleness;

pub(super) use proofs::Bench;

use proofs::{Asked, PATIENCE, Prover};

/// What is asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Analysis {
    /// Whether this draft only narrows. Where there is one, the other questions are asked of it; each policy at most once.
    pub changes: Option<Vec<DraftChange>>,
    /// Whether this can be had without a person's approval.
    pub reach: Option<Reach>,
    /// Which of these rules never matter.
    pub rules: Option<RulesAsked>,
}

/// What may be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    /// In which account.
    pub account: AccountId,
    /// As which permission set; any unless said.
    pub permission_set: Option<PermissionSetArn>,
    /// By which action; any unless said.
    pub action: Option<Action>,
}

/// Which rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RulesAsked {
    /// Those of this policy; all unless said.
    pub policy: Option<PolicyId>,
}

/// Analyses the policies, or a draft, which is validated as policies are when they are saved.
///
/// Where no solver is installed, or one gives no answer, that is the answer.
pub async fn analyze(app: &App, caller: &Caller, wanted: Analysis) -> Result<Analyzed, AppError> {
    caller.require(Scope::PoliciesRead)?;
    let tenant = caller.tenant;
    // Waiting for a turn counts too: whoever serves this answers in time.
    let end = Instant::now() + PATIENCE;
    let turn = app.policies.trials.take(tenant).await?;
    let is_drafted = wanted.changes.is_some();
    let draft = Draft::of(app, tenant, wanted.changes.unwrap_or_default()).await?;
    let (unit, _, snapshot) = app.policies.current(&app.store, tenant).await?;
    drop(unit);
    if let Some(policy) = wanted.rules.and_then(|rules| rules.policy)
        && !draft.names_after.knows(policy)
    {
        return Err(AppError::NotFound("policy"));
    }
    let reach = match wanted.reach {
        None => None,
        Some(reach) => Some(account(app, caller, reach).await.map_err(of_reach)?),
    };
    let asked = Asked { narrows: is_drafted, reach, rules: wanted.rules };
    let settings = &snapshot.settings;
    let (zone, longest) = (settings.time_zone.clone(), settings.max_grant);
    let prover = Prover { draft, now: app.now(), zone, longest, end };
    app.policies.bench.prove(app.solver.clone(), turn, prover, asked).await
}

async fn account(app: &App, caller: &Caller, reach: Reach) -> Result<curfew_analysis::Account, AppError> {
    let KnownAccount { facts, above, sets } =
        known_account(app, caller.tenant, &reach.account, reach.permission_set.as_ref()).await?;
    Ok(curfew_analysis::Account { facts, above, permission_sets: sets, action: reach.action })
}

fn of_reach(problem: AppError) -> AppError {
    let AppError::Invalid(fields) = problem else { return problem };
    AppError::Invalid(fields.into_iter().map(|field| field.below("reach")).collect())
}
