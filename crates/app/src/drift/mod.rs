//! Findings of drift, for people: what AWS held otherwise than it should, and what became of it.
//!
//! Somebody settles a finding: by being content with it; or, of a person's access that Curfew never gave, by having it
//! removed, or by making it Curfew's with a grant, so that it ends in time.

mod adopt;
mod remove;

use curfew_domain::audit::{AuditAction, NewEntry};
use curfew_domain::{
    DoneBy, Drift, DriftId, DriftKind, DriftOutcome, DriftResolution, Page, PageRequest, Reason, Scope,
    Seconds, Timestamp,
};
use curfew_store::{AssignmentWork, ReadUnit, WriteUnit};

pub use curfew_store::DriftFilter;

pub(crate) use adopt::Adoption;

use crate::{App, AppError, Caller};

/// How a finding is settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remedy {
    /// It is fine as it is: nothing changes in AWS.
    Accept {
        /// Why.
        reason: Option<Reason>,
    },
    /// The access is removed.
    Remove {
        /// Why.
        reason: Reason,
    },
    /// The access becomes Curfew's, with a grant for whoever has it.
    Adopt {
        /// Why.
        reason: Reason,
        /// How long it lasts from now on.
        duration: Seconds,
    },
}

impl Remedy {
    /// The name on the wire.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Remedy::Accept { .. } => "accept",
            Remedy::Remove { .. } => "remove",
            Remedy::Adopt { .. } => "adopt",
        }
    }
}

/// A page of findings, newest first.
pub async fn list(
    app: &App,
    caller: &Caller,
    filter: &DriftFilter,
    page: &PageRequest,
) -> Result<Page<Drift>, AppError> {
    caller.require(Scope::DriftRead)?;
    let unit = app.store.tenant(caller.tenant).read().await?;
    Ok(unit.drift(filter, page).await?)
}

/// Settles a finding: it is open no longer, and one that lasts is not found anew while it does.
///
/// Whoever has access removed needs the right to revoke grants as well; whoever makes it Curfew's, the right to give.
pub async fn resolve(app: &App, caller: &Caller, id: DriftId, remedy: Remedy) -> Result<Drift, AppError> {
    caller.require(Scope::DriftResolve)?;
    match remedy {
        Remedy::Accept { reason } => accept(app, caller, id, reason).await,
        Remedy::Remove { reason } => remove::remove(app, caller, id, reason).await,
        Remedy::Adopt { reason, duration } => adopt::adopt(app, caller, id, reason, duration).await,
    }
}

async fn accept(app: &App, caller: &Caller, id: DriftId, reason: Option<Reason>) -> Result<Drift, AppError> {
    let unit = app.store.tenant(caller.tenant).write().await?;
    caller.stays(&unit).await?;
    let work = match unit.drift_by_id(id).await?.filter(|found| found.kind.lasts()) {
        Some(Drift { assignment: Some(assignment), .. }) => unit.lock_assignment_work(assignment).await?,
        _ => None,
    };
    // After the assignment, as everybody takes them.
    let found = unsettled(unit.lock_drift(id).await?)?;
    let now = app.now();
    call_off_removal(&unit, &found, work.as_ref(), now).await?;
    let remedy = Remedy::Accept { reason: reason.clone() };
    let entry = settle(&unit, caller, &found, &remedy, reason, now).await?;
    unit.record(entry, now, app.entropy.as_ref()).await?;
    unit.commit().await?;
    get(app, caller, id).await
}

/// What is about to be removed stays, unless that has begun.
async fn call_off_removal(
    unit: &WriteUnit,
    found: &Drift,
    work: Option<&AssignmentWork>,
    now: Timestamp,
) -> Result<(), AppError> {
    if found.outcome != DriftOutcome::Removed || found.over_at.is_some() {
        return Ok(());
    }
    let Some(work) = work.filter(|work| found.assignment == Some(work.id)) else {
        return Err(AppError::conflict("the finding has changed meanwhile; try again"));
    };
    if work.observed.is_curfews() {
        return Err(AppError::conflict("the access is being removed already"));
    }
    unit.clear_claim(work.id).await?;
    // Its owner sees that there is nothing to take back.
    unit.touch_due(work.id, now).await?;
    unit.decide_drift(found.id, DriftOutcome::LeftAlone, Some(work.id)).await?;
    Ok(())
}

async fn get(app: &App, caller: &Caller, id: DriftId) -> Result<Drift, AppError> {
    let unit = app.store.tenant(caller.tenant).read().await?;
    unit.drift_by_id(id).await?.ok_or(AppError::NotFound("finding"))
}

fn unsettled(found: Option<Drift>) -> Result<Drift, AppError> {
    let found = found.ok_or(AppError::NotFound("finding"))?;
    if found.resolved.is_some() {
        return Err(AppError::InvalidState {
            message: "the finding is settled already".to_owned(),
            state: "resolved".to_owned(),
        });
    }
    Ok(found)
}

/// A person's access that is there as far as is known, and not settled.
fn of_a_person(found: Option<Drift>) -> Result<Drift, AppError> {
    let found = unsettled(found)?;
    let problem = match (found.kind, found.over_at) {
        (DriftKind::UnmanagedUser, None) => return Ok(found),
        (DriftKind::UnmanagedUser, Some(_)) => ("AWS does not show this access any more", "over"),
        (DriftKind::UnmanagedGroup, _) => {
            ("it is a group's: Curfew gives access to people alone, and takes none from groups", "group")
        }
        (DriftKind::Removed | DriftKind::Reappeared, _) => {
            ("the access is Curfew's own: end its grant instead", "managed")
        }
    };
    Err(AppError::InvalidState { message: problem.0.to_owned(), state: problem.1.to_owned() })
}

/// Writes who has settled it, and answers what the log is to say.
async fn settle(
    unit: &WriteUnit,
    caller: &Caller,
    found: &Drift,
    remedy: &Remedy,
    reason: Option<Reason>,
    now: Timestamp,
) -> Result<NewEntry, AppError> {
    let resolution = DriftResolution { by: DoneBy::Person(caller.user), at: now, reason };
    unit.resolve_drift(found.id, &resolution).await?;
    let entry = NewEntry::new(caller.actor, AuditAction::DriftResolved, "drift", found.id)
        .with("kind", found.kind.as_str())
        .with("remedy", remedy.as_str())
        .with("account_id", found.place.account.as_str())
        .with("permission_set_arn", found.place.permission_set.as_str())
        .with("principal_id", found.place.principal.as_str());
    Ok(match &resolution.reason {
        Some(reason) => entry.with_personal("reason", reason.as_str()),
        None => entry,
    })
}

/// The connection that leads to where a finding is.
async fn connection_to(
    unit: &ReadUnit,
    found: &Drift,
) -> Result<curfew_domain::connection::VerifiedConnection, AppError> {
    let verified = unit.connection().await?.and_then(|connection| connection.verified);
    verified.filter(|verified| verified.saved.instance == found.place.instance).ok_or_else(|| {
        AppError::conflict(
            "the AWS connection leads to another Identity Center instance than the finding is of",
        )
    })
}
