//! Databases that are made for one server and go with it.

use sea_orm::{ConnectionTrait, DatabaseConnection};
use tempfile::TempDir;

use crate::fresh::fresh_id;

/// On which database a story is told.
#[derive(Debug, Clone)]
pub enum Backend {
    /// A file in a folder of its own.
    Sqlite,
    /// A database of its own in the PostgreSQL whose superuser's URL this is.
    Postgresql(String),
}

impl Backend {
    /// PostgreSQL, or `None` where the caller has asked to skip it (`make check`).
    ///
    /// # Panics
    /// When there is none and nobody asked to skip it: a test that did not run is not a test that passed.
    pub fn postgresql() -> Option<Self> {
        if let Ok(url) = std::env::var("CURFEW_TEST_POSTGRES_URL") {
            return Some(Self::Postgresql(url));
        }
        assert!(
            std::env::var("CURFEW_TEST_SKIP_POSTGRES").is_ok_and(|value| value == "1"),
            "CURFEW_TEST_POSTGRES_URL is not set: run `make test`, or `tests/postgres.sh cargo nextest run …`; \
             CURFEW_TEST_SKIP_POSTGRES=1 skips what needs PostgreSQL"
        );
        None
    }
}

/// A fresh database and the folder of the server that uses it.
pub struct Database {
    url: String,
    folder: TempDir,
    /// The superuser's URL and the database's name, to drop it.
    made: Option<(String, String)>,
}

impl Database {
    /// Makes one. PostgreSQL's is owned by a role that row-level security binds.
    pub async fn create(backend: &Backend) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        match backend {
            Backend::Sqlite => {
                let url = format!("sqlite://{}", folder.path().join("curfew.db").display());
                Self { url, folder, made: None }
            }
            Backend::Postgresql(superuser) => {
                let name = format!("curfew_{}", fresh_id().simple());
                let connection = connect(superuser).await;
                run(&connection, MAKE_ROLE).await;
                run(&connection, &format!("CREATE DATABASE {name} OWNER curfew")).await;
                connection.close().await.expect("closed");
                let url = owned_url(superuser, &name);
                Self { url, folder, made: Some((superuser.clone(), name)) }
            }
        }
    }

    /// The value of `DATABASE_URL`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A folder that goes with the database.
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// The same database, for somebody whom row-level security does not bind.
    pub fn url_above_the_walls(&self) -> String {
        match &self.made {
            None => self.url.clone(),
            Some((superuser, name)) => {
                let (server, _) = superuser.rsplit_once('/').expect("a URL with a database");
                format!("{server}/{name}")
            }
        }
    }

    /// The same database, for a role of that name, which is made with `attributes`, and owns nothing.
    pub async fn url_of_a_role(&self, role: &str, attributes: &str) -> String {
        let connection = self.above_the_walls().await;
        run(
            &connection,
            &format!(
                "DO $$ BEGIN CREATE ROLE {role} LOGIN {attributes};
             EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
            ),
        )
        .await;
        connection.close().await.expect("closed");
        let (_, place) = self.url.split_once('@').expect("a URL with a user");
        format!("postgres://{role}@{place}")
    }

    /// A connection past every wall.
    pub async fn above_the_walls(&self) -> DatabaseConnection {
        connect(&self.url_above_the_walls()).await
    }

    /// Runs SQL past the server, as somebody with the database's own rights could.
    pub async fn tamper(&self, sql: &str) {
        let connection = connect(&self.url).await;
        run(&connection, sql).await;
        connection.close().await.expect("closed");
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let Some((superuser, name)) = self.made.take() else { return };
        // A test may be in a runtime that can't be blocked.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async {
                if let Ok(connection) = sea_orm::Database::connect(superuser).await {
                    let sql = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
                    let _ = connection.execute_unprepared(&sql).await;
                    let _ = connection.close().await;
                }
            });
        });
        let _ = dropped.join();
    }
}

/// Several tests may come first at once.
const MAKE_ROLE: &str = "DO $$ BEGIN
    CREATE ROLE curfew LOGIN NOSUPERUSER NOBYPASSRLS;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$";

async fn connect(url: &str) -> DatabaseConnection {
    sea_orm::Database::connect(url).await.unwrap_or_else(|error| panic!("{url}: {error}"))
}

async fn run(connection: &DatabaseConnection, sql: &str) {
    connection.execute_unprepared(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
}

/// `postgres://postgres@127.0.0.1:5432/postgres` as the role `curfew` in another database.
fn owned_url(superuser: &str, name: &str) -> String {
    let (_, place) = superuser.split_once('@').expect("a URL with a user");
    let (host, _) = place.split_once('/').expect("a URL with a database");
    format!("postgres://curfew@{host}/{name}")
}
