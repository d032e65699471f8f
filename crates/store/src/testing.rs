//! Fresh databases for tests, of both kinds.
//!
//! PostgreSQL's comes from the running server that `CURFEW_TEST_POSTGRES_URL` names, as a superuser; the store uses
//! it as the role `curfew`, which passes no wall. Each test has a database of its own, gone when the test is.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test that can't have its database has nothing to tell"
)]

use std::str::FromStr;

use sea_orm::sqlx::postgres::{PgConnectOptions, PgConnection};
use sea_orm::sqlx::{AssertSqlSafe, Connection, Executor};

use crate::{Store, StoreOptions};

/// The role that tests use PostgreSQL as.
const ROLE: &str = "curfew";

/// A migrated store with a database of its own.
pub struct TestStore {
    /// The store.
    pub store: Store,
    /// Where its database is.
    pub url: String,
    _place: Place,
}

enum Place {
    Directory(#[expect(dead_code, reason = "held until the test is over")] tempfile::TempDir),
    Database(#[expect(dead_code, reason = "held until the test is over")] PostgresDatabase),
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
        Some(Self::migrated(database.url(), Place::Database(database)).await)
    }

    async fn migrated(url: String, place: Place) -> Self {
        let store = Store::open(StoreOptions::new(&url)).await.expect("a fresh database opens");
        store.migrate().await.expect("a fresh database migrates");
        Self { store, url, _place: place }
    }
}

/// An empty PostgreSQL database owned by a role that passes no wall. Dropped with this.
pub struct PostgresDatabase {
    name: String,
    server: PgConnectOptions,
}

impl PostgresDatabase {
    /// A new one; none where `CURFEW_TEST_SKIP_POSTGRES=1`.
    ///
    /// # Panics
    ///
    /// Without a server to use.
    pub async fn create() -> Option<Self> {
        let Ok(url) = std::env::var("CURFEW_TEST_POSTGRES_URL") else {
            if std::env::var("CURFEW_TEST_SKIP_POSTGRES").is_ok_and(|skip| skip == "1") {
                return None;
            }
            panic!(
                "CURFEW_TEST_POSTGRES_URL is not set: `make test` sets it, `make check` skips these tests"
            );
        };
        let server = PgConnectOptions::from_str(&url).expect("CURFEW_TEST_POSTGRES_URL is a PostgreSQL URL");
        let mut name = [0_u8; 8];
        getrandom::fill(&mut name).expect("the system has randomness");
        let name = format!("curfew_test_{:016x}", u64::from_le_bytes(name));
        let mut admin = PgConnection::connect_with(&server).await.expect("the PostgreSQL server answers");
        // Another test may have made the role meanwhile.
        let _ =
            admin.execute(AssertSqlSafe(format!("CREATE ROLE {ROLE} LOGIN NOSUPERUSER NOBYPASSRLS"))).await;
        let create = format!("CREATE DATABASE {name} OWNER {ROLE}");
        admin.execute(AssertSqlSafe(create)).await.expect("a database is created");
        Some(Self { name, server })
    }

    /// Where it is, as the role that passes no wall.
    pub fn url(&self) -> String {
        self.url_as(ROLE)
    }

    /// Where it is, as another role.
    pub fn url_as(&self, role: &str) -> String {
        format!("postgres://{role}@{}:{}/{}", self.server.get_host(), self.server.get_port(), self.name)
    }

    /// The superuser's own way in.
    pub fn url_as_superuser(&self) -> String {
        self.url_as(self.server.get_username())
    }
}

impl Drop for PostgresDatabase {
    fn drop(&mut self) {
        let drop = AssertSqlSafe(format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
        let server = self.server.clone();
        // The test's own runtime may be on its way down.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async {
                if let Ok(mut admin) = PgConnection::connect_with(&server).await {
                    let _ = admin.execute(drop).await;
                }
            });
        });
        let _ = dropping.join();
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
