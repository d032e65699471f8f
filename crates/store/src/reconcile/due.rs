//! What is due: one row an assignment that something may have to be done about.
//!
//! Whoever changes a grant sets the due time to the lesser and adds one to the generation, without a fence; the
//! owner writes its own next time only where the generation is what it read. So an owner's back-off never
//! overwrites a revocation.

use curfew_domain::{AssignmentId, GrantId, TenantId, Timestamp};
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, sea_query::SimpleExpr,
};

use crate::entity::{due, grant_assignment};
use crate::row::number;
use crate::{Store, StoreError, WriteUnit};

/// An assignment whose time has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DueAssignment {
    /// Whose.
    pub tenant: TenantId,
    /// Which.
    pub assignment: AssignmentId,
    /// Since when.
    pub due_at: Timestamp,
}

impl Store {
    /// What is due by `now` among the connections of `owned`, the longest due first, at most `limit`.
    pub async fn due_for(
        &self,
        owned: &[TenantId],
        now: Timestamp,
        limit: u16,
    ) -> Result<Vec<DueAssignment>, StoreError> {
        let unit = self.unwalled().read().await?;
        let rows = due::Entity::find()
            .filter(due::Column::TenantId.is_in(owned.iter().map(|tenant| tenant.uuid())))
            .filter(due::Column::DueAt.lte(now.micros()))
            .order_by_asc(due::Column::DueAt)
            .limit(u64::from(limit))
            .all(unit.tx())
            .await?;
        Ok(rows.into_iter().map(DueAssignment::from).collect())
    }

    /// When the next of `owned`'s assignments is due; none when nothing is.
    pub async fn next_due(&self, owned: &[TenantId]) -> Result<Option<Timestamp>, StoreError> {
        if owned.is_empty() {
            return Ok(None);
        }
        let unit = self.unwalled().read().await?;
        let next = due::Entity::find()
            .filter(due::Column::TenantId.is_in(owned.iter().map(|tenant| tenant.uuid())))
            .order_by_asc(due::Column::DueAt)
            .one(unit.tx())
            .await?;
        Ok(next.map(|row| Timestamp::from_micros(row.due_at)))
    }
}

impl From<due::Model> for DueAssignment {
    fn from(row: due::Model) -> Self {
        Self {
            tenant: TenantId::from_uuid(row.tenant_id),
            assignment: AssignmentId::from_uuid(row.assignment_id),
            due_at: Timestamp::from_micros(row.due_at),
        }
    }
}

impl WriteUnit {
    /// Something about the assignment's grants has changed: it is due at `at`, or earlier if it was.
    pub async fn touch_due(&self, assignment: AssignmentId, at: Timestamp) -> Result<(), StoreError> {
        let row = due::ActiveModel {
            assignment_id: Set(assignment.uuid()),
            tenant_id: Set(self.wall()),
            due_at: Set(at.micros()),
            generation: Set(1),
        };
        let lesser: SimpleExpr = Expr::case(
            Expr::col((due::Entity, due::Column::DueAt)).lt(Expr::value(at.micros())),
            Expr::col((due::Entity, due::Column::DueAt)),
        )
        .finally(Expr::value(at.micros()))
        .into();
        let on_conflict = OnConflict::column(due::Column::AssignmentId)
            .value(due::Column::DueAt, lesser)
            .value(due::Column::Generation, Expr::col((due::Entity, due::Column::Generation)).add(1))
            .action_and_where(Expr::col((due::Entity, due::Column::TenantId)).eq(self.wall()))
            .to_owned();
        due::Entity::insert(row).on_conflict(on_conflict).exec_without_returning(self.tx()).await?;
        Ok(())
    }

    /// The same for every assignment of a grant.
    pub async fn touch_due_of_grant(&self, grant: GrantId, at: Timestamp) -> Result<(), StoreError> {
        let links = grant_assignment::Entity::find()
            .filter(grant_assignment::Column::TenantId.eq(self.wall()))
            .filter(grant_assignment::Column::GrantId.eq(grant.uuid()))
            .order_by_asc(grant_assignment::Column::AssignmentId)
            .all(self.tx())
            .await?;
        for link in links {
            self.touch_due(AssignmentId::from_uuid(link.assignment_id), at).await?;
        }
        Ok(())
    }

    /// The owner is done for now: due again at `next`, or never. Says whether it was written; it is not when
    /// somebody touched the row since `generation` was read, and then it stays due.
    pub async fn settle_due(
        &self,
        assignment: AssignmentId,
        generation: u64,
        next: Option<Timestamp>,
    ) -> Result<bool, StoreError> {
        let this = due::Column::TenantId
            .eq(self.wall())
            .and(due::Column::AssignmentId.eq(assignment.uuid()))
            .and(due::Column::Generation.eq(number(generation)));
        let written = match next {
            Some(at) => {
                due::Entity::update_many()
                    .col_expr(due::Column::DueAt, Expr::value(at.micros()))
                    .filter(this)
                    .exec(self.tx())
                    .await?
                    .rows_affected
            }
            None => due::Entity::delete_many().filter(this).exec(self.tx()).await?.rows_affected,
        };
        Ok(written > 0)
    }
}
