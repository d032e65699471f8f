//! Opening a database: which one, and what can be wrong with it.

mod lock;
mod postgres;
mod sqlite;

use std::path::PathBuf;
use std::time::Duration;

use sea_orm::{DatabaseConnection, DatabaseTransaction, DbErr, TransactionTrait, sqlx};

use crate::writer::Writer;

pub(crate) use lock::ProcessLock;
pub(crate) use postgres::{Server, connect as connect_postgres};
pub(crate) use sqlite::connect as connect_sqlite;

/// Which database, and how much of it.
#[derive(Clone)]
pub struct StoreOptions {
    /// `sqlite://path` or `postgres://user:password@host:port/database`.
    pub url: String,
    /// Most connections at a time: of PostgreSQL, or readers of SQLite (which has one writer besides).
    pub max_connections: u32,
    /// How long a unit waits for a connection before the database counts as unavailable; none for what suits the
    /// database: 5 s for PostgreSQL, 30 s for SQLite's one writer.
    pub acquire_timeout: Option<Duration>,
    /// How long PostgreSQL waits for us, and lets us wait.
    pub time_limits: TimeLimits,
    /// Most pages (4 KiB each) that a SQLite file may grow to; none for what the disk holds.
    pub sqlite_max_pages: Option<u32>,
    /// Whether a SQLite file that is missing is made.
    pub make_missing: bool,
}

impl StoreOptions {
    /// The database at `url`, with connections as for one server.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            max_connections: 16,
            acquire_timeout: None,
            time_limits: TimeLimits::default(),
            sqlite_max_pages: None,
            make_missing: true,
        }
    }
}

/// What PostgreSQL itself puts an end to. A node that is gone without a word would else keep its locks until the
/// server's operating system notices, which takes hours, and all others would wait behind them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeLimits {
    /// How long a statement waits for a lock.
    pub lock: Duration,
    /// How long a statement takes.
    pub statement: Duration,
    /// How long a unit does nothing between two statements: no unit waits for anybody but the database.
    pub idle_unit: Duration,
}

impl Default for TimeLimits {
    fn default() -> Self {
        Self {
            lock: Duration::from_secs(5),
            statement: Duration::from_secs(30),
            idle_unit: Duration::from_secs(15),
        }
    }
}

impl StoreOptions {
    /// The file that the URL leads to, none for PostgreSQL; or what is wrong with the URL. Nothing is opened.
    pub fn file(&self) -> Result<Option<PathBuf>, OpenError> {
        if self.url.starts_with("sqlite:") {
            sqlite::path_of(&self.url).map(Some)
        } else if self.url.starts_with("postgres://") || self.url.starts_with("postgresql://") {
            Server::from_url(&self.url).map(|_| None)
        } else {
            Err(OpenError::UnknownScheme)
        }
    }
}

/// Without the URL, which may hold a password.
impl std::fmt::Debug for StoreOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoreOptions")
            .field("max_connections", &self.max_connections)
            .field("acquire_timeout", &self.acquire_timeout)
            .field("time_limits", &self.time_limits)
            .field("sqlite_max_pages", &self.sqlite_max_pages)
            .field("make_missing", &self.make_missing)
            .finish_non_exhaustive()
    }
}

/// Why a database could not be opened, in words for whoever runs the server. Never holds a password.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Neither of the two.
    #[error("a database URL begins with sqlite:// or postgres://")]
    UnknownScheme,
    /// Not a URL of its kind.
    #[error("the database URL can't be read: {problem}")]
    Malformed {
        /// What is wrong with it.
        problem: String,
    },
    /// The SQLite file would have to lie in a directory that doesn't exist.
    #[error("the directory of the database {} does not exist", path.display())]
    DirectoryMissing {
        /// The database file.
        path: PathBuf,
    },
    /// There is no such SQLite file, and none is to be made.
    #[error("the database {} does not exist", path.display())]
    NotThere {
        /// The database file.
        path: PathBuf,
    },
    /// The SQLite file, or its directory, can't be written.
    #[error("the database {} can't be written", path.display())]
    NotWritable {
        /// The database file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The file holds something else.
    #[error("the file {} is not a SQLite database", path.display())]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// Another process has it open: with one writer, two would lose each other's work.
    #[error("another process has the database {} open", path.display())]
    InUse {
        /// The database file.
        path: PathBuf,
    },
    /// PostgreSQL does not answer.
    #[error("no PostgreSQL answers at {server}")]
    Unreachable {
        /// Host, port and database.
        server: String,
        /// What the driver said.
        #[source]
        source: sqlx::Error,
    },
    /// PostgreSQL can't be spoken with in the way that the URL's `sslmode` asks for.
    #[error("no trusted connection to the PostgreSQL at {server} (sslmode, sslrootcert)")]
    NoTls {
        /// Host, port and database.
        server: String,
        /// What the driver said.
        #[source]
        source: sqlx::Error,
    },
    /// PostgreSQL answers and refuses: the role, its password, or the database.
    #[error("PostgreSQL at {server} refuses: {reason}")]
    Refused {
        /// Host, port and database.
        server: String,
        /// What it said.
        reason: String,
    },
    /// Anything else that the database said.
    #[error("the database can't be opened")]
    Failed(#[source] sqlx::Error),
}

/// The connections to one database.
#[derive(Clone)]
pub(crate) struct Connections {
    /// Where units that only read run.
    pub(crate) readers: DatabaseConnection,
    /// Where units that write run.
    pub(crate) writers: Writers,
}

/// Where units that write run.
#[derive(Clone)]
pub(crate) enum Writers {
    /// PostgreSQL: where the readers run, side by side.
    Pool(DatabaseConnection),
    /// SQLite: one after the other.
    Queue(Writer),
}

impl Writers {
    /// Begins a transaction that is no unit: for migrations.
    pub(crate) async fn begin_alone(&self) -> Result<DatabaseTransaction, DbErr> {
        match self {
            Self::Pool(pool) => pool.begin().await,
            Self::Queue(writer) => writer.begin_alone().await,
        }
    }

    pub(crate) async fn close(&self) {
        let connection = match self {
            Self::Pool(pool) => pool,
            Self::Queue(writer) => writer.connection(),
        };
        // Closing a pool can't fail: it only waits.
        let _ = connection.close_by_ref().await;
    }
}
