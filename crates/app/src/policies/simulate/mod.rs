//! What a draft of the policies would change: past requests, or supposed ones, are decided by the policies as they are
//! and by the draft. Nothing is written.

mod draft;
mod replay;
mod shelf;
mod simulation;
mod tally;
mod turns;
mod words;

use std::collections::BTreeSet;

use curfew_domain::{Scope, Timestamp};

use crate::requests::{self, Supposed};
use crate::{App, AppError, Caller};

pub use draft::DraftChange;
pub use shelf::{DecidingPolicy, DecidingRule};
pub use simulation::{
    AskedBy, Difference, DifferenceKind, DraftFault, PersonsDifferences, Simulation, Summary, Verdict,
};

pub(super) use draft::Draft;
pub(super) use shelf::Shelf;
pub(super) use tally::verdict;
pub(super) use turns::Turns;
pub(super) use words::{said, why};

use replay::Replay;

/// What is to be tried.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    /// The draft: what would be made, changed and deleted. Each policy at most once.
    pub changes: Vec<DraftChange>,
    /// What is decided by it.
    pub asked: TrialRequests,
    /// Which differences are listed; all are counted.
    pub kinds: BTreeSet<DifferenceKind>,
}

/// What is decided by a draft.
#[derive(Debug, Clone, PartialEq)]
pub enum TrialRequests {
    /// What people have asked for.
    Past(PastRequests),
    /// What they might ask for.
    Supposed(Vec<Supposed>),
}

/// Which past requests: the newest of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PastRequests {
    /// Asked at this moment or later.
    pub from: Option<Timestamp>,
    /// Asked before this moment.
    pub to: Option<Timestamp>,
    /// How many at most.
    pub limit: u32,
}

/// Tries a draft. It is validated as policies are when they are saved.
///
/// Past requests are asked as policies were told of them then, by their first decisions; supposed ones by what is
/// known now. It shows what others ask for, so it takes the right to see that too.
pub async fn simulate(app: &App, caller: &Caller, trial: Trial) -> Result<Simulation, AppError> {
    caller.require(Scope::PoliciesRead)?;
    requests::check_sees_all(caller)?;
    let tenant = caller.tenant;
    let _turn = app.policies.trials.take(tenant).await?;
    let draft = Draft::of(app, tenant, trial.changes).await?;
    let replay = Replay::by(draft, trial.kinds);
    let replay = match trial.asked {
        TrialRequests::Past(past) => replay.past(app, tenant, past).await?,
        TrialRequests::Supposed(supposed) => replay.supposed(app, tenant, &supposed).await?,
    };
    Ok(replay.simulation())
}
