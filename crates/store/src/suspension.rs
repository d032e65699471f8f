//! What a suspended person leaves behind: requests that nobody shall decide any more.

use curfew_domain::request::RequestStatus;
use curfew_domain::{DoneBy, RequestId, Timestamp, UserId};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use crate::entity::access_request;
use crate::{ReadUnit, StoreError, WriteUnit};

impl ReadUnit {
    /// How many requests of a person wait for a decision at `now`.
    pub async fn pending_requests_of(&self, requester: UserId, now: Timestamp) -> Result<u64, StoreError> {
        let pending = access_request::Entity::find().filter(pending(self.wall(), requester, now));
        Ok(pending.count(self.tx()).await?)
    }
}

/// One that nobody decided in time has expired, whatever its row says.
fn pending(wall: Uuid, requester: UserId, now: Timestamp) -> Condition {
    use access_request::Column;
    Condition::all()
        .add(Column::TenantId.eq(wall))
        .add(Column::RequesterId.eq(requester.uuid()))
        .add(Column::Status.eq(RequestStatus::Pending.as_str()))
        .add(Column::ExpiresAt.is_null().or(Column::ExpiresAt.gt(now.micros())))
}

impl WriteUnit {
    /// Cancels the pending requests of a person. Answers which.
    pub async fn cancel_requests_of(
        &self,
        requester: UserId,
        by: DoneBy,
        now: Timestamp,
    ) -> Result<Vec<RequestId>, StoreError> {
        use access_request::{Column, Entity};
        let ids: Vec<Uuid> = Entity::find()
            .select_only()
            .column(Column::Id)
            .filter(pending(self.wall(), requester, now))
            .order_by_asc(Column::Id)
            .lock_exclusive()
            .into_tuple()
            .all(self.tx())
            .await?;
        Entity::update_many()
            .col_expr(Column::Status, Expr::value(RequestStatus::Cancelled.as_str()))
            .col_expr(Column::DecidedBy, Expr::value(by.to_string()))
            .col_expr(Column::DecidedAt, Expr::value(now.micros()))
            .col_expr(Column::UpdatedAt, Expr::value(now.micros()))
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::Id.is_in(ids.iter().copied()))
            .exec(self.tx())
            .await?;
        Ok(ids.into_iter().map(RequestId::from_uuid).collect())
    }
}
