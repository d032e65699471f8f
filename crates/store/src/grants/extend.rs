//! Grants that last longer than they were given for.

use curfew_domain::assignment::AssignmentKey;
use curfew_domain::request::RequestStatus;
use curfew_domain::{Grant, GrantId, RequestId, Timestamp, UserId};
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use crate::entity::{access_grant, access_request, assignment, grant_assignment};
use crate::reconcile::key_of;
use crate::row::micros;
use crate::{ReadUnit, StoreError, WriteUnit};

use super::open::open;

impl ReadUnit {
    /// What AWS holds or will hold for a grant, by the accounts.
    pub async fn assignments_of_grant(&self, grant: GrantId) -> Result<Vec<AssignmentKey>, StoreError> {
        let linked = Query::select()
            .column(grant_assignment::Column::AssignmentId)
            .from(grant_assignment::Entity)
            .cond_where(grant_assignment::Column::TenantId.eq(self.wall()))
            .cond_where(grant_assignment::Column::GrantId.eq(grant.uuid()))
            .to_owned();
        let rows = assignment::Entity::find()
            .filter(assignment::Column::TenantId.eq(self.wall()))
            .filter(assignment::Column::Id.in_subquery(linked))
            .order_by_asc(assignment::Column::AccountId)
            .all(self.tx())
            .await?;
        rows.iter().map(key_of).collect()
    }

    /// A person's request that waits at `now` and would extend the grant.
    pub async fn pending_extension(
        &self,
        requester: UserId,
        grant: GrantId,
        now: Timestamp,
    ) -> Result<Option<RequestId>, StoreError> {
        use access_request::{Column, Entity};
        let found: Option<Uuid> = Entity::find()
            .select_only()
            .column(Column::Id)
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::RequesterId.eq(requester.uuid()))
            .filter(Column::ExtendsGrantId.eq(grant.uuid()))
            .filter(Column::Status.eq(RequestStatus::Pending.as_str()))
            .filter(Column::ExpiresAt.is_null().or(Column::ExpiresAt.gt(now.micros())))
            .into_tuple()
            .one(self.tx())
            .await?;
        Ok(found.map(RequestId::from_uuid))
    }
}

impl WriteUnit {
    /// Writes that a grant lasts longer, and forgets that its end was told. Touch what is due besides.
    /// [`StoreError::Stale`] where its end is written already, whatever a slower clock says.
    pub async fn save_extension(&self, grant: &Grant) -> Result<(), StoreError> {
        use access_grant::{Column, Entity};
        let written = Entity::update_many()
            .col_expr(Column::DurationSeconds, Expr::value(grant.times.duration.get()))
            .col_expr(Column::ExpiresAt, Expr::value(micros(grant.times.expires_at)))
            .col_expr(Column::ExpiringNotedAt, Expr::value(micros(None::<Timestamp>)))
            .col_expr(Column::AuditEnabled, Expr::value(grant.audit_enabled))
            .col_expr(Column::UpdatedAt, Expr::value(grant.updated_at.micros()))
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::Id.eq(grant.id.uuid()))
            .filter(open())
            .exec(self.tx())
            .await?;
        if written.rows_affected == 1 { Ok(()) } else { Err(StoreError::Stale { table: "access_grant" }) }
    }
}
