//! What the policies would say, and why.

use std::sync::Arc;

use curfew_domain::{LockdownId, Scope};
use curfew_policy::{Decision, Explanation, decide};
use curfew_store::{ReadUnit, covering};

use super::explainers::Kept;
use super::snapshot::{Moved, Snapshot};
use crate::requests::{self, PersonName, Supposed, Told};
use crate::{App, AppError, Caller};

/// What the policies say.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluated {
    /// It.
    pub decision: Decision,
    /// And why.
    pub explanation: Explanation,
    /// The lockdown that would refuse it all the same, while it is in force.
    pub lockdown: Option<LockdownId>,
}

/// Asks the policies what they would say to a request, and why. Nothing is written, and nobody is told. For others than
/// oneself it takes what seeing others' requests takes: it tells of them what the rules look at.
pub async fn evaluate(app: &App, caller: &Caller, wanted: Supposed) -> Result<Evaluated, AppError> {
    caller.require(Scope::PoliciesRead)?;
    if wanted.person != PersonName::Id(caller.user) {
        requests::check_sees_all(caller)?;
    }
    let Told { question, snapshot, unit } = requests::suppose(app, caller.tenant, &wanted).await?;
    let kept = app.policies.explainers.latest(caller.tenant);
    let moved = match &kept {
        Some(kept) if kept.version == snapshot.version => None,
        kept => Some(moved_since(kept.as_ref(), &snapshot, &unit).await?),
    };
    drop(unit);
    let accounts = question.targets.iter().map(|target| &target.account.id);
    let lockdown = covering(&snapshot.lockdowns, question.person.id, accounts).map(|lockdown| lockdown.id);
    let working = app.policies.labour.of(caller.tenant, move || {
        let kept = explaining(kept, moved, &snapshot);
        let decision = decide(&snapshot.policies, &question);
        let explanation = kept.explainer.explain(&question, &decision);
        (kept, Evaluated { decision, explanation, lockdown })
    });
    let (kept, evaluated) = working.await?;
    app.policies.explainers.keep(caller.tenant, kept);
    Ok(evaluated)
}

/// What has changed since `kept`: what the snapshot was made of where that is the same, else what the database says.
async fn moved_since(
    kept: Option<&Kept>,
    snapshot: &Snapshot,
    unit: &ReadUnit,
) -> Result<Arc<Moved>, AppError> {
    match kept.and_then(|kept| snapshot.moved_since(kept.version)) {
        Some(moved) => Ok(moved),
        None => Ok(Arc::new(Moved::since(kept.map(|kept| kept.heads.as_ref()), unit).await?)),
    }
}

/// What explains the policies of this version: the last one, with what has moved since.
fn explaining(last: Option<Kept>, moved: Option<Arc<Moved>>, snapshot: &Snapshot) -> Kept {
    let version = snapshot.version;
    let last = last.unwrap_or_else(|| Kept { version, heads: Arc::default(), explainer: Arc::default() });
    match moved {
        None => last,
        Some(moved) => {
            let gone = moved.gone.iter().copied();
            let explainer = last.explainer.with(&moved.changed, gone, Arc::clone(&snapshot.policies));
            Kept { version, heads: Arc::clone(&moved.heads), explainer: Arc::new(explainer) }
        }
    }
}
