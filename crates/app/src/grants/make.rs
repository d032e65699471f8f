//! Making a grant: its row, its assignments, and what is due.

use curfew_domain::assignment::{AssignmentKey, Phase};
use curfew_domain::audit::{AuditAction, NewEntry};
use curfew_domain::connection::{SavedConnection, VerifiedConnection};
use curfew_domain::grant::GrantTimes;
use curfew_domain::{
    AccessRequest, AccountId, Action, Actor, AssignmentId, Grant, GrantId, PermissionSetArn, Reason,
    ResourceRef, Seconds, StorePrincipalId, TenantId, Timestamp, UserId,
};
use curfew_policy::Target;
use curfew_store::WriteUnit;
use serde_json::Map;

use crate::{App, AppError, connection, lockdowns, reconciler};

/// What a grant is made of.
pub(crate) struct Grounds<'a> {
    /// The request that was approved.
    pub(crate) request: &'a AccessRequest,
    /// The connection whose tuple its assignments freeze.
    pub(crate) connection: &'a VerifiedConnection,
    /// The accounts, in the order of their ids, so that two who make assignments never wait for each other.
    pub(crate) targets: &'a [Target],
    /// How long.
    pub(crate) duration: Seconds,
    /// Whether its sessions are followed.
    pub(crate) audit_enabled: bool,
}

/// What a grant is made of that somebody gives by hand.
pub(crate) struct Gift<'a> {
    /// Who gets it.
    pub(crate) grantee: UserId,
    /// The same, as Identity Center knows them.
    pub(crate) principal: &'a StorePrincipalId,
    /// What was named.
    pub(crate) resource: &'a ResourceRef,
    /// What they may do.
    pub(crate) action: Action,
    /// The account; none for an organizational unit.
    pub(crate) account: Option<&'a AccountId>,
    /// The permission set.
    pub(crate) permission_set: &'a PermissionSetArn,
    /// The connection whose tuple its assignments freeze.
    pub(crate) connection: &'a VerifiedConnection,
    /// The accounts, in the order of their ids.
    pub(crate) targets: &'a [Target],
    /// How long.
    pub(crate) duration: Seconds,
    /// Why.
    pub(crate) reason: &'a Reason,
}

/// A grant that is about to be written.
pub(crate) struct Making {
    pub(crate) grant: Grant,
    /// Why somebody gives it by hand.
    given: Option<Reason>,
    saved: SavedConnection,
    keys: Vec<AssignmentKey>,
    now: Timestamp,
}

/// Refuses what would give access to somebody who is suspended, or gone. To be asked of a person whom the unit holds: a
/// suspension waits for it, or it sees the suspension.
pub(crate) fn check_active(active: bool) -> Result<(), AppError> {
    if active {
        return Ok(());
    }
    Err(AppError::forbidden("whoever asks for access must be active"))
}

impl Making {
    /// Decides what is written; nothing is yet.
    pub(crate) fn new(app: &App, grounds: Grounds<'_>, now: Timestamp) -> Self {
        let Grounds { request, connection, targets, duration, audit_enabled } = grounds;
        let grant = Grant {
            id: GrantId::new(now, app.entropy.as_ref()),
            request: Some(request.id),
            grantee: request.requester,
            resource: request.resource.clone(),
            action: request.action,
            account: request.account.clone(),
            permission_set: request.permission_set.clone(),
            times: GrantTimes::decided(now, duration),
            revoked_by: None,
            revoke_reason: None,
            failure: None,
            audit_enabled,
            metadata: request.metadata.clone(),
            created_at: now,
            updated_at: now,
        };
        Self::of(grant, &request.principal, connection, targets)
    }

    /// The same of a grant that somebody gives by hand. Its sessions are followed.
    pub(crate) fn by_hand(app: &App, gift: Gift<'_>, now: Timestamp) -> Self {
        let grant = Grant {
            id: GrantId::new(now, app.entropy.as_ref()),
            request: None,
            grantee: gift.grantee,
            resource: gift.resource.clone(),
            action: gift.action,
            account: gift.account.cloned(),
            permission_set: gift.permission_set.clone(),
            times: GrantTimes::decided(now, gift.duration),
            revoked_by: None,
            revoke_reason: None,
            failure: None,
            audit_enabled: true,
            metadata: Map::new(),
            created_at: now,
            updated_at: now,
        };
        let making = Self::of(grant, gift.principal, gift.connection, gift.targets);
        Self { given: Some(gift.reason.clone()), ..making }
    }

    fn of(
        grant: Grant,
        principal: &StorePrincipalId,
        connection: &VerifiedConnection,
        targets: &[Target],
    ) -> Self {
        let key = |target: &Target| AssignmentKey {
            instance: connection.saved.instance.clone(),
            region: connection.saved.region.clone(),
            identity_store: connection.identity_store.clone(),
            account: target.account.id.clone(),
            permission_set: target.permission_set.arn.clone(),
            principal: principal.clone(),
        };
        let (saved, keys) = (connection.saved.clone(), targets.iter().map(key).collect());
        Self { now: grant.created_at, grant, given: None, saved, keys }
    }

    /// Writes the grant, makes it a reason for its assignments, and makes those due. What it answers is to be logged.
    /// [`Making::nudge`] after the commit.
    ///
    /// The unit holds the person already, and has checked with [`check_active`] that they may come in. Refuses when the
    /// connection is no longer the one that was looked at: another one waits for this unit, or this unit sees it. Refuses
    /// also by a clock that may be wrong, as it may have become since the unit began.
    pub(crate) async fn write(
        &mut self,
        app: &App,
        unit: &WriteUnit,
        actor: Actor,
    ) -> Result<Vec<NewEntry>, AppError> {
        app.check_deciding()?;
        let held = unit.hold_connection().await?;
        if connection::usable(held.as_ref())?.saved != self.saved {
            return Err(AppError::conflict("the AWS connection has changed meanwhile; try again"));
        }
        // Only now: a lockdown takes the connection from all who hold it, and whoever holds it after that sees it.
        lockdowns::check(unit, self.grant.grantee, self.keys.iter().map(|key| &key.account)).await?;
        let mut assignments = Vec::with_capacity(self.keys.len());
        for key in &self.keys {
            let new = AssignmentId::new(self.now, app.entropy.as_ref());
            assignments.push(unit.hold_assignment(new, key, self.now).await?);
        }
        let mut log = vec![self.created(actor)];
        if assignments.iter().all(|assignment| assignment.phase == Phase::Present) {
            log.push(self.join());
        }
        unit.insert_grant(&self.grant).await?;
        // In the order in which a revocation takes them.
        assignments.sort_unstable_by_key(|assignment| assignment.id);
        for assignment in assignments {
            unit.link_grant(self.grant.id, assignment.id).await?;
            unit.touch_due(assignment.id, self.due_at()).await?;
        }
        Ok(log)
    }

    /// All that it needs is in AWS already, for other grants: it starts at once, and the reconciler has nothing to do for
    /// it before it ends.
    fn join(&mut self) -> NewEntry {
        self.grant.times = self.grant.times.started(self.now).succeeded(self.now);
        grant_entry(AuditAction::GrantActive, self.grant.id, self.grant.grantee)
    }

    /// From when on something has to be done about it in AWS.
    fn due_at(&self) -> Timestamp {
        let times = &self.grant.times;
        if times.succeeded_at.is_some() { times.next_turn(self.now) } else { self.now }
    }

    /// Wakes the reconciler, unless it looks by itself before anything is due.
    pub(crate) fn nudge(&self, app: &App, tenant: TenantId) {
        if self.due_at().since(self.now) <= reconciler::LONGEST_SLEEP {
            app.nudge.about(tenant);
        }
    }

    fn created(&self, actor: Actor) -> NewEntry {
        let accounts: Vec<&str> = self.keys.iter().map(|key| key.account.as_str()).collect();
        let entry = NewEntry::new(actor, AuditAction::GrantCreated, "grant", self.grant.id)
            .with("request_id", self.grant.request.map(|id| id.to_string()))
            .with("grantee_id", self.grant.grantee.to_string())
            .with("accounts", accounts)
            .with("permission_set_arn", self.grant.permission_set.as_str())
            .with("duration_seconds", self.grant.times.duration.get());
        match &self.given {
            Some(reason) => entry.with_personal("reason", reason.as_str()),
            None => entry,
        }
    }
}

/// What the log says of a grant whose access begins or ends by itself.
pub(crate) fn grant_entry(action: AuditAction, grant: GrantId, grantee: UserId) -> NewEntry {
    NewEntry::new(Actor::System, action, "grant", grant).with("grantee_id", grantee.to_string())
}
