//! What a database needs that was restored from a backup: numbers that others may have seen go forward, and what let
//! people in is over.

use curfew_domain::assignment::Phase;
use curfew_domain::{AssignmentId, NodeId, TenantId, Timestamp};
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Statement,
    Value,
};
use uuid::Uuid;

use crate::entity::{assignment, credential, due, session};
use crate::{ReadUnit, Store, StoreError, WriteUnit};

impl Store {
    /// Moves the number of the next lease on a tenant's connection beyond `fence`, unless a node holds it now: whoever owned
    /// the connection after the backup was made has a number that the restored database has not given out yet.
    pub async fn move_fence(&self, tenant: TenantId, node: NodeId, fence: u64) -> Result<(), StoreError> {
        let fence = i64::try_from(fence).unwrap_or(i64::MAX);
        let values: [Value; 3] = [tenant.uuid().into(), node.uuid().into(), fence.into()];
        let unit = self.unwalled().write().await?;
        let statement = match unit.tx().get_database_backend() {
            DbBackend::Postgres => {
                Statement::from_sql_and_values(DbBackend::Postgres, MOVE_ON_POSTGRES, values)
            }
            other => Statement::from_sql_and_values(other, MOVE_ON_SQLITE, values),
        };
        unit.tx().execute_raw(statement).await?;
        unit.commit().await
    }
}

/// A lease that has not run out is its owner's.
const MOVE_ON_POSTGRES: &str = "\
INSERT INTO connection_lease (tenant_id, node_id, fence, expires_at) VALUES ($1, $2, $3, 0) \
ON CONFLICT (tenant_id) DO UPDATE SET fence = GREATEST(connection_lease.fence, excluded.fence) \
WHERE connection_lease.expires_at <= (extract(epoch FROM clock_timestamp()) * 1000000)::bigint";

/// The same for the one process that a SQLite file has.
const MOVE_ON_SQLITE: &str = "\
INSERT INTO connection_lease (tenant_id, node_id, fence, expires_at) VALUES (?1, ?2, ?3, 0) \
ON CONFLICT (tenant_id) DO UPDATE SET fence = max(connection_lease.fence, excluded.fence)";

impl ReadUnit {
    /// Assignments that something is due for, and that AWS was never asked about.
    pub async fn assignments_never_looked_for(&self) -> Result<Vec<AssignmentId>, StoreError> {
        let due = Query::select()
            .column(due::Column::AssignmentId)
            .from(due::Entity)
            .and_where(due::Column::TenantId.eq(self.wall()))
            .to_owned();
        let found: Vec<Uuid> = assignment::Entity::find()
            .select_only()
            .column(assignment::Column::Id)
            .filter(assignment::Column::TenantId.eq(self.wall()))
            .filter(assignment::Column::Phase.eq(Phase::Unseen.as_str()))
            .filter(assignment::Column::Id.in_subquery(due))
            .order_by_asc(assignment::Column::Id)
            .into_tuple()
            .all(self.tx())
            .await?;
        Ok(found.into_iter().map(AssignmentId::from_uuid).collect())
    }
}

impl WriteUnit {
    /// All that is due, now or later, is due now, under a generation that nobody has seen.
    pub async fn make_all_due(&self, now: Timestamp) -> Result<(), StoreError> {
        let kept = Expr::col((due::Entity, due::Column::DueAt));
        let sooner = Expr::case(kept.clone().lt(now.micros()), kept).finally(Expr::value(now.micros()));
        let kept = Expr::col((due::Entity, due::Column::Generation));
        let unseen =
            Expr::case(kept.clone().lt(now.micros()), Expr::value(now.micros())).finally(kept.add(1));
        due::Entity::update_many()
            .col_expr(due::Column::DueAt, sooner.into())
            .col_expr(due::Column::Generation, unseen.into())
            .filter(due::Column::TenantId.eq(self.wall()))
            .exec(self.tx())
            .await?;
        Ok(())
    }

    /// Ends every login, and every link with which somebody sets a first password: what was ended or used since the
    /// backup is good again in it. Answers how many logins that were.
    pub async fn end_all_sessions(&self, now: Timestamp) -> Result<u64, StoreError> {
        let ended = session::Entity::update_many()
            .col_expr(session::Column::EndedAt, Expr::value(now.micros()))
            .filter(session::Column::TenantId.eq(self.wall()))
            .filter(session::Column::EndedAt.is_null())
            .exec(self.tx())
            .await?;
        credential::Entity::update_many()
            .col_expr(credential::Column::RevokedAt, Expr::value(now.micros()))
            .col_expr(credential::Column::Version, Expr::col(credential::Column::Version).add(1))
            .filter(credential::Column::TenantId.eq(self.wall()))
            .filter(credential::Column::Kind.is_in(["session", "setup_link"]))
            .filter(credential::Column::RevokedAt.is_null())
            .exec(self.tx())
            .await?;
        Ok(ended.rows_affected)
    }
}
