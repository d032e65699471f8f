//! When a request is to be looked at next: one row for each that has something before it, its deadline or the next
//! reminder of its review. Ids and times alone, for it is read before the tenant is known.
//!
//! A row promises nothing but a look. Whoever decides a request leaves its row: it is looked at once more, and dropped.

use curfew_domain::{RequestId, TenantId, Timestamp};
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::entity::request_due::{ActiveModel, Column, Entity, Model};
use crate::{ReadUnit, Store, StoreError, WriteUnit};

/// A request whose time has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DueRequest {
    /// Whose.
    pub tenant: TenantId,
    /// Which.
    pub request: RequestId,
    /// Since when.
    pub due_at: Timestamp,
}

impl Store {
    /// The requests of all tenants that are due by `now`, the longest due first, at most `limit`.
    pub async fn due_requests(&self, now: Timestamp, limit: u16) -> Result<Vec<DueRequest>, StoreError> {
        let unit = self.unwalled().read().await?;
        let rows = Entity::find()
            .filter(Column::DueAt.lte(now.micros()))
            .order_by_asc(Column::DueAt)
            .limit(u64::from(limit))
            .all(unit.tx())
            .await?;
        Ok(rows.iter().map(due_request).collect())
    }

    /// When the next request is due; none when none ever is.
    pub async fn next_due_request(&self) -> Result<Option<Timestamp>, StoreError> {
        let unit = self.unwalled().read().await?;
        let next = Entity::find().order_by_asc(Column::DueAt).one(unit.tx()).await?;
        Ok(next.map(|row| Timestamp::from_micros(row.due_at)))
    }
}

fn due_request(row: &Model) -> DueRequest {
    DueRequest {
        tenant: TenantId::from_uuid(row.tenant_id),
        request: RequestId::from_uuid(row.request_id),
        due_at: Timestamp::from_micros(row.due_at),
    }
}

impl ReadUnit {
    /// When a request is to be looked at; none when never.
    pub async fn request_due_at(&self, request: RequestId) -> Result<Option<Timestamp>, StoreError> {
        let row = Entity::find_by_id(request.uuid())
            .filter(Column::TenantId.eq(self.wall()))
            .one(self.tx())
            .await?;
        Ok(row.map(|row| Timestamp::from_micros(row.due_at)))
    }
}

impl WriteUnit {
    /// The request is to be looked at then, and not before; or never again.
    pub async fn set_request_due(&self, request: RequestId, at: Option<Timestamp>) -> Result<(), StoreError> {
        let Some(at) = at else {
            Entity::delete_many()
                .filter(Column::TenantId.eq(self.wall()))
                .filter(Column::RequestId.eq(request.uuid()))
                .exec(self.tx())
                .await?;
            return Ok(());
        };
        let row = ActiveModel {
            request_id: Set(request.uuid()),
            tenant_id: Set(self.wall()),
            due_at: Set(at.micros()),
        };
        let mut on_conflict = OnConflict::column(Column::RequestId);
        on_conflict
            .update_column(Column::DueAt)
            .action_and_where(Expr::col((Entity, Column::TenantId)).eq(self.wall()));
        Entity::insert(row).on_conflict(on_conflict).exec_without_returning(self.tx()).await?;
        Ok(())
    }
}
