//! Making a grant last longer: policy is asked again, about the whole of it.

use curfew_domain::assignment::AssignmentKey;
use curfew_domain::audit::{AuditAction, NewEntry};
use curfew_domain::grant::NotExtended;
use curfew_domain::request::{RequestEvent, RequestStatus};
use curfew_domain::{
    AccessRequest, Actor, DoneBy, Grant, GrantId, Reason, RequestId, Scope, Seconds, Timestamp, UserId,
};
use curfew_policy::{Decision, Outcome, Target, Terms};
use curfew_store::{GrantView, ReadUnit, WriteUnit};
use serde_json::Map;

use crate::grants::check_active;
use crate::{App, AppError, Caller, FieldProblem, Made, Once, lockdowns};

use super::facts::Facts;
use super::last_word::{concluded, no_longer_possible};
use super::review::{decided, decided_before};
use super::submit::{self, answered_before, new_request, refuse_denied, submitted};
use super::{Asked, NewRequest, TRIES, moved, record, room, shortage};

/// By how much a grant is to last longer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extension {
    /// So much later it ends.
    pub by: Seconds,
    /// Why.
    pub reason: Option<Reason>,
}

/// What came of asking for more time.
#[derive(Debug, Clone, PartialEq)]
pub enum Extended {
    /// The grant lasts longer.
    Grant(Box<GrantView>),
    /// People decide: the request that waits for them.
    Asked(Box<AccessRequest>),
}

/// The grantee asks for more time. Policy is asked about the duration of the whole, from when AWS had it to the new end. What
/// it approves at once moves the end; what people must approve waits for them as a request of its own; what it denies is
/// recorded, and refused.
pub async fn extend(
    app: &App,
    caller: &Caller,
    once: &Once,
    id: GrantId,
    wanted: Extension,
) -> Result<Made<Extended>, AppError> {
    caller.require(Scope::RequestsCreate)?;
    if wanted.by.get() < 1 {
        return Err(AppError::field("duration_seconds", "is how much longer: 1 second at least"));
    }
    if let Some(request) = submit::earlier(app, caller, once).await? {
        return before(app, caller, request).await.map(Made::Before);
    }
    app.check_deciding()?;
    for _ in 0..TRIES {
        let extending = Extending::of(app, caller, id, &wanted).await?;
        if let Some(extended) = extending.keep(app, caller, once).await? {
            return Ok(Made::Now(extended));
        }
    }
    Err(moved())
}

/// What the same was answered before, as it stands now.
async fn before(app: &App, caller: &Caller, id: RequestId) -> Result<Extended, AppError> {
    let unit = app.store.tenant(caller.tenant).read().await?;
    let request = answered_before(&unit, id, app.now()).await?;
    match request.extends.filter(|_| request.decided_status == RequestStatus::Approved) {
        Some(grant) => Ok(Extended::Grant(Box::new(view(app, &unit, grant).await?))),
        None => Ok(Extended::Asked(Box::new(request))),
    }
}

async fn view(app: &App, unit: &ReadUnit, id: GrantId) -> Result<GrantView, AppError> {
    unit.grant(id, app.now()).await?.ok_or(AppError::NotFound("grant"))
}

/// What a longer grant would be, and what policy says of it.
pub(super) struct Extending {
    /// The grant as it was when policy was asked.
    seen: Grant,
    /// What AWS holds for it.
    held: Vec<AssignmentKey>,
    /// How long it would last in all.
    total: Seconds,
    wanted: NewRequest,
    asked: Asked,
    facts: Facts,
    pub(super) decision: Decision,
    now: Timestamp,
}

impl Extending {
    /// Asks policy. Nothing is written.
    pub(super) async fn of(
        app: &App,
        caller: &Caller,
        id: GrantId,
        wanted: &Extension,
    ) -> Result<Self, AppError> {
        let now = app.now();
        let unit = app.store.tenant(caller.tenant).read().await?;
        let seen = own(caller, &unit, id, now).await?;
        let held = unit.assignments_of_grant(id).await?;
        drop(unit);
        let total = in_all(&seen, wanted.by)?;
        seen.times.extended(total, now).map_err(not_extended)?;
        let wanted = NewRequest {
            resource: seen.resource.clone(),
            action: seen.action,
            permission_set: Some(seen.permission_set.clone()),
            account: seen.account.clone(),
            reason: wanted.reason.clone(),
            duration: Some(total),
            break_glass: false,
            metadata: Map::new(),
        };
        let asked = Asked::new(&wanted, caller)?;
        let loaded = Facts::load(app, caller.tenant, caller.user, &asked).await;
        let (mut facts, _) = loaded.map_err(|problem| of_the_whole(problem, total))?;
        only_what_it_covers(&mut facts.normalised.targets, &held).map_err(AppError::conflict)?;
        let decision = facts.decide(app, &asked, now).await?;
        Ok(Self { seen, held, total, wanted, asked, facts, decision, now })
    }

    /// Writes what policy says. None when what decided has changed meanwhile, so that it has to be asked anew.
    pub(super) async fn keep(
        self,
        app: &App,
        caller: &Caller,
        once: &Once,
    ) -> Result<Option<Extended>, AppError> {
        let Self { seen, held, total, wanted, asked, facts, decision, now } = self;
        let principal = &held.first().ok_or(AppError::NotFound("grant"))?.principal;
        let mut request = new_request(app, &wanted, &asked, &facts, principal, &decision, now);
        request.extends = Some(seen.id);
        let _next = app.doors.enter(caller.user).await?;
        let unit = app.store.tenant(caller.tenant).write().await?;
        check_active(unit.hold_active(caller.user).await?)?;
        if !facts.still_stand(&unit).await? {
            return Ok(None);
        }
        check_none_waits(&unit, caller, seen.id, now).await?;
        if request.decided_status == RequestStatus::Pending {
            room::check(&unit, &request, now).await?;
        }
        let shortage = shortage::notice(&unit, &request, now).await?;
        check_not_locked_down(&unit, caller.user, &held).await?;
        let grant = unit.lock_grant(seen.id).await?.ok_or(AppError::NotFound("grant"))?;
        if grant.times.duration != seen.times.duration {
            return Ok(None);
        }
        let moment = app.now();
        let longer = longer(grant, total, decision.audit_session, moment).map_err(not_extended)?;
        let is_extended = matches!(decision.outcome, Outcome::Approved { .. });
        request.grant = is_extended.then_some(seen.id);
        unit.insert_request(&request).await?;
        unit.set_request_due(request.id, request.next_due(now)).await?;
        let mut log = vec![submitted(caller, &request, shortage.is_some())];
        log.push(record::keep(app, &unit, request.id, &asked, &facts, &decision, now).await?);
        log.extend(submit::decided(&request));
        if is_extended {
            log.push(write(&unit, Actor::System, request.id, &longer, moment).await?);
        }
        unit.record_all(log, app.now(), app.entropy.as_ref()).await?;
        once.remember(&unit, request.id, now).await?;
        let view = if is_extended { Some(view(app, &unit, seen.id).await?) } else { None };
        unit.commit().await?;
        facts.tell(&decision);
        let mut request = refuse_denied(request, &decision.outcome)?;
        request.notices.extend(shortage);
        Ok(Some(match view {
            Some(view) => Extended::Grant(Box::new(view)),
            None => Extended::Asked(Box::new(request)),
        }))
    }
}

/// What policy said when the last approval of an extension was in.
pub(super) struct LastWord<'a> {
    pub(super) facts: &'a Facts,
    pub(super) decision: &'a Decision,
    pub(super) terms: &'a Terms,
    pub(super) now: Timestamp,
}

impl LastWord<'_> {
    /// The grant lasts as long as the approvers read. Where it is over by now, or covers what could not be asked for any
    /// more, the request is denied and says so: never is there another grant instead.
    pub(super) async fn conclude(
        self,
        app: &App,
        caller: &Caller,
        unit: &WriteUnit,
        request: AccessRequest,
        id: GrantId,
    ) -> Result<AccessRequest, AppError> {
        let held = unit.assignments_of_grant(id).await?;
        let mut targets = self.facts.normalised.targets.clone();
        let covered = only_what_it_covers(&mut targets, &held);
        check_not_locked_down(unit, request.requester, &held).await?;
        let grant = unit.lock_grant(id).await?.ok_or(AppError::NotFound("grant"))?;
        let moment = app.now();
        let longer = |grant| longer(grant, self.terms.duration, self.decision.audit_session, moment);
        let extended = covered.and_then(|()| longer(grant).map_err(|problem| problem.to_string()));
        let pending = request.status(self.now);
        let (request, log) = match extended {
            Ok(grant) => {
                let status = pending.on(RequestEvent::Approved { complete: true }).map_err(decided_before)?;
                let last = request.approvals.last().and_then(|approval| approval.reasoning.clone());
                let mut request = decided(request, status, DoneBy::Person(caller.user), last, self.now);
                request.grant = Some(id);
                request.duration = Some(self.terms.duration);
                request.notices.clone_from(&self.decision.notices);
                let approved = concluded(caller.actor, AuditAction::RequestApproved, &request);
                let extended = write(unit, caller.actor, request.id, &grant, moment).await?;
                (request, vec![approved, extended])
            }
            Err(why) => {
                let status = pending.on(RequestEvent::Denied).map_err(decided_before)?;
                let request = decided(request, status, DoneBy::System, why.parse().ok(), self.now);
                let denied = concluded(Actor::System, AuditAction::RequestDenied, &request);
                (request, vec![denied.with("why", why)])
            }
        };
        unit.record_all(log, app.now(), app.entropy.as_ref()).await?;
        Ok(request)
    }
}

async fn own(caller: &Caller, unit: &ReadUnit, id: GrantId, now: Timestamp) -> Result<Grant, AppError> {
    let grant = unit.grant(id, now).await?.ok_or(AppError::NotFound("grant"))?.grant;
    if grant.grantee == caller.user {
        Ok(grant)
    } else if caller.may(Scope::GrantsRead) {
        Err(AppError::forbidden("only whoever has the access asks for more of it"))
    } else {
        Err(AppError::NotFound("grant"))
    }
}

fn in_all(grant: &Grant, by: Seconds) -> Result<Seconds, AppError> {
    let total = grant.times.duration.get().saturating_add(by.get());
    Seconds::new(total).map_err(|problem| AppError::invalid("duration_seconds", &problem))
}

/// What is wrong with the duration is wrong with the whole; what can't be asked for now could be when it was given.
fn of_the_whole(problem: AppError, total: Seconds) -> AppError {
    match problem {
        AppError::Invalid(fields) if fields.iter().any(|field| field.path == "duration_seconds") => {
            let whole = |field: FieldProblem| FieldProblem {
                problem: format!("in all it would be {} seconds; {}", total.get(), field.problem),
                ..field
            };
            AppError::Invalid(fields.into_iter().map(whole).collect())
        }
        problem => no_longer_possible(problem),
    }
}

/// Policy is asked about the accounts that the grant covers, about all of them and no others: what a unit holds may have
/// changed since.
fn only_what_it_covers(targets: &mut Vec<Target>, held: &[AssignmentKey]) -> Result<(), String> {
    let is_of = |target: &Target, key: &AssignmentKey| {
        target.account.id == key.account && target.permission_set.arn == key.permission_set
    };
    targets.retain(|target| held.iter().any(|key| is_of(target, key)));
    let lost = held.iter().filter(|key| !targets.iter().any(|target| is_of(target, key)));
    let lost: Vec<&str> = lost.map(|key| key.account.as_str()).collect();
    if lost.is_empty() {
        return Ok(());
    }
    Err(format!(
        "the grant covers {}, which can't be asked for by its name any more: ask for what you need anew",
        lost.join(", ")
    ))
}

/// A lockdown takes the connection from all who hold it, and whoever holds it after that sees it: also one that began in
/// the moment at which the grant would have ended.
async fn check_not_locked_down(
    unit: &WriteUnit,
    person: UserId,
    held: &[AssignmentKey],
) -> Result<(), AppError> {
    unit.hold_connection().await?;
    lockdowns::check(unit, person, held.iter().map(|key| &key.account)).await
}

async fn check_none_waits(
    unit: &ReadUnit,
    caller: &Caller,
    grant: GrantId,
    now: Timestamp,
) -> Result<(), AppError> {
    let Some(request) = unit.pending_extension(caller.user, grant, now).await? else { return Ok(()) };
    Err(AppError::Conflict {
        message: "an extension of this grant waits for approval already; cancel it to ask for another"
            .to_owned(),
        details: Map::from_iter([("request_id".to_owned(), request.to_string().into())]),
    })
}

fn longer(grant: Grant, total: Seconds, followed: bool, now: Timestamp) -> Result<Grant, NotExtended> {
    let times = grant.times.extended(total, now)?;
    Ok(Grant { times, audit_enabled: grant.audit_enabled || followed, updated_at: now, ..grant })
}

/// Writes that a grant lasts longer. To be logged.
async fn write(
    unit: &WriteUnit,
    actor: Actor,
    request: RequestId,
    grant: &Grant,
    now: Timestamp,
) -> Result<NewEntry, AppError> {
    unit.save_extension(grant).await?;
    unit.touch_due_of_extended(grant.id, now).await?;
    Ok(NewEntry::new(actor, AuditAction::GrantExtended, "grant", grant.id)
        .with("grantee_id", grant.grantee.to_string())
        .with("request_id", request.to_string())
        .with("duration_seconds", grant.times.duration.get())
        .with("expires_at", grant.times.expires_at.map(|end| end.to_string())))
}

fn not_extended(problem: NotExtended) -> AppError {
    AppError::InvalidState { message: problem.to_string(), state: problem.state().to_owned() }
}
