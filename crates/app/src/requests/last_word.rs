//! Policy is asked again when all approvals are in, and has the last word.

use std::collections::BTreeSet;

use curfew_domain::audit::{AuditAction, NewEntry};
use curfew_domain::request::{ApprovalMode, RequestEvent};
use curfew_domain::{AccessRequest, Actor, DoneBy, TenantId, Timestamp};
use curfew_policy::{Decision, Outcome};
use curfew_store::WriteUnit;

use crate::grants::{Grounds, Making};
use crate::{App, AppError, Caller};

use super::facts::Facts;
use super::review::{all_met, approvers_so_far, decided, decided_before};
use super::{Asked, extend, record};

/// What policy says when it is asked again, and what it was told.
pub(super) struct LastWord {
    asked: Asked,
    facts: Facts,
    decision: Decision,
    now: Timestamp,
}

impl LastWord {
    /// Policy is asked about what the approvers saw: the duration that they read, and of a unit's accounts no more than
    /// there were when it was asked for.
    pub(super) async fn ask(
        app: &App,
        tenant: TenantId,
        request: &AccessRequest,
        now: Timestamp,
    ) -> Result<Self, AppError> {
        let asked = Asked::again(request);
        let (mut facts, unit) =
            Facts::load(app, tenant, request.requester, &asked).await.map_err(no_longer_possible)?;
        let seen: BTreeSet<String> =
            unit.decisions(request.id).await?.iter().flat_map(record::accounts).collect();
        drop(unit);
        facts.normalised.targets.retain(|target| seen.contains(target.account.id.as_str()));
        let decision = facts.decide(app, &asked, now).await?;
        Ok(Self { asked, facts, decision, now })
    }

    /// Whether it is still what policy says.
    pub(super) async fn still_stands(&self, unit: &WriteUnit) -> Result<bool, AppError> {
        self.facts.still_stand(unit).await
    }

    /// Tells operators of it, once it is written.
    pub(super) fn tell(&self) {
        self.facts.tell(&self.decision);
    }

    /// All approvals are in: policy's last word.
    pub(super) async fn conclude(
        &self,
        app: &App,
        caller: &Caller,
        unit: &WriteUnit,
        request: AccessRequest,
    ) -> Result<AccessRequest, AppError> {
        let LastWord { asked, facts, decision, now } = self;
        let now = *now;
        let evaluated = record::keep(app, unit, request.id, asked, facts, decision, now).await?;
        unit.record(evaluated, app.now(), app.entropy.as_ref()).await?;
        let (requirements, terms) = match &decision.outcome {
            Outcome::Denied { .. } => return denied_by_policy(app, unit, request, decision, now).await,
            Outcome::Approved { terms, .. } => (Vec::new(), terms),
            Outcome::NeedsApproval { requirements, terms } => (requirements.clone(), terms),
        };
        if !all_met(&requirements, &approvers_so_far(unit, &request).await?) {
            // The policies have become stricter meanwhile: the approvals count, and more are needed.
            return Ok(AccessRequest { requirements, ..request });
        }
        if let Some(grant) = request.extends {
            let word = extend::LastWord { facts, decision, terms, now };
            return word.conclude(app, caller, unit, request, grant).await;
        }
        let status =
            request.status(now).on(RequestEvent::Approved { complete: true }).map_err(decided_before)?;
        let last = request.approvals.last().and_then(|approval| approval.reasoning.clone());
        let mut request = decided(request, status, DoneBy::Person(caller.user), last, now);
        let grounds = Grounds {
            request: &request,
            connection: &facts.connection,
            targets: &facts.normalised.targets,
            duration: terms.duration,
            audit_enabled: decision.audit_session,
        };
        let mut making = Making::new(app, grounds, now);
        let mut log = vec![concluded(caller.actor, AuditAction::RequestApproved, &request)];
        log.extend(making.write(app, unit, caller.actor).await?);
        unit.record_all(log, app.now(), app.entropy.as_ref()).await?;
        request.grant = Some(making.grant.id);
        request.duration = Some(terms.duration);
        request.notices.clone_from(&decision.notices);
        Ok(request)
    }
}

/// What the requester named was fine when they asked: for the approver it is no field of theirs that is wrong.
pub(super) fn no_longer_possible(problem: AppError) -> AppError {
    match problem {
        AppError::Invalid(_) => AppError::conflict(format!("this access can't be given any more: {problem}")),
        problem => problem,
    }
}

async fn denied_by_policy(
    app: &App,
    unit: &WriteUnit,
    request: AccessRequest,
    decision: &Decision,
    now: Timestamp,
) -> Result<AccessRequest, AppError> {
    let status = request.status(now).on(RequestEvent::Denied).map_err(decided_before)?;
    let mut request = decided(request, status, DoneBy::System, None, now);
    request.notices.clone_from(&decision.notices);
    request.policy = decision.determining.first().map(|determining| determining.policy).or(request.policy);
    unit.record(
        concluded(Actor::System, AuditAction::RequestDenied, &request),
        app.now(),
        app.entropy.as_ref(),
    )
    .await?;
    Ok(request)
}

impl Asked {
    fn again(request: &AccessRequest) -> Self {
        let ticket = request.metadata.get("ticket").and_then(serde_json::Value::as_str);
        Self {
            resource: request.resource.clone(),
            action: request.action,
            permission_set: Some(request.permission_set.clone()),
            account: request.account.clone(),
            reason: request.reason.clone(),
            duration: request.duration,
            break_glass: request.break_glass,
            ticket: ticket.map(str::to_owned),
            source_ip: request.source_ip,
        }
    }
}

pub(super) fn concluded(actor: Actor, action: AuditAction, request: &AccessRequest) -> NewEntry {
    NewEntry::new(actor, action, "request", request.id)
        .with("requester_id", request.requester.to_string())
        .with("approvals", request.approvals.len())
        .with("mode", request.mode.map(ApprovalMode::as_str))
}
