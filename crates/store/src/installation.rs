//! The one row about the installation itself.

use curfew_domain::{PlatformMode, TenantId, Timestamp};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, FromQueryResult, QueryFilter, Statement,
};

use crate::entity::installation::{Column, Entity};
use crate::row::{Row, moment};
use crate::{StoreError, UnwalledRead, UnwalledWrite, WriteUnit};

/// What is known of the installation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Installation {
    /// Whether the master makes child tenants.
    pub platform_mode: PlatformMode,
    /// When the first-run setup was completed.
    pub setup_completed_at: Option<Timestamp>,
    /// The tenant that it made.
    pub master: Option<TenantId>,
    /// The last moment that was kept of the clock: now is never before it.
    pub kept_clock: Timestamp,
}

impl UnwalledRead {
    /// The installation.
    pub async fn installation(&self) -> Result<Installation, StoreError> {
        let at = Row { table: "installation", id: 1 };
        let row = Entity::find_by_id(1)
            .one(self.tx())
            .await?
            .ok_or_else(|| at.corrupt("id", "the row is missing"))?;
        Ok(Installation {
            platform_mode: at.parse("platform_mode", &row.platform_mode)?,
            setup_completed_at: moment(row.setup_completed_at),
            master: row.master_tenant_id.map(TenantId::from_uuid),
            kept_clock: Timestamp::from_micros(row.kept_clock),
        })
    }
}

impl UnwalledRead {
    /// What time PostgreSQL's machine says it is; none for SQLite, which is on this one.
    pub async fn database_clock(&self) -> Result<Option<Timestamp>, StoreError> {
        #[derive(FromQueryResult)]
        struct Now {
            micros: i64,
        }
        if self.tx().get_database_backend() != DbBackend::Postgres {
            return Ok(None);
        }
        let asking = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS micros";
        let now = Now::find_by_statement(Statement::from_string(DbBackend::Postgres, asking));
        Ok(now.one(self.tx()).await?.map(|now| Timestamp::from_micros(now.micros)))
    }
}

impl UnwalledWrite {
    /// Keeps a reading of the clock. An earlier one than is kept changes nothing.
    pub async fn keep_clock(&self, now: Timestamp) -> Result<(), StoreError> {
        Entity::update_many()
            .col_expr(Column::KeptClock, Expr::value(now.micros()))
            .filter(Column::KeptClock.lt(now.micros()))
            .exec(self.tx())
            .await?;
        Ok(())
    }
}

impl WriteUnit {
    /// Completes the first-run setup with the unit's tenant as master. False when it was completed before, also by
    /// a call that runs at the same time: then nothing was changed, and the unit is to be dropped.
    pub async fn complete_setup(&self, mode: PlatformMode, now: Timestamp) -> Result<bool, StoreError> {
        let done = Entity::update_many()
            .col_expr(Column::PlatformMode, Expr::value(mode.as_str()))
            .col_expr(Column::SetupCompletedAt, Expr::value(now.micros()))
            .col_expr(Column::MasterTenantId, Expr::value(self.wall()))
            .filter(Column::SetupCompletedAt.is_null())
            .exec(self.tx())
            .await?;
        Ok(done.rows_affected == 1)
    }
}
