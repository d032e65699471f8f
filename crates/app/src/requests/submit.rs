//! Asking for access.

use std::fmt::Write as _;

use curfew_domain::audit::{AuditAction, NewEntry};
use curfew_domain::request::{ApprovalMode, RequestStatus};
use curfew_domain::{AccessRequest, Actor, DoneBy, Invalid, RequestId, Scope, StorePrincipalId, Timestamp};
use curfew_policy::{Decision, Outcome};
use curfew_store::ReadUnit;
use serde_json::{Map, Value};

use crate::grants::{Grounds, Making, check_active};
use crate::{App, AppError, Caller, Made, Once};

use super::ensure::{Found, Place};
use super::facts::Facts;
use super::person::Person;
use super::{Asked, NewRequest, TRIES, emergency, metadata, moved, record, room, shortage};

/// Asks for access. What policy approves at once is a grant already when this answers; what it denies is recorded,
/// and refused with the notices of the rules that did.
pub async fn submit(
    app: &App,
    caller: &Caller,
    once: &Once,
    wanted: NewRequest,
) -> Result<Made<AccessRequest>, AppError> {
    caller.require(Scope::RequestsCreate)?;
    emergency::check(caller, &wanted)?;
    let asked = Asked::new(&wanted, caller)?;
    if let Some(id) = earlier(app, caller, once).await? {
        let unit = app.store.tenant(caller.tenant).read().await?;
        return answered_before(&unit, id, app.now()).await.map(Made::Before);
    }
    app.check_deciding()?;
    if let Some(request) = by_memory(app, caller, once, &wanted, &asked).await? {
        return Ok(Made::Now(request));
    }
    let (mut facts, reading) = Facts::load(app, caller.tenant, caller.user, &asked).await?;
    let person = facts.person(Some(&reading), app.now()).await?;
    drop(reading);
    // This may take seconds, in which all that was loaded may change: what is written is decided by what still stands.
    let principal = person.principal(app, caller.tenant, &facts.connection, &facts.requester).await?;
    for _ in 0..TRIES {
        let now = app.now();
        let decision = facts.decide(app, &asked, now).await?;
        let request = new_request(app, &wanted, &asked, &facts, &principal, &decision, now);
        let submission =
            Submission { request, asked: &asked, facts: &facts, decision: &decision, now, new_at: None };
        if let Some(request) = keep(app, caller, once, submission).await? {
            return refuse_denied(request, &decision.outcome).map(Made::Now);
        }
        facts = loaded_again(app, caller, &asked, &facts).await?;
    }
    Err(moved())
}

/// The request of the same submission before.
pub(super) async fn earlier(app: &App, caller: &Caller, once: &Once) -> Result<Option<RequestId>, AppError> {
    if once.is_unkeyed() {
        return Ok(None);
    }
    once.earlier(&app.store.tenant(caller.tenant).read().await?, app.now()).await
}

/// What is decided by what earlier requests have read. None where something of it is not remembered or has moved, or
/// where it would be refused: then it is to be decided by what is read anew.
async fn by_memory(
    app: &App,
    caller: &Caller,
    once: &Once,
    wanted: &NewRequest,
    asked: &Asked,
) -> Result<Option<AccessRequest>, AppError> {
    let Some(memory) = app.memories.latest(caller.tenant) else { return Ok(None) };
    let Ok(facts) = Facts::recall(memory, caller.user, asked).await else { return Ok(None) };
    let now = app.now();
    let Ok(Person::Known(principal)) = facts.person(None, now).await else { return Ok(None) };
    let decision = facts.decide(app, asked, now).await?;
    if matches!(decision.outcome, Outcome::Denied { .. }) {
        return Ok(None);
    }
    let request = new_request(app, wanted, asked, &facts, &principal, &decision, now);
    let submission = Submission { request, asked, facts: &facts, decision: &decision, now, new_at: None };
    keep(app, caller, once, submission).await
}

/// What the same submission was answered before.
pub(super) async fn answered_before(
    unit: &ReadUnit,
    id: RequestId,
    now: Timestamp,
) -> Result<AccessRequest, AppError> {
    let mut request = unit.request(id).await?.ok_or(AppError::NotFound("request"))?;
    request.notices.extend(shortage::notice(unit, &request, now).await?);
    match unit.decisions(id).await?.first().and_then(record::outcome_of) {
        Some(outcome) => refuse_denied(request, &outcome),
        None => Ok(request),
    }
}

/// The facts as they are now, if they still are of the person that was found.
async fn loaded_again(app: &App, caller: &Caller, asked: &Asked, before: &Facts) -> Result<Facts, AppError> {
    let (facts, _) = Facts::load(app, caller.tenant, caller.user, asked).await?;
    if facts.connection != before.connection || facts.requester.email != before.requester.email {
        return Err(AppError::conflict(
            "the AWS connection or your address has changed meanwhile; try again",
        ));
    }
    Ok(facts)
}

/// All that is written for a request.
pub(super) struct Submission<'a> {
    pub(super) request: AccessRequest,
    pub(super) asked: &'a Asked,
    pub(super) facts: &'a Facts,
    pub(super) decision: &'a Decision,
    pub(super) now: Timestamp,
    /// Where it is written only while there is nothing of it.
    pub(super) new_at: Option<&'a Place>,
}

/// Writes a request and what follows from its decision. None when what decided has changed meanwhile, so that it has to
/// be decided anew.
pub(super) async fn keep(
    app: &App,
    caller: &Caller,
    once: &Once,
    submission: Submission<'_>,
) -> Result<Option<AccessRequest>, AppError> {
    let Submission { mut request, asked, facts, decision, now, new_at } = submission;
    let _next = app.doors.enter(request.requester).await?;
    let unit = app.store.tenant(caller.tenant).write().await?;
    check_active(unit.hold_active(request.requester).await?)?;
    if !facts.still_stand(&unit).await? {
        return Ok(None);
    }
    if let Some(place) = new_at
        && !matches!(Found::look(&unit, request.requester, place, now).await?, Found::Nothing)
    {
        return Ok(None);
    }
    room::check(&unit, &request, now).await?;
    let shortage = shortage::notice(&unit, &request, now).await?;
    let mut granted = granted(app, &request, facts, decision, now);
    request.grant = granted.as_ref().map(|making| making.grant.id);
    unit.insert_request(&request).await?;
    let mut log = vec![submitted(caller, &request, shortage.is_some())];
    log.push(record::keep(app, &unit, request.id, asked, facts, decision, now).await?);
    log.extend(decided(&request));
    log.extend(emergency::alert(caller, &request));
    if let Some(making) = &mut granted {
        log.extend(making.write(app, &unit, Actor::System).await?);
    }
    unit.set_request_due(request.id, request.next_due(now)).await?;
    unit.record_all(log, app.now(), app.entropy.as_ref()).await?;
    once.remember(&unit, request.id, now).await?;
    unit.commit().await?;
    facts.tell(decision);
    emergency::tell(caller.tenant, &request);
    if let Some(making) = granted {
        making.nudge(app, caller.tenant);
    }
    // Told, and not kept: it may be otherwise when the request is read.
    request.notices.extend(shortage);
    Ok(Some(request))
}

/// The grant of a request that policy approves at once.
fn granted(
    app: &App,
    request: &AccessRequest,
    facts: &Facts,
    decision: &Decision,
    now: Timestamp,
) -> Option<Making> {
    let Outcome::Approved { terms, .. } = &decision.outcome else { return None };
    let grounds = Grounds {
        request,
        connection: &facts.connection,
        targets: &facts.normalised.targets,
        duration: terms.duration,
        audit_enabled: decision.audit_session,
    };
    Some(Making::new(app, grounds, now))
}

pub(super) fn refuse_denied(request: AccessRequest, outcome: &Outcome) -> Result<AccessRequest, AppError> {
    let Outcome::Denied { max_duration, .. } = outcome else { return Ok(request) };
    let mut details = Map::from_iter([("request_id".to_owned(), Value::from(request.id.to_string()))]);
    let mut message = if request.policy.is_some() {
        "the request is denied by policy".to_owned()
    } else {
        let (action, resource) = (request.action.as_str(), &request.resource);
        format!("no policy permits {action} on {resource} with {}", request.permission_set)
    };
    if let Some(longest) = max_duration {
        details.insert("max_duration_seconds".to_owned(), longest.get().into());
        let _ = write!(message, "; {} seconds at most would do", longest.get());
    }
    Err(AppError::Forbidden { message, details, notices: request.notices })
}

impl Asked {
    pub(super) fn new(wanted: &NewRequest, caller: &Caller) -> Result<Self, AppError> {
        metadata::check(&wanted.metadata)?;
        let named = wanted.metadata.get("ticket").and_then(Value::as_str);
        Ok(Self {
            resource: wanted.resource.clone(),
            action: wanted.action,
            permission_set: one_of(wanted.permission_set.clone(), &wanted.metadata, "permission_set_arn")?,
            account: one_of(wanted.account.clone(), &wanted.metadata, "account_id")?,
            reason: wanted.reason.clone(),
            duration: wanted.duration,
            break_glass: wanted.break_glass,
            ticket: named.map(str::to_owned),
            source_ip: caller.source,
        })
    }
}

/// What is said in a field or in `metadata`; said twice it must be the same.
fn one_of<T: std::str::FromStr<Err = Invalid> + PartialEq>(
    field: Option<T>,
    metadata: &Map<String, Value>,
    name: &str,
) -> Result<Option<T>, AppError> {
    let path = || format!("metadata.{name}");
    let beside = match metadata.get(name) {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => {
            Some(text.parse::<T>().map_err(|problem| AppError::invalid(path(), &problem))?)
        }
        Some(_) => return Err(AppError::field(path(), "is a text")),
    };
    match (field, beside) {
        (Some(field), Some(beside)) if field != beside => {
            Err(AppError::field(path(), format!("contradicts {name}")))
        }
        (field, beside) => Ok(field.or(beside)),
    }
}

pub(super) fn new_request(
    app: &App,
    wanted: &NewRequest,
    asked: &Asked,
    facts: &Facts,
    principal: &StorePrincipalId,
    decision: &Decision,
    now: Timestamp,
) -> AccessRequest {
    let (status, mode, terms, requirements) = match &decision.outcome {
        Outcome::Approved { mode, terms } => (RequestStatus::Approved, Some(*mode), Some(terms), Vec::new()),
        Outcome::NeedsApproval { requirements, terms } => {
            (RequestStatus::Pending, Some(ApprovalMode::Require), Some(terms), requirements.clone())
        }
        Outcome::Denied { .. } => (RequestStatus::Denied, None, None, Vec::new()),
    };
    let is_decided = status != RequestStatus::Pending;
    let timeout = terms.and_then(|terms| terms.approval_timeout).filter(|_| !is_decided);
    AccessRequest {
        id: RequestId::new(now, app.entropy.as_ref()),
        requester: facts.requester.id,
        resource: asked.resource.clone(),
        action: asked.action,
        account: facts.normalised.account.clone(),
        permission_set: facts.normalised.permission_set.clone(),
        principal: principal.clone(),
        reason: asked.reason.clone(),
        decided_status: status,
        decision_reasoning: None,
        decided_by: is_decided.then_some(DoneBy::System),
        decided_at: is_decided.then_some(now),
        mode,
        requirements,
        approvals: Vec::new(),
        break_glass: asked.break_glass,
        requested_duration: asked.duration,
        duration: terms.map(|terms| terms.duration),
        review: emergency::review_of(mode, now),
        expires_at: timeout.map(|timeout| now + timeout),
        grant: None,
        extends: None,
        policy: decision.determining.first().map(|determining| determining.policy),
        notices: decision.notices.clone(),
        metadata: wanted.metadata.clone(),
        source_ip: asked.source_ip,
        created_at: now,
        updated_at: now,
    }
}

pub(super) fn submitted(caller: &Caller, request: &AccessRequest, lacks_approvers: bool) -> NewEntry {
    let entry = NewEntry::new(caller.actor, AuditAction::RequestSubmitted, "request", request.id)
        .with("resource_type", request.resource.kind().as_str())
        .with("resource_id", request.resource.id())
        .with("action", request.action.as_str())
        .with("permission_set_arn", request.permission_set.as_str())
        .with("break_glass", request.break_glass)
        .with("duration_seconds", request.duration.map(curfew_domain::Seconds::get));
    let entry = match request.extends {
        Some(grant) => entry.with("extends_grant_id", grant.to_string()),
        None => entry,
    };
    let entry = if lacks_approvers { entry.with("lacks_approvers", true) } else { entry };
    match &request.reason {
        Some(reason) => entry.with_personal("reason", reason.as_str()),
        None => entry,
    }
}

/// What policy decided by itself, or left to people.
pub(super) fn decided(request: &AccessRequest) -> Option<NewEntry> {
    let action = match request.decided_status {
        RequestStatus::Approved => AuditAction::RequestApproved,
        RequestStatus::Denied => AuditAction::RequestDenied,
        RequestStatus::Pending => AuditAction::RequestPending,
        RequestStatus::Expired | RequestStatus::Cancelled => return None,
    };
    Some(
        NewEntry::new(Actor::System, action, "request", request.id)
            .with("requester_id", request.requester.to_string())
            .with("mode", request.mode.map(ApprovalMode::as_str)),
    )
}
