//! A PostgreSQL database for one test.

use std::str::FromStr;

use sea_orm::sqlx::postgres::{PgConnectOptions, PgConnection};
use sea_orm::sqlx::{AssertSqlSafe, Connection, Executor, query_scalar};

/// The role that tests use PostgreSQL as.
const ROLE: &str = "curfew";

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

    /// Runs statements as the superuser.
    pub async fn execute(&self, sql: &str) {
        let mut superuser =
            PgConnection::connect(&self.url_as_superuser()).await.expect("the superuser connects");
        superuser.execute(AssertSqlSafe(sql.to_owned())).await.expect("PostgreSQL takes it");
    }

    /// What a query of one text answers to the superuser.
    pub async fn ask(&self, sql: &str) -> String {
        let mut superuser =
            PgConnection::connect(&self.url_as_superuser()).await.expect("the superuser connects");
        let asked = query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(&mut superuser).await;
        asked.expect("PostgreSQL answers")
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
