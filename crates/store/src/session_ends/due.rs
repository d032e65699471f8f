//! Whose session ends are to be looked at, and when: a row a tenant, and none where nothing is to be done any more.

use curfew_domain::{AssignmentId, TenantId, Timestamp};
use sea_orm::sea_query::{Expr, ExprTrait, LockType, OnConflict};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
};

use crate::entity::session_due::{ActiveModel, Column, Entity, Model};
use crate::entity::session_end;
use crate::row::{Row, number};
use crate::{ReadUnit, Store, StoreError, WriteUnit};

/// So many assignments are looked up by one statement.
const CHUNK: usize = 1_000;

/// A tenant whose session ends are to be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DueSessions {
    /// Whose.
    pub tenant: TenantId,
    /// From when on.
    pub due_at: Timestamp,
    /// How often somebody had changed something about them when it was read.
    pub generation: u64,
}

impl Store {
    /// When the session ends of each of `owned` are to be looked at, the next first.
    pub async fn due_sessions(&self, owned: &[TenantId]) -> Result<Vec<DueSessions>, StoreError> {
        if owned.is_empty() {
            return Ok(Vec::new());
        }
        let unit = self.unwalled().read().await?;
        let rows = Entity::find()
            .filter(Column::TenantId.is_in(owned.iter().map(|tenant| tenant.uuid())))
            .order_by_asc(Column::DueAt)
            .all(unit.tx())
            .await?;
        rows.into_iter().map(due).collect()
    }
}

impl ReadUnit {
    /// When the tenant's session ends are to be looked at; none where there is nothing to do.
    pub async fn sessions_due(&self) -> Result<Option<DueSessions>, StoreError> {
        Entity::find_by_id(self.wall()).one(self.tx()).await?.map(due).transpose()
    }

    /// Whether one of these assignments has an end that is not over.
    pub async fn have_session_ends(&self, assignments: &[AssignmentId]) -> Result<bool, StoreError> {
        for chunk in assignments.chunks(CHUNK) {
            let held = session_end::Entity::find()
                .filter(session_end::Column::TenantId.eq(self.wall()))
                .filter(session_end::Column::AssignmentId.is_in(chunk.iter().map(|id| id.uuid())))
                .filter(session_end::Column::OverAt.is_null());
            if held.count(self.tx()).await? > 0 {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl WriteUnit {
    /// Holds the tenant's row, if it is there, as whoever ends access does: its ends are written by one after the other.
    pub async fn hold_sessions(&self) -> Result<(), StoreError> {
        Entity::find_by_id(self.wall()).lock(LockType::NoKeyUpdate).one(self.tx()).await?;
        Ok(())
    }

    /// Something about the tenant's session ends has changed: they are to be looked at from `at` on, or earlier if they
    /// were. Whoever ends access waits here for others who do, until those have ended.
    pub async fn touch_sessions(&self, at: Timestamp) -> Result<(), StoreError> {
        let row = ActiveModel {
            tenant_id: Set(self.wall()),
            due_at: Set(at.micros()),
            // No number comes back with a row that was deleted and made anew.
            generation: Set(at.micros()),
        };
        let kept = || Expr::col((Entity, Column::DueAt));
        let lesser =
            Expr::case(kept().lt(Expr::value(at.micros())), kept()).finally(Expr::value(at.micros()));
        let touched = OnConflict::column(Column::TenantId)
            .value(Column::DueAt, lesser)
            .value(Column::Generation, Expr::col((Entity, Column::Generation)).add(1))
            .to_owned();
        Entity::insert(row).on_conflict(touched).exec_without_returning(self.tx()).await?;
        Ok(())
    }

    /// The same, where one of these assignments has an end that is not over.
    pub async fn touch_sessions_of(
        &self,
        assignments: &[AssignmentId],
        at: Timestamp,
    ) -> Result<(), StoreError> {
        if self.have_session_ends(assignments).await? {
            self.touch_sessions(at).await?;
        }
        Ok(())
    }

    /// The owner is done for now: to be looked at again at `next`, or never. Not where somebody touched the row since
    /// `generation` was read.
    pub async fn settle_sessions(&self, generation: u64, next: Option<Timestamp>) -> Result<(), StoreError> {
        let this = Column::TenantId.eq(self.wall()).and(Column::Generation.eq(number(generation)));
        match next {
            Some(at) => {
                Entity::update_many()
                    .col_expr(Column::DueAt, Expr::value(at.micros()))
                    .filter(this)
                    .exec(self.tx())
                    .await?;
            }
            None => {
                Entity::delete_many().filter(this).exec(self.tx()).await?;
            }
        }
        Ok(())
    }
}

fn due(row: Model) -> Result<DueSessions, StoreError> {
    let at = Row { table: "session_due", id: row.tenant_id };
    Ok(DueSessions {
        tenant: TenantId::from_uuid(row.tenant_id),
        due_at: Timestamp::from_micros(row.due_at),
        generation: at.count("generation", row.generation)?,
    })
}
