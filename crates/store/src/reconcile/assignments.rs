//! Assignments: what AWS holds, as Curfew keeps track of it.

use curfew_domain::assignment::{AssignmentKey, Observed, Phase, Step, desired, next_step};
use curfew_domain::grant::GrantTimes;
use curfew_domain::{AssignmentId, GrantId, Timestamp, UserId};
use sea_orm::sea_query::{Expr, ExprTrait, LockType, OnConflict, Query, SelectStatement};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QuerySelect};

use crate::entity::{access_grant, assignment, connection_lease, grant_assignment};
use crate::row::{Row, moment, number};
use crate::{ReadUnit, StoreError, WriteUnit};

use super::grants::times_of;

/// An assignment with all that deciding its next step needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssignmentWork {
    /// Its id.
    pub id: AssignmentId,
    /// Which assignment in AWS.
    pub key: AssignmentKey,
    /// What was sent and seen.
    pub observed: Observed,
    /// Its due row's generation as read; 0 when nothing is due.
    pub generation: u64,
    /// Since when what AWS holds of it is to become Curfew's, whoever has made it, where that is so.
    pub claim_wanted_at: Option<Timestamp>,
    /// The grants that are reasons for it, and the last few of those that were: all that can still matter.
    pub grants: Vec<LinkedGrant>,
}

/// So many grants that were reasons for an assignment are loaded with it. There may have been any number; what they are
/// wanted for, when the last of them ended and whose it was, these tell.
pub(super) const PAST_GRANTS: u64 = 16;

impl AssignmentWork {
    /// The one thing to do now.
    pub fn next_step(&self, now: Timestamp) -> Step {
        let times: Vec<_> = self.times().collect();
        next_step(desired(&times, now), &self.observed, now)
    }

    /// The moments of its grants.
    pub fn times(&self) -> impl Iterator<Item = GrantTimes> {
        self.grants.iter().map(|grant| grant.times)
    }
}

/// A grant as one of its assignments needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkedGrant {
    /// Its id.
    pub id: GrantId,
    /// Who has it.
    pub grantee: UserId,
    /// Its moments.
    pub times: GrantTimes,
    /// Whether its end by time was written to the log.
    pub end_noted: bool,
    /// Whether the log says that it ends soon.
    pub expiring_noted: bool,
}

/// An assignment whose owner waits until a unit that makes a grant has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeldAssignment {
    /// Its id.
    pub id: AssignmentId,
    /// Where it stands.
    pub phase: Phase,
}

impl ReadUnit {
    /// An assignment with its grants, as they are now.
    pub async fn assignment_work(&self, id: AssignmentId) -> Result<Option<AssignmentWork>, StoreError> {
        self.find_work(id, None).await
    }

    async fn find_work(
        &self,
        id: AssignmentId,
        lock: Option<LockType>,
    ) -> Result<Option<AssignmentWork>, StoreError> {
        let mut query = assignment::Entity::find_by_id((self.wall(), id.uuid()));
        if let Some(lock) = lock {
            query = query.lock(lock);
        }
        let Some(row) = query.one(self.tx()).await? else { return Ok(None) };
        // Before the grants: whoever changes one moves the generation on in the same transaction. Read after them it
        // could be newer than they are, and the owner would overwrite the due time of a change that it has not seen.
        let generation = self.due_generation(id).await?.unwrap_or(0);
        let grants = self.linked_grants(id, lock).await?;
        work_of(row, generation, grants).map(Some)
    }

    async fn linked_grants(
        &self,
        id: AssignmentId,
        lock: Option<LockType>,
    ) -> Result<Vec<LinkedGrant>, StoreError> {
        let mut rows = self.open_reasons(id, lock).await?;
        rows.extend(self.past_reasons(id, PAST_GRANTS).await?);
        rows.iter().map(linked_grant).collect()
    }
}

impl WriteUnit {
    /// The same as [`ReadUnit::assignment_work`], held against other writers until the unit ends.
    pub async fn lock_assignment_work(&self, id: AssignmentId) -> Result<Option<AssignmentWork>, StoreError> {
        self.find_work(id, Some(LockType::NoKeyUpdate)).await
    }

    /// The assignment of `key`: the one that is kept already, else a new one by the id `new`. Region and identity
    /// store stay as they were when it was made. Until the unit ends it stays where it stands.
    pub async fn hold_assignment(
        &self,
        new: AssignmentId,
        key: &AssignmentKey,
        now: Timestamp,
    ) -> Result<HeldAssignment, StoreError> {
        self.keep_assignment(new, key, now, LockType::Share).await
    }

    /// The same, for a unit that changes it: two that held it together first would wait for each other.
    pub async fn hold_assignment_to_change(
        &self,
        new: AssignmentId,
        key: &AssignmentKey,
        now: Timestamp,
    ) -> Result<HeldAssignment, StoreError> {
        self.keep_assignment(new, key, now, LockType::NoKeyUpdate).await
    }

    async fn keep_assignment(
        &self,
        new: AssignmentId,
        key: &AssignmentKey,
        now: Timestamp,
        lock: LockType,
    ) -> Result<HeldAssignment, StoreError> {
        if let Some(kept) = self.kept_assignment(key, lock).await? {
            return Ok(kept);
        }
        if self.insert_assignment(new, key, now).await? {
            return Ok(HeldAssignment { id: new, phase: Phase::Unseen });
        }
        // Somebody else made it meanwhile.
        self.kept_assignment(key, lock).await?.ok_or(StoreError::Stale { table: "assignment" })
    }

    /// Says whether it was made; it is not where there is one of that key.
    async fn insert_assignment(
        &self,
        new: AssignmentId,
        key: &AssignmentKey,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let row = assignment::ActiveModel {
            tenant_id: Set(self.wall()),
            id: Set(new.uuid()),
            instance_arn: Set(key.instance.to_string()),
            region: Set(key.region.to_string()),
            identity_store_id: Set(key.identity_store.to_string()),
            account_id: Set(key.account.to_string()),
            permission_set_arn: Set(key.permission_set.to_string()),
            principal_id: Set(key.principal.to_string()),
            phase: Set(Observed::default().phase().as_str().to_owned()),
            observed: Set(json(&Observed::default())?),
            fence: Set(0),
            claim_wanted_at: Set(None),
            created_at: Set(now.micros()),
            updated_at: Set(now.micros()),
        };
        let once = OnConflict::columns([
            assignment::Column::TenantId,
            assignment::Column::InstanceArn,
            assignment::Column::AccountId,
            assignment::Column::PermissionSetArn,
            assignment::Column::PrincipalId,
        ])
        .do_nothing()
        .to_owned();
        let made =
            assignment::Entity::insert(row).on_conflict(once).exec_without_returning(self.tx()).await?;
        Ok(made == 1)
    }

    async fn kept_assignment(
        &self,
        key: &AssignmentKey,
        lock: LockType,
    ) -> Result<Option<HeldAssignment>, StoreError> {
        let found = assignment::Entity::find()
            .filter(assignment::Column::TenantId.eq(self.wall()))
            .filter(assignment::Column::InstanceArn.eq(key.instance.as_str()))
            .filter(assignment::Column::AccountId.eq(key.account.as_str()))
            .filter(assignment::Column::PermissionSetArn.eq(key.permission_set.as_str()))
            .filter(assignment::Column::PrincipalId.eq(key.principal.as_str()))
            .lock(lock)
            .one(self.tx())
            .await?;
        let held = |row: assignment::Model| {
            let at = Row { table: "assignment", id: row.id };
            let phase = at.parse("phase", &row.phase)?;
            Ok(HeldAssignment { id: AssignmentId::from_uuid(row.id), phase })
        };
        found.map(held).transpose()
    }

    /// Makes a grant a reason for an assignment.
    pub async fn link_grant(&self, grant: GrantId, assignment: AssignmentId) -> Result<(), StoreError> {
        let row = grant_assignment::ActiveModel {
            tenant_id: Set(self.wall()),
            grant_id: Set(grant.uuid()),
            assignment_id: Set(assignment.uuid()),
            standing: Set(false),
        };
        grant_assignment::Entity::insert(row).exec_without_returning(self.tx()).await?;
        Ok(())
    }

    /// The access was there before Curfew's: the grants that need it now say so for good.
    pub async fn mark_standing(&self, assignment: AssignmentId) -> Result<(), StoreError> {
        self.set_standing(assignment, true).await
    }

    /// It is Curfew's from now on: it does not stay when the grants end that need it now.
    pub async fn unmark_standing(&self, assignment: AssignmentId) -> Result<(), StoreError> {
        self.set_standing(assignment, false).await
    }

    async fn set_standing(&self, assignment: AssignmentId, standing: bool) -> Result<(), StoreError> {
        grant_assignment::Entity::update_many()
            .col_expr(grant_assignment::Column::Standing, Expr::value(standing))
            .filter(grant_assignment::Column::TenantId.eq(self.wall()))
            .filter(grant_assignment::Column::AssignmentId.eq(assignment.uuid()))
            .filter(grant_assignment::Column::GrantId.in_subquery(self.open_ids()))
            .exec(self.tx())
            .await?;
        Ok(())
    }

    /// Writes what was sent and seen, as the owner of lease number `fence`. A former owner is refused, also where the
    /// later one has not written this row yet: [`StoreError::Fenced`].
    pub async fn save_observed(
        &self,
        id: AssignmentId,
        observed: &Observed,
        fence: u64,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let written = assignment::Entity::update_many()
            .col_expr(assignment::Column::Observed, Expr::value(json(observed)?))
            .col_expr(assignment::Column::Phase, Expr::value(observed.phase().as_str()))
            .col_expr(assignment::Column::Fence, Expr::value(number(fence)))
            .col_expr(assignment::Column::UpdatedAt, Expr::value(now.micros()))
            .filter(assignment::Column::TenantId.eq(self.wall()))
            .filter(assignment::Column::Id.eq(id.uuid()))
            .filter(assignment::Column::Fence.lte(number(fence)))
            .filter(Expr::exists(self.later_lease(fence)).not())
            .exec(self.tx())
            .await?;
        if written.rows_affected == 1 { Ok(()) } else { Err(StoreError::Fenced) }
    }

    /// Refuses a former owner: [`StoreError::Fenced`].
    pub async fn check_fence(&self, fence: u64) -> Result<(), StoreError> {
        let later = connection_lease::Entity::find()
            .filter(connection_lease::Column::TenantId.eq(self.wall()))
            .filter(connection_lease::Column::Fence.gt(number(fence)))
            .one(self.tx())
            .await?;
        if later.is_none() { Ok(()) } else { Err(StoreError::Fenced) }
    }

    /// The lease on the tenant's connection, if it was given to somebody else since it had number `fence`.
    pub(super) fn later_lease(&self, fence: u64) -> SelectStatement {
        Query::select()
            .column(connection_lease::Column::TenantId)
            .from(connection_lease::Entity)
            .and_where(connection_lease::Column::TenantId.eq(self.wall()))
            .and_where(connection_lease::Column::Fence.gt(number(fence)))
            .to_owned()
    }
}

/// An assignment off its row, with its due row's generation and its grants.
pub(super) fn work_of(
    row: assignment::Model,
    generation: u64,
    grants: Vec<LinkedGrant>,
) -> Result<AssignmentWork, StoreError> {
    let at = Row { table: "assignment", id: row.id };
    Ok(AssignmentWork {
        id: AssignmentId::from_uuid(row.id),
        key: key_of(&row)?,
        observed: at.json("observed", row.observed)?,
        generation,
        claim_wanted_at: moment(row.claim_wanted_at),
        grants,
    })
}

pub(crate) fn key_of(row: &assignment::Model) -> Result<AssignmentKey, StoreError> {
    let at = Row { table: "assignment", id: row.id };
    Ok(AssignmentKey {
        instance: at.parse("instance_arn", &row.instance_arn)?,
        region: at.parse("region", &row.region)?,
        identity_store: at.parse("identity_store_id", &row.identity_store_id)?,
        account: at.parse("account_id", &row.account_id)?,
        permission_set: at.parse("permission_set_arn", &row.permission_set_arn)?,
        principal: at.parse("principal_id", &row.principal_id)?,
    })
}

pub(super) fn linked_grant(row: &access_grant::Model) -> Result<LinkedGrant, StoreError> {
    Ok(LinkedGrant {
        id: GrantId::from_uuid(row.id),
        grantee: UserId::from_uuid(row.grantee_id),
        times: times_of(row)?,
        end_noted: row.end_noted_at.is_some(),
        expiring_noted: row.expiring_noted_at.is_some(),
    })
}

pub(super) fn json(observed: &Observed) -> Result<serde_json::Value, StoreError> {
    serde_json::to_value(observed).map_err(|problem| StoreError::corrupt("assignment", "observed", problem))
}
