//! People's word on requests.

use std::collections::BTreeSet;

use curfew_domain::audit::{AuditAction, NewEntry};
use curfew_domain::request::{
    ApprovalRequirement, Approver, NotPending, RequestEvent, RequestStatus, Reviewer, Verdict,
};
use curfew_domain::{
    AccessRequest, Approval, ApprovalId, DoneBy, GroupId, Reason, RequestId, Scope, Timestamp,
};
use curfew_store::ReadUnit;
use serde_json::{Map, Value};

use crate::grants::check_active;
use crate::{App, AppError, Caller};

use super::last_word::LastWord;
use super::locked_down::check_not_locked_down;
use super::{TRIES, moved, shortage};

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
        let decider = Decider::of(&unit, caller).await?;
        let now = app.now();
        may_decide(&request, &decider.reviewer, now)?;
        check_not_locked_down(&unit, &request).await?;
        let mut approvers = approvers_so_far(&unit, &request).await?;
        drop(unit);
        let approval = word(app, &decider, Verdict::Approved, reasoning.clone(), now);
        may_approve(&request, &approval)?;
        approvers.push(approver(&approval));
        let asked_again = if all_met(&request.requirements, &approvers) {
            Some(LastWord::ask(app, caller.tenant, &request, now).await?)
        } else {
            None
        };
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
    caller.stays(&unit).await?;
    let request = unit.lock_request(id).await?.ok_or(AppError::NotFound("request"))?;
    let now = app.now();
    let decider = Decider::of(&unit, caller).await?;
    may_decide(&request, &decider.reviewer, now)?;
    let status = request.status(now).on(RequestEvent::Denied).map_err(decided_before)?;
    let approval = word(app, &decider, Verdict::Denied, reasoning, now);
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
    caller.stays(&unit).await?;
    // In the order in which a suspension takes them: the person, and then their requests.
    let active = unit.hold_active(seen.requester).await?;
    let locked = unit.lock_request(seen.id).await?.ok_or(AppError::NotFound("request"))?;
    let decider = Decider::of(&unit, caller).await?;
    // By what time it is now: policy may have taken its time.
    may_decide(&locked, &decider.reviewer, app.now())?;
    check_active(active)?;
    let still_stands = match &asked_again {
        Some(last_word) => last_word.still_stands(&unit).await?,
        None => true,
    };
    if locked != *seen || decider.groups != approval.groups || !still_stands {
        return Ok(None);
    }
    unit.insert_approval(locked.id, &approval).await?;
    let mut request = locked;
    request.approvals.push(approval.clone());
    request.updated_at = now;
    let entry = review_entry(caller, AuditAction::RequestApprovalGiven, &request, &approval);
    unit.record(entry, app.now(), app.entropy.as_ref()).await?;
    let mut request = match &asked_again {
        None => request,
        Some(last_word) => last_word.conclude(app, caller, &unit, request).await?,
    };
    unit.save_decided_request(&request).await?;
    let shortage = if request.requirements == seen.requirements {
        None
    } else {
        shortage::notice(&unit, &request, now).await?
    };
    unit.commit().await?;
    if let Some(last_word) = &asked_again {
        last_word.tell();
    }
    request.notices.extend(shortage);
    if request.grant.is_some() {
        app.nudge.about(caller.tenant);
    }
    Ok(Some(request))
}

/// The caller, as far as their word on requests goes. A key counts as its maker.
pub(super) struct Decider {
    /// How independent they are.
    pub(super) reviewer: Reviewer,
    /// The groups that they are in.
    pub(super) groups: BTreeSet<GroupId>,
}

/// The caller, as far as their independence of somebody goes.
pub(crate) async fn reviewer(unit: &ReadUnit, caller: &Caller) -> Result<Reviewer, AppError> {
    Ok(Decider::of(unit, caller).await?.reviewer)
}

impl Decider {
    pub(super) async fn of(unit: &ReadUnit, caller: &Caller) -> Result<Self, AppError> {
        let user = unit.user(caller.user).await?;
        let user = user.ok_or(AppError::let_in_no_more())?;
        let account_set_by = user.account_set.map(|set| (set.by, set.at));
        Ok(Self { reviewer: Reviewer { person: user.id, account_set_by }, groups: user.memberships.groups })
    }
}

/// Refuses an approval that would count for nothing.
fn may_approve(request: &AccessRequest, approval: &Approval) -> Result<(), AppError> {
    let requirements = &request.requirements;
    if requirements.is_empty() || requirements.iter().any(|one| one.counts(&approver(approval))) {
        return Ok(());
    }
    let groups: BTreeSet<GroupId> = requirements.iter().flat_map(|one| one.groups.iter().copied()).collect();
    let groups: Vec<String> = groups.iter().map(GroupId::to_string).collect();
    Err(AppError::Forbidden {
        message: "only members of certain groups approve this request, as details.approver_groups lists"
            .to_owned(),
        details: Map::from_iter([("approver_groups".to_owned(), Value::from(groups))]),
        notices: Vec::new(),
    })
}

fn may_decide(request: &AccessRequest, reviewer: &Reviewer, now: Timestamp) -> Result<(), AppError> {
    check_independent(request, reviewer, now)?;
    let status = request.status(now);
    if status != RequestStatus::Pending {
        return Err(decided_before(NotPending { state: status }));
    }
    let independent = reviewer.check(request.requester, &request.reviewers(), now);
    independent.map_err(|problem| AppError::conflict(problem.to_string()))
}

/// Refuses whoever is not independent of the requester.
pub(super) fn check_independent(
    request: &AccessRequest,
    reviewer: &Reviewer,
    now: Timestamp,
) -> Result<(), AppError> {
    let independent = reviewer.check(request.requester, &[], now);
    independent.map_err(|problem| AppError::forbidden(problem.to_string()))
}

pub(super) fn decided_before(problem: NotPending) -> AppError {
    AppError::InvalidState { message: problem.to_string(), state: problem.state.as_str().to_owned() }
}

pub(super) fn all_met(requirements: &[ApprovalRequirement], approvers: &[Approver]) -> bool {
    requirements.iter().all(|requirement| requirement.is_met(approvers))
}

/// Those who approved and are active now, each by the groups that they were in then. Whose account was suspended since
/// may not have been who used it.
pub(super) async fn approvers_so_far(
    unit: &ReadUnit,
    request: &AccessRequest,
) -> Result<Vec<Approver>, AppError> {
    let approved = request.approvals.iter().filter(|approval| approval.verdict == Verdict::Approved);
    let mut approvers: Vec<Approver> = approved.map(approver).collect();
    let active = unit.active_among(&approvers.iter().map(|approver| approver.person).collect()).await?;
    approvers.retain(|approver| active.contains(&approver.person));
    Ok(approvers)
}

fn approver(approval: &Approval) -> Approver {
    Approver { person: approval.approver, groups: approval.groups.clone() }
}

fn word(
    app: &App,
    decider: &Decider,
    verdict: Verdict,
    reasoning: Option<Reason>,
    at: Timestamp,
) -> Approval {
    let id = ApprovalId::new(at, app.entropy.as_ref());
    let (approver, groups) = (decider.reviewer.person, decider.groups.clone());
    Approval { id, approver, groups, verdict, reasoning, at }
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

/// Those of the approver's groups that a policy asks for. What else they are in is nobody's business here.
fn groups_that_count(request: &AccessRequest, approval: &Approval) -> Vec<String> {
    let named = |group: &&GroupId| request.requirements.iter().any(|one| one.groups.contains(group));
    approval.groups.iter().filter(named).map(GroupId::to_string).collect()
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
    let entry = match approval.verdict {
        Verdict::Approved => entry.with("approver_groups", groups_that_count(request, approval)),
        Verdict::Denied => entry,
    };
    match &approval.reasoning {
        Some(reasoning) => entry.with_personal("reasoning", reasoning.as_str()),
        None => entry,
    }
}
