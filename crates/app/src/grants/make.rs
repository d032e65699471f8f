//! Making a grant: its row, its assignments, and what is due.

use curfew_domain::assignment::AssignmentKey;
use curfew_domain::audit::{AuditAction, NewEntry};
use curfew_domain::connection::{SavedConnection, VerifiedConnection};
use curfew_domain::grant::GrantTimes;
use curfew_domain::{AccessRequest, Actor, AssignmentId, Grant, GrantId, Seconds, Timestamp, User};
use curfew_policy::Target;
use curfew_store::WriteUnit;

use crate::{App, AppError, connection};

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

/// A grant that is about to be written.
pub(crate) struct Making {
    pub(crate) grant: Grant,
    saved: SavedConnection,
    keys: Vec<AssignmentKey>,
    now: Timestamp,
}

/// Refuses what would give access to somebody who is suspended, or gone. To be asked of a person whom the unit holds: a
/// suspension waits for it, or it sees the suspension.
pub(crate) fn check_active(held: Option<&User>) -> Result<(), AppError> {
    if held.is_some_and(|user| user.active) {
        return Ok(());
    }
    Err(AppError::forbidden("whoever asks for access must be active"))
}

impl Making {
    /// Decides what is written; nothing is yet.
    pub(crate) fn new(app: &App, grounds: Grounds<'_>, now: Timestamp) -> Self {
        let Grounds { request, connection, targets, duration, audit_enabled } = grounds;
        let key = |target: &Target| AssignmentKey {
            instance: connection.saved.instance.clone(),
            region: connection.saved.region.clone(),
            identity_store: connection.identity_store.clone(),
            account: target.account.id.clone(),
            permission_set: target.permission_set.arn.clone(),
            principal: request.principal.clone(),
        };
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
        Self { grant, saved: connection.saved.clone(), keys: targets.iter().map(key).collect(), now }
    }

    /// Writes the grant, makes it a reason for its assignments, and makes those due. Nudge after the commit.
    ///
    /// The unit holds the person already, and has checked with [`check_active`] that they may come in. Refuses when the
    /// connection is no longer the one that was looked at: another one waits for this unit, or this unit sees it.
    pub(crate) async fn write(&self, app: &App, unit: &WriteUnit, actor: Actor) -> Result<(), AppError> {
        let held = unit.hold_connection().await?;
        if connection::usable(held.as_ref())?.saved != self.saved {
            return Err(AppError::conflict("the AWS connection has changed meanwhile; try again"));
        }
        let mut assignments = Vec::with_capacity(self.keys.len());
        for key in &self.keys {
            let new = AssignmentId::new(self.now, app.entropy.as_ref());
            assignments.push(unit.upsert_assignment(new, key, self.now).await?);
        }
        unit.insert_grant(&self.grant).await?;
        for assignment in assignments {
            unit.link_grant(self.grant.id, assignment).await?;
            unit.touch_due(assignment, self.now).await?;
        }
        unit.record(self.entry(actor), app.now(), app.entropy.as_ref()).await?;
        Ok(())
    }

    fn entry(&self, actor: Actor) -> NewEntry {
        let accounts: Vec<&str> = self.keys.iter().map(|key| key.account.as_str()).collect();
        NewEntry::new(actor, AuditAction::GrantCreated, "grant", self.grant.id)
            .with("request_id", self.grant.request.map(|id| id.to_string()))
            .with("grantee_id", self.grant.grantee.to_string())
            .with("accounts", accounts)
            .with("permission_set_arn", self.grant.permission_set.as_str())
            .with("duration_seconds", self.grant.times.duration.get())
    }
}
