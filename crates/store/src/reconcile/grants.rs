//! The moments of grants, as the reconciler reads and writes them.

use curfew_domain::assignment::Phase;
use curfew_domain::grant::GrantTimes;
use curfew_domain::{GrantId, Seconds, Timestamp};
use sea_orm::sea_query::{Expr, Query, SelectStatement};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};

use crate::entity::{access_grant, access_request, assignment, grant_assignment};
use crate::row::{Row, micros, moment};
use crate::{ReadUnit, StoreError, WriteUnit};

/// A grant's moments off its row.
pub(crate) fn times_of(row: &access_grant::Model) -> Result<GrantTimes, StoreError> {
    let at = Row { table: "access_grant", id: row.id };
    Ok(GrantTimes {
        duration: Seconds::new(row.duration_seconds)
            .map_err(|problem| at.corrupt("duration_seconds", problem))?,
        decided_at: Timestamp::from_micros(row.decided_at),
        start_by: Timestamp::from_micros(row.start_by),
        started_at: moment(row.started_at),
        succeeded_at: moment(row.succeeded_at),
        expires_at: moment(row.expires_at),
        failed_at: moment(row.failed_at),
        revoked_at: moment(row.revoked_at),
    })
}

impl ReadUnit {
    /// Whether a grant came from a request in an emergency.
    pub async fn was_emergency(&self, grant: GrantId) -> Result<bool, StoreError> {
        let emergencies = access_request::Entity::find()
            .filter(access_request::Column::TenantId.eq(self.wall()))
            .filter(access_request::Column::BreakGlass.eq(true))
            .filter(access_request::Column::Id.in_subquery(self.request_of(grant)));
        Ok(emergencies.count(self.tx()).await? > 0)
    }

    fn request_of(&self, grant: GrantId) -> SelectStatement {
        Query::select()
            .column(access_grant::Column::RequestId)
            .from(access_grant::Entity)
            .and_where(access_grant::Column::TenantId.eq(self.wall()))
            .and_where(access_grant::Column::Id.eq(grant.uuid()))
            .to_owned()
    }
}

impl WriteUnit {
    /// Where each of a grant's assignments stands.
    pub async fn phases_of_grant(&self, grant: GrantId) -> Result<Vec<Phase>, StoreError> {
        let links = grant_assignment::Entity::find()
            .filter(grant_assignment::Column::TenantId.eq(self.wall()))
            .filter(grant_assignment::Column::GrantId.eq(grant.uuid()))
            .all(self.tx())
            .await?;
        let rows = assignment::Entity::find()
            .filter(assignment::Column::TenantId.eq(self.wall()))
            .filter(assignment::Column::Id.is_in(links.into_iter().map(|link| link.assignment_id)))
            .all(self.tx())
            .await?;
        rows.iter().map(|row| Row { table: "assignment", id: row.id }.parse("phase", &row.phase)).collect()
    }

    /// Writes a grant's moments, and why it failed where it did.
    pub async fn save_grant_times(
        &self,
        grant: GrantId,
        times: &GrantTimes,
        failure: Option<&str>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut update = access_grant::Entity::update_many()
            .col_expr(access_grant::Column::StartedAt, Expr::value(micros(times.started_at)))
            .col_expr(access_grant::Column::SucceededAt, Expr::value(micros(times.succeeded_at)))
            .col_expr(access_grant::Column::ExpiresAt, Expr::value(micros(times.expires_at)))
            .col_expr(access_grant::Column::FailedAt, Expr::value(micros(times.failed_at)))
            .col_expr(access_grant::Column::RevokedAt, Expr::value(micros(times.revoked_at)))
            .col_expr(access_grant::Column::UpdatedAt, Expr::value(now.micros()));
        if let Some(failure) = failure {
            update = update.col_expr(access_grant::Column::Failure, Expr::value(failure));
        }
        update
            .filter(access_grant::Column::TenantId.eq(self.wall()))
            .filter(access_grant::Column::Id.eq(grant.uuid()))
            .exec(self.tx())
            .await?;
        Ok(())
    }

    /// The log says that time has ended these grants.
    pub async fn note_grant_ends(&self, grants: &[GrantId], now: Timestamp) -> Result<(), StoreError> {
        self.note_of_grants(grants, access_grant::Column::EndNotedAt, now).await
    }

    /// The log says that the grant ends soon.
    pub async fn note_grant_expiring(&self, grant: GrantId, now: Timestamp) -> Result<(), StoreError> {
        self.note_of_grants(&[grant], access_grant::Column::ExpiringNotedAt, now).await
    }

    async fn note_of_grants(
        &self,
        grants: &[GrantId],
        noted_at: access_grant::Column,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        access_grant::Entity::update_many()
            .col_expr(noted_at, Expr::value(now.micros()))
            .filter(access_grant::Column::TenantId.eq(self.wall()))
            .filter(access_grant::Column::Id.is_in(grants.iter().map(|grant| grant.uuid())))
            .exec(self.tx())
            .await?;
        Ok(())
    }
}
