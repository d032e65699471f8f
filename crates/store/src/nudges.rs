//! Nudges between the nodes of one PostgreSQL (`LISTEN`/`NOTIFY`). They carry a tenant's id and nothing else, and may be
//! lost: whoever waits for one looks by themselves before long.

use curfew_domain::TenantId;
use sea_orm::sqlx::postgres::PgListener;
use sea_orm::{ConnectionTrait, DbBackend, Statement};

use crate::{Backend, Store, StoreError};

/// The channel that all nodes listen on.
const CHANNEL: &str = "curfew_nudge";

/// What other nodes nudge this one about. It keeps a connection of its own, and makes it anew when it breaks.
pub struct NudgeListener(PgListener);

impl Store {
    /// Listens for the nudges of other nodes. None for SQLite, which has one process.
    pub async fn listen_for_nudges(&self) -> Result<Option<NudgeListener>, StoreError> {
        if self.backend() == Backend::Sqlite {
            return Ok(None);
        }
        let pool = self.readers().get_postgres_connection_pool();
        let mut listener = PgListener::connect_with(pool).await.map_err(as_db_error)?;
        listener.listen(CHANNEL).await.map_err(as_db_error)?;
        Ok(Some(NudgeListener(listener)))
    }

    /// Nudges all nodes about these tenants, this one too. Not within a unit's transaction: PostgreSQL lets transactions
    /// that notify commit one after the other.
    pub async fn nudge_nodes(&self, tenants: &[TenantId]) -> Result<(), StoreError> {
        if self.backend() == Backend::Sqlite || tenants.is_empty() {
            return Ok(());
        }
        let ids: Vec<String> = tenants.iter().map(ToString::to_string).collect();
        let sql = "SELECT pg_notify($1, id) FROM unnest(string_to_array($2, ',')) AS id";
        let statement =
            Statement::from_sql_and_values(DbBackend::Postgres, sql, [CHANNEL.into(), ids.join(",").into()]);
        self.readers().execute_raw(statement).await?;
        Ok(())
    }
}

impl NudgeListener {
    /// Whom the next nudge is about. None where some may have been lost, for the connection broke meanwhile.
    pub async fn next(&mut self) -> Result<Option<TenantId>, StoreError> {
        loop {
            let Some(told) = self.0.try_recv().await.map_err(as_db_error)? else { return Ok(None) };
            // Whoever may write to this database may say anything here.
            if let Ok(tenant) = told.payload().parse() {
                return Ok(Some(tenant));
            }
        }
    }
}

fn as_db_error(error: sea_orm::sqlx::Error) -> sea_orm::DbErr {
    sea_orm::DbErr::Conn(sea_orm::RuntimeErr::SqlxError(error.into()))
}
