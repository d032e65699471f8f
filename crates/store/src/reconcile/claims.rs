//! Access that becomes Curfew's although Curfew has not made it, or has forgotten that it did.
//!
//! Whoever wants it writes that down, without a fence, as with a change of a grant; the connection's owner carries it out:
//! it looks what AWS holds now, and takes the row's wish away in the transaction that writes what it saw.

use curfew_domain::{AssignmentId, Timestamp};
use sea_orm::sea_query::{Expr, Query};
use sea_orm::{ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter};

use crate::entity::{access_grant, assignment, grant_assignment};
use crate::row::micros;
use crate::{ReadUnit, StoreError, WriteUnit};

impl ReadUnit {
    /// Whether a grant that was made before `moment`, and after what Curfew had there was `gone`, found this access in AWS,
    /// from elsewhere.
    pub async fn stood_before(
        &self,
        assignment: AssignmentId,
        moment: Timestamp,
        gone: Option<Timestamp>,
    ) -> Result<bool, StoreError> {
        let made = access_grant::Column::CreatedAt;
        let between = Condition::all()
            .add(made.lt(moment.micros()))
            .add_option(gone.map(|gone| made.gt(gone.micros())));
        let earlier = Query::select()
            .column(access_grant::Column::Id)
            .from(access_grant::Entity)
            .and_where(access_grant::Column::TenantId.eq(self.wall()))
            .cond_where(between)
            .to_owned();
        let found = grant_assignment::Entity::find()
            .filter(grant_assignment::Column::TenantId.eq(self.wall()))
            .filter(grant_assignment::Column::AssignmentId.eq(assignment.uuid()))
            .filter(grant_assignment::Column::Standing.eq(true))
            .filter(grant_assignment::Column::GrantId.in_subquery(earlier))
            .count(self.tx())
            .await?;
        Ok(found > 0)
    }
}

impl WriteUnit {
    /// What AWS holds of it is to be Curfew's: a grant needs it, and will end.
    pub async fn want_claim(&self, assignment: AssignmentId, now: Timestamp) -> Result<(), StoreError> {
        self.set_claim(assignment, Some(now)).await?;
        self.touch_due(assignment, now).await
    }

    /// The same, so that it is taken back: before what is to be given.
    pub async fn want_removal(&self, assignment: AssignmentId, now: Timestamp) -> Result<(), StoreError> {
        self.set_claim(assignment, Some(now)).await?;
        self.touch_due_to_take_back(assignment, now).await
    }

    /// The owner has carried it out, there is nothing to claim, or it is wanted no longer.
    pub async fn clear_claim(&self, assignment: AssignmentId) -> Result<(), StoreError> {
        self.set_claim(assignment, None).await
    }

    async fn set_claim(&self, assignment: AssignmentId, wanted: Option<Timestamp>) -> Result<(), StoreError> {
        assignment::Entity::update_many()
            .col_expr(assignment::Column::ClaimWantedAt, Expr::value(micros(wanted)))
            .filter(assignment::Column::TenantId.eq(self.wall()))
            .filter(assignment::Column::Id.eq(assignment.uuid()))
            .exec(self.tx())
            .await?;
        Ok(())
    }
}
