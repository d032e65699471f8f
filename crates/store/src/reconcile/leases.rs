//! Who owns a tenant's AWS connection: a lease on the database's own clock, with a number that grows with each
//! new owner.

use std::time::Duration;

use curfew_domain::{NodeId, TenantId};
use sea_orm::{ColumnTrait, DbBackend, EntityTrait, FromQueryResult, QueryFilter, Statement, Value};
use uuid::Uuid;

use crate::entity::connection_lease;
use crate::{Backend, Store, StoreError};

#[derive(FromQueryResult)]
struct Given {
    fence: i64,
}

#[derive(FromQueryResult)]
struct Renewed {
    tenant_id: Uuid,
    fence: i64,
}

#[derive(FromQueryResult)]
struct Tenant {
    tenant_id: Uuid,
}

impl Store {
    /// Takes the lease on a tenant's connection, or renews it, for `lasting` from now. The answer is its fencing
    /// number; none while another node holds it. A lease that ran out comes back with a new number.
    ///
    /// SQLite has one process, so that a new one takes over at once.
    pub async fn take_lease(
        &self,
        tenant: TenantId,
        node: NodeId,
        lasting: Duration,
    ) -> Result<Option<u64>, StoreError> {
        let lasting = i64::try_from(lasting.as_micros()).unwrap_or(i64::MAX);
        let values = [tenant.uuid().into(), node.uuid().into(), lasting.into()];
        let statement = self.statement(TAKE_ON_POSTGRES, TAKE_ON_SQLITE, values);
        let unit = self.unwalled().write().await?;
        let given = Given::find_by_statement(statement).one(unit.tx()).await?;
        unit.commit().await?;
        Ok(given.map(|given| given.fence.unsigned_abs()))
    }

    /// Renews all leases of a node that did not run out and whose tenants have something due, now or later, or are watched
    /// besides, for `lasting` from now. Answers which, with their fencing numbers; the others run out.
    pub async fn renew_leases(
        &self,
        node: NodeId,
        lasting: Duration,
    ) -> Result<Vec<(TenantId, u64)>, StoreError> {
        let lasting = i64::try_from(lasting.as_micros()).unwrap_or(i64::MAX);
        let values = [node.uuid().into(), lasting.into()];
        let statement = self.statement(RENEW_ON_POSTGRES, RENEW_ON_SQLITE, values);
        let unit = self.unwalled().write().await?;
        let renewed = Renewed::find_by_statement(statement).all(unit.tx()).await?;
        unit.commit().await?;
        let lease = |row: Renewed| (TenantId::from_uuid(row.tenant_id), row.fence.unsigned_abs());
        Ok(renewed.into_iter().map(lease).collect())
    }

    /// Hands all connections of a node over: whoever asks next gets them.
    pub async fn release_leases(&self, node: NodeId) -> Result<(), StoreError> {
        let unit = self.unwalled().write().await?;
        connection_lease::Entity::update_many()
            .col_expr(connection_lease::Column::ExpiresAt, sea_orm::sea_query::Expr::value(0_i64))
            .filter(connection_lease::Column::NodeId.eq(node.uuid()))
            .exec(unit.tx())
            .await?;
        unit.commit().await
    }

    /// Hands a connection over: whoever asks next gets it. Does nothing when another node holds it.
    pub async fn release_lease(&self, tenant: TenantId, node: NodeId) -> Result<(), StoreError> {
        let unit = self.unwalled().write().await?;
        connection_lease::Entity::update_many()
            .col_expr(connection_lease::Column::ExpiresAt, sea_orm::sea_query::Expr::value(0_i64))
            .filter(connection_lease::Column::TenantId.eq(tenant.uuid()))
            .filter(connection_lease::Column::NodeId.eq(node.uuid()))
            .exec(unit.tx())
            .await?;
        unit.commit().await
    }

    /// The tenants that have something due, now or later, or are watched besides, and whose connections `node` could own and doesn't.
    pub async fn tenants_without_owner(&self, node: NodeId) -> Result<Vec<TenantId>, StoreError> {
        let asked = match self.backend() {
            Backend::Postgres => None,
            Backend::Sqlite => Some(node.uuid().into()),
        };
        let statement = self.statement(WITHOUT_OWNER_ON_POSTGRES, WITHOUT_OWNER_ON_SQLITE, asked);
        let unit = self.unwalled().read().await?;
        let found = Tenant::find_by_statement(statement).all(unit.tx()).await?;
        Ok(found.into_iter().map(|row| TenantId::from_uuid(row.tenant_id)).collect())
    }

    fn statement(
        &self,
        on_postgres: &str,
        on_sqlite: &str,
        values: impl IntoIterator<Item = Value>,
    ) -> Statement {
        match self.backend() {
            Backend::Postgres => Statement::from_sql_and_values(DbBackend::Postgres, on_postgres, values),
            Backend::Sqlite => Statement::from_sql_and_values(DbBackend::Sqlite, on_sqlite, values),
        }
    }
}

/// Now is the database's, in microseconds; the lease changes hands only when it has run out.
const TAKE_ON_POSTGRES: &str = "\
INSERT INTO connection_lease (tenant_id, node_id, fence, expires_at) \
VALUES ($1, $2, 1, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint + $3) \
ON CONFLICT (tenant_id) DO UPDATE SET \
  fence = connection_lease.fence + CASE WHEN connection_lease.node_id = excluded.node_id \
    AND connection_lease.expires_at > (extract(epoch FROM clock_timestamp()) * 1000000)::bigint THEN 0 ELSE 1 END, \
  node_id = excluded.node_id, expires_at = excluded.expires_at \
WHERE connection_lease.node_id = excluded.node_id \
  OR connection_lease.expires_at <= (extract(epoch FROM clock_timestamp()) * 1000000)::bigint \
RETURNING fence";

/// The same for the one process that a SQLite file has.
const TAKE_ON_SQLITE: &str = "\
INSERT INTO connection_lease (tenant_id, node_id, fence, expires_at) \
VALUES (?1, ?2, 1, CAST(unixepoch('subsec') * 1000000 AS INTEGER) + ?3) \
ON CONFLICT (tenant_id) DO UPDATE SET \
  fence = connection_lease.fence + CASE WHEN connection_lease.node_id = excluded.node_id \
    AND connection_lease.expires_at > CAST(unixepoch('subsec') * 1000000 AS INTEGER) THEN 0 ELSE 1 END, \
  node_id = excluded.node_id, expires_at = excluded.expires_at \
RETURNING fence";

const RENEW_ON_POSTGRES: &str = "\
UPDATE connection_lease SET expires_at = (extract(epoch FROM clock_timestamp()) * 1000000)::bigint + $2 \
WHERE node_id = $1 AND expires_at > (extract(epoch FROM clock_timestamp()) * 1000000)::bigint \
  AND (is_watched \
    OR EXISTS (SELECT 1 FROM due WHERE due.tenant_id = connection_lease.tenant_id) \
    OR EXISTS (SELECT 1 FROM session_due WHERE session_due.tenant_id = connection_lease.tenant_id)) \
RETURNING tenant_id, fence";

const RENEW_ON_SQLITE: &str = "\
UPDATE connection_lease SET expires_at = CAST(unixepoch('subsec') * 1000000 AS INTEGER) + ?2 \
WHERE node_id = ?1 AND expires_at > CAST(unixepoch('subsec') * 1000000 AS INTEGER) \
  AND (is_watched \
    OR EXISTS (SELECT 1 FROM due WHERE due.tenant_id = connection_lease.tenant_id) \
    OR EXISTS (SELECT 1 FROM session_due WHERE session_due.tenant_id = connection_lease.tenant_id)) \
RETURNING tenant_id, fence";

const WITHOUT_OWNER_ON_POSTGRES: &str = "\
SELECT tenant_id FROM ( \
  SELECT DISTINCT tenant_id FROM due UNION SELECT tenant_id FROM session_due \
  UNION SELECT tenant_id FROM connection_lease WHERE is_watched) AS busy \
WHERE NOT EXISTS ( \
  SELECT 1 FROM connection_lease lease WHERE lease.tenant_id = busy.tenant_id \
    AND lease.expires_at > (extract(epoch FROM clock_timestamp()) * 1000000)::bigint)";

/// What an earlier process owned is free.
const WITHOUT_OWNER_ON_SQLITE: &str = "\
SELECT tenant_id FROM ( \
  SELECT DISTINCT tenant_id FROM due UNION SELECT tenant_id FROM session_due \
  UNION SELECT tenant_id FROM connection_lease WHERE is_watched) AS busy \
WHERE NOT EXISTS ( \
  SELECT 1 FROM connection_lease lease WHERE lease.tenant_id = busy.tenant_id AND lease.node_id = ?1 \
    AND lease.expires_at > CAST(unixepoch('subsec') * 1000000 AS INTEGER))";
