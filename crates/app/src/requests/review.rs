//! People's word on requests.

use curfew_domain::audit::{AuditAction, NewEntry};
use curfew_domain::request::{
    ApprovalRequirement, Approver, NotIndependent, NotPending, RequestEvent, RequestStatus, Reviewer, Verdict,
};
use curfew_domain::{AccessRequest, Approval, ApprovalId, DoneBy, Reason, RequestId, Scope, Timestamp};
use curfew_store::ReadUnit;

use crate::grants::check_active;
use crate::{App, AppError, Caller};

use super::last_word::LastWord;
use super::{TRIES, moved};

/// The caller approves. With the last approval that is needed policy is asked again, and has the last word.
pub async fn approve(
    app: &App,
    caller: &Caller,
    id: RequestId,
    reasoning: Option<Reason>,
) -> Result<AccessRequest, AppError> {
    caller.require(Scope::RequestsApprove)?;
    app.check_deciding()?;
    for _ in 0..TRIES {
        let unit = app.store.tenant(caller.tenant).read().await?;
        let request = unit.request(id).await?.ok_or(AppError::NotFound("request"))?;
        let reviewer = reviewer(&unit, caller).await?;
        let now = app.now();
        may_decide(&request, &reviewer, now)?;
        drop(unit);
        let approvers = approvers(&request, caller);
        let asked_again = if all_met(&request.requirements, &approvers) {
            Some(LastWord::ask(app, caller.tenant, &request, now).await?)
        } else {
            None
        };
        let approval = word(app, caller, Verdict::Approved, reasoning.clone(), now);
        if let Some(request) = write_approval(app, caller, &request, approval, asked_again, now).await? {
            return Ok(request);
        }
    }
    Err(moved())
}

/// The caller denies: one is enough.
pub async fn deny(
    app: &App,
    caller: &Caller,
    id: RequestId,
    reasoning: Option<Reason>,
) -> Result<AccessRequest, AppError> {
    caller.require(Scope::RequestsApprove)?;
    let unit = app.store.tenant(caller.tenant).write().await?;
    let request = unit.lock_request(id).await?.ok_or(AppError::NotFound("request"))?;
    let now = app.now();
    may_decide(&request, &reviewer(&unit, caller).await?, now)?;
    let status = request.status(now).on(RequestEvent::Denied).map_err(decided_before)?;
    let approval = word(app, caller, Verdict::Denied, reasoning, now);
    let mut request = decided(request, status, DoneBy::Person(caller.user), approval.reasoning.clone(), now);
    unit.insert_approval(request.id, &approval).await?;
    unit.save_decided_request(&request).await?;
    let entry = review_entry(caller, AuditAction::RequestDenied, &request, &approval);
    unit.record(entry, app.now(), app.entropy.as_ref()).await?;
    unit.commit().await?;
    request.approvals.push(approval);
    Ok(request)
}

/// Writes an approval and what follows from it. None when somebody decided in between, or policy changed, so that
/// it has to be taken up anew.
async fn write_approval(
    app: &App,
    caller: &Caller,
    seen: &AccessRequest,
    approval: Approval,
    asked_again: Option<LastWord>,
    now: Timestamp,
) -> Result<Option<AccessRequest>, AppError> {
    let unit = app.store.tenant(caller.tenant).write().await?;
    // In the order in which a suspension takes them: the person, and then their requests.
    let active = unit.hold_active(seen.requester).await?;
    let locked = unit.lock_request(seen.id).await?.ok_or(AppError::NotFound("request"))?;
    may_decide(&locked, &reviewer(&unit, caller).await?, now)?;
    check_active(active)?;
    let still_stands = match &asked_again {
        Some(last_word) => last_word.still_stands(&unit).await?,
        None => true,
    };
    if locked != *seen || !still_stands {
        return Ok(None);
    }
    unit.insert_approval(locked.id, &approval).await?;
    let mut request = locked;
    request.approvals.push(approval.clone());
    request.updated_at = now;
    let entry = review_entry(caller, AuditAction::RequestApprovalGiven, &request, &approval);
    unit.record(entry, app.now(), app.entropy.as_ref()).await?;
    let request = match asked_again {
        None => request,
        Some(last_word) => last_word.conclude(app, caller, &unit, request).await?,
    };
    unit.save_decided_request(&request).await?;
    unit.commit().await?;
    if request.grant.is_some() {
        app.nudge.about(caller.tenant);
    }
    Ok(Some(request))
}

/// The caller, as far as independence goes. A key counts as its maker.
pub(super) async fn reviewer(unit: &ReadUnit, caller: &Caller) -> Result<Reviewer, AppError> {
    let user = unit.user(caller.user).await?.ok_or(AppError::NotFound("user"))?;
    Ok(Reviewer { person: user.id, account_set_by: user.account_set.map(|set| (set.by, set.at)) })
}

fn may_decide(request: &AccessRequest, reviewer: &Reviewer, now: Timestamp) -> Result<(), AppError> {
    let independent = reviewer.check(request.requester, &request.reviewers(), now);
    if let Err(problem @ (NotIndependent::OwnRequest | NotIndependent::AccountOfRequester)) = independent {
        return Err(AppError::forbidden(problem.to_string()));
    }
    let status = request.status(now);
    if status != RequestStatus::Pending {
        return Err(decided_before(NotPending { state: status }));
    }
    independent.map_err(|problem| AppError::conflict(problem.to_string()))
}

pub(super) fn decided_before(problem: NotPending) -> AppError {
    AppError::InvalidState { message: problem.to_string(), state: problem.state.as_str().to_owned() }
}

pub(super) fn all_met(requirements: &[ApprovalRequirement], approvers: &[Approver]) -> bool {
    requirements.iter().all(|requirement| requirement.is_met(approvers))
}

/// Those who approved, and the caller.
fn approvers(request: &AccessRequest, caller: &Caller) -> Vec<Approver> {
    let mut approvers = approvers_so_far(request);
    approvers.push(Approver { person: caller.user, groups: Vec::new() });
    approvers
}

/// There are no groups before identity providers bring them.
pub(super) fn approvers_so_far(request: &AccessRequest) -> Vec<Approver> {
    let approved = request.approvals.iter().filter(|approval| approval.verdict == Verdict::Approved);
    approved.map(|approval| Approver { person: approval.approver, groups: Vec::new() }).collect()
}

fn word(app: &App, caller: &Caller, verdict: Verdict, reasoning: Option<Reason>, at: Timestamp) -> Approval {
    Approval { id: ApprovalId::new(at, app.entropy.as_ref()), approver: caller.user, verdict, reasoning, at }
}

pub(super) fn decided(
    request: AccessRequest,
    status: RequestStatus,
    by: DoneBy,
    reasoning: Option<Reason>,
    now: Timestamp,
) -> AccessRequest {
    AccessRequest {
        decided_status: status,
        decided_by: Some(by),
        decided_at: Some(now),
        decision_reasoning: reasoning,
        updated_at: now,
        ..request
    }
}

fn review_entry(
    caller: &Caller,
    action: AuditAction,
    request: &AccessRequest,
    approval: &Approval,
) -> NewEntry {
    let entry = NewEntry::new(caller.actor, action, "request", request.id)
        .with("requester_id", request.requester.to_string())
        .with("verdict", approval.verdict.as_str());
    match &approval.reasoning {
        Some(reasoning) => entry.with_personal("reasoning", reasoning.as_str()),
        None => entry,
    }
}
