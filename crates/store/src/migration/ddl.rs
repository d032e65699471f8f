//! Tables are written once, in PostgreSQL's words, and put into SQLite's where that is the database.

use sea_orm::DbBackend;
use sea_orm_migration::prelude::*;

/// The wall that this transaction stands behind; no row equals it when none was set.
const WALL: &str = "NULLIF(current_setting('curfew.tenant', true), '')::uuid";

/// Runs statements that create tables and indexes.
pub(super) async fn create(manager: &SchemaManager<'_>, postgres: &str) -> Result<(), DbErr> {
    let sql = match manager.get_database_backend() {
        DbBackend::Sqlite => for_sqlite(postgres),
        _ => postgres.to_owned(),
    };
    manager.get_connection().execute_unprepared(&sql).await.map(drop)
}

/// Lets a tenant's rows be seen and written behind its own wall alone, by the owner of the table as well.
pub(super) async fn wall(manager: &SchemaManager<'_>, table: &str) -> Result<(), DbErr> {
    let own = format!("tenant_id = {WALL}");
    let policy = format!("CREATE POLICY wall ON {table} USING ({own}) WITH CHECK ({own});");
    secure(manager, table, &policy).await
}

/// The tenant's own row: its parent reads it and founds it, and only the tenant itself changes it.
pub(super) async fn wall_tenant_table(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let family = format!("(id = {WALL} OR parent_id = {WALL})");
    let own = format!("(id = {WALL})");
    let policies = format!(
        "CREATE POLICY wall_read ON tenant FOR SELECT USING {family};
         CREATE POLICY wall_found ON tenant FOR INSERT WITH CHECK {family};
         CREATE POLICY wall_change ON tenant FOR UPDATE USING {own} WITH CHECK {own};
         CREATE POLICY wall_delete ON tenant FOR DELETE USING {own};"
    );
    secure(manager, "tenant", &policies).await
}

async fn secure(manager: &SchemaManager<'_>, table: &str, policies: &str) -> Result<(), DbErr> {
    if manager.get_database_backend() != DbBackend::Postgres {
        return Ok(());
    }
    let sql = format!(
        "ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
         ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
         {policies}"
    );
    manager.get_connection().execute_unprepared(&sql).await.map(drop)
}

/// Strict tables, so that SQLite too refuses a text where a number belongs.
fn for_sqlite(postgres: &str) -> String {
    [
        (" UUID", " BLOB"),
        (" BYTEA", " BLOB"),
        (" JSONB", " TEXT"),
        (" BIGINT", " INTEGER"),
        (" BOOLEAN", " INTEGER"),
    ]
    .into_iter()
    .fold(postgres.replace("\n);", "\n) STRICT;"), |sql, (theirs, ours)| sql.replace(theirs, ours))
}
