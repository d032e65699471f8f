//! Fresh databases for tests, of both kinds.
//!
//! PostgreSQL's comes from the running server that `CURFEW_TEST_POSTGRES_URL` names, as a superuser; the store uses
//! it as the role `curfew`, which passes no wall. Each test has a database of its own, gone when the test is.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a test that can't have its database has nothing to tell"
)]

mod log;
mod postgres;
mod world;

use sea_orm::sqlx::sqlite::SqliteConnection;
use sea_orm::sqlx::{AssertSqlSafe, Connection, Executor, query_scalar};

use crate::{Store, StoreOptions};

pub use log::sealed_log;
pub use postgres::PostgresDatabase;
pub use world::World;

/// A migrated store with a database of its own.
pub struct TestStore {
    /// The store.
    pub store: Store,
    /// Where its database is.
    pub url: String,
    place: Place,
}

enum Place {
    Directory(#[expect(dead_code, reason = "held until the test is over")] tempfile::TempDir),
    Database(Box<PostgresDatabase>),
}

impl TestStore {
    /// A migrated SQLite store in a directory of its own.
    pub async fn sqlite() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let url = format!("sqlite://{}", directory.path().join("curfew.db").display());
        Self::migrated(url, Place::Directory(directory)).await
    }

    /// A migrated PostgreSQL store in a database of its own; none where `CURFEW_TEST_SKIP_POSTGRES=1`.
    ///
    /// # Panics
    ///
    /// Without a server to use: a test that did not run must not look as if it had passed.
    pub async fn postgres() -> Option<Self> {
        let database = PostgresDatabase::create().await?;
        Some(Self::migrated(database.url(), Place::Database(Box::new(database))).await)
    }

    /// Runs statements as whoever stands above every wall: what a repository can't do, or must not.
    pub async fn tamper(&self, sql: &str) {
        match &self.place {
            Place::Directory(_) => {
                let mut outsider = SqliteConnection::connect(&self.url).await.expect("the file opens");
                outsider.execute(AssertSqlSafe(sql.to_owned())).await.expect("SQLite takes it");
                outsider.close().await.expect("the connection closes");
            }
            Place::Database(database) => database.execute(sql).await,
        }
    }

    /// What a query of one text answers, to whoever stands above every wall.
    pub async fn ask(&self, sql: &str) -> String {
        match &self.place {
            Place::Directory(_) => {
                let mut outsider = SqliteConnection::connect(&self.url).await.expect("the file opens");
                let asked = query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(&mut outsider).await;
                outsider.close().await.expect("the connection closes");
                asked.expect("SQLite answers")
            }
            Place::Database(database) => database.ask(sql).await,
        }
    }

    /// Opens the database again with other options, once this store is closed.
    pub async fn reopen(&self, options: StoreOptions) -> Store {
        Store::open(options).await.expect("the database opens again")
    }

    async fn migrated(url: String, place: Place) -> Self {
        let store = Store::open(StoreOptions::new(&url)).await.expect("a fresh database opens");
        store.migrate().await.expect("a fresh database migrates");
        Self { store, url, place }
    }
}

/// Runs each test on both databases: `on_both_databases! { async fn a_sentence(db: &TestStore) { … } }`.
#[macro_export]
macro_rules! on_both_databases {
    ($(async fn $name:ident($db:ident: &TestStore) $body:block)+) => {$(
        mod $name {
            use super::*;

            async fn run($db: &$crate::testing::TestStore) $body

            #[tokio::test]
            async fn on_sqlite() {
                run(&$crate::testing::TestStore::sqlite().await).await;
            }

            #[tokio::test]
            async fn on_postgres() {
                if let Some(db) = $crate::testing::TestStore::postgres().await {
                    run(&db).await;
                }
            }
        }
    )+};
}
