//! Bringing the schema up to this program.

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbErr};
use sea_orm_migration::MigratorTrait;

use crate::migration::Migrator;
use crate::open::{OpenError, Server};
use crate::unit::begin_migration;
use crate::{Store, StoreError, StoreOptions};

/// The key of the advisory lock under which a node migrates PostgreSQL: `curfew` in ASCII.
const MIGRATION_LOCK: i64 = 0x6375_7266_6577;

/// Why the schema could not be brought up to this program. Nothing of it was changed.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The role may not change the schema.
    #[error("the database role may not change the schema")]
    NotAllowed(#[source] StoreError),
    /// A newer program has migrated this database.
    #[error("the database was migrated by a newer version of Curfew: {problem}")]
    Newer {
        /// Which migrations are unknown here.
        problem: String,
    },
    /// The database to migrate with could not be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// Applies the migrations that are missing, in one transaction, and on PostgreSQL under an advisory lock:
    /// nodes that start together wait for each other, and all but the first find nothing to do.
    pub async fn migrate(&self) -> Result<(), MigrateError> {
        let unit = begin_migration(self).await?;
        if let Some(server) = self.server() {
            lock_and_apply(&unit, None)
                .await
                .inspect_err(|_| tracing::debug!(server = server.name, "not migrated"))?;
        } else {
            apply(&unit).await?;
        }
        Ok(unit.commit().await.map_err(StoreError::from)?)
    }

    /// Migrates as another role (`MIGRATE_DATABASE_URL`), which then owns the tables, and gives this store's role
    /// the right to use them.
    pub async fn migrate_as(&self, options: StoreOptions) -> Result<(), MigrateError> {
        let Some(server) = self.server() else { return self.migrate().await };
        let owner = Store::open(options).await?;
        let unit = begin_migration(&owner).await?;
        lock_and_apply(&unit, Some(server)).await?;
        unit.commit().await.map_err(StoreError::from)?;
        owner.close().await;
        Ok(())
    }

    /// The names of migrations that are not applied yet. Changes nothing.
    pub async fn pending_migrations(&self) -> Result<Vec<String>, MigrateError> {
        let pending = Migrator::get_pending_migrations_read_only(self.readers()).await.map_err(why)?;
        Ok(pending.iter().map(|migration| migration.name().to_owned()).collect())
    }
}

async fn lock_and_apply(unit: &DatabaseTransaction, user: Option<&Server>) -> Result<(), MigrateError> {
    let lock = format!("SELECT pg_advisory_xact_lock({MIGRATION_LOCK})");
    unit.execute_unprepared(&lock).await.map_err(why)?;
    apply(unit).await?;
    if let Some(user) = user {
        grant(unit, user.options.get_username()).await?;
    }
    Ok(())
}

async fn apply(unit: &DatabaseTransaction) -> Result<(), MigrateError> {
    let pending = Migrator::get_pending_migrations_read_only(unit).await.map_err(why)?;
    if pending.is_empty() {
        return Ok(());
    }
    Migrator::up(unit, None).await.map_err(why)
}

/// The right to use what is there, not to change its shape.
async fn grant(unit: &DatabaseTransaction, role: &str) -> Result<(), MigrateError> {
    let role = format!("\"{}\"", role.replace('"', "\"\""));
    let sql = format!(
        "GRANT USAGE ON SCHEMA public TO {role};
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role};"
    );
    unit.execute_unprepared(&sql).await.map(drop).map_err(why)
}

fn why(error: DbErr) -> MigrateError {
    // PostgreSQL manual, appendix A: insufficient privilege; no schema that may be used.
    const DENIED: [&str; 2] = ["42501", "3F000"];
    let denied = sqlstate(&error).is_some_and(|code| DENIED.contains(&code.as_str()));
    match error {
        // What SeaORM says of applied migrations that the program does not have.
        DbErr::Custom(problem) => MigrateError::Newer { problem },
        error if denied => MigrateError::NotAllowed(error.into()),
        error => MigrateError::Store(error.into()),
    }
}

fn sqlstate(error: &DbErr) -> Option<String> {
    match error {
        DbErr::Exec(sea_orm::RuntimeErr::SqlxError(error))
        | DbErr::Query(sea_orm::RuntimeErr::SqlxError(error)) => {
            Some(error.as_database_error()?.code()?.into_owned())
        }
        _ => None,
    }
}
