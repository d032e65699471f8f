//! SQLite: one file, one process, one writer, several readers.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::str::FromStr;
use std::time::Duration;

use sea_orm::SqlxSqliteConnector;
use sea_orm::sqlx::pool::PoolConnectionMetadata;
use sea_orm::sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
};
use sea_orm::sqlx::{self, Connection};

use super::{Connections, OpenError, ProcessLock, StoreOptions, Writers};
use crate::sqlite_code;
use crate::writer::Writer;

/// How long a unit waits for its turn on a connection; longer means overload.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(30);

/// How long SQLite itself waits for a lock. Only checkpoints and outsiders (a backup) hold one against us.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Readers are threads: more than a few gain nothing.
const MOST_READERS: u32 = 4;

/// Opens the file, makes it when it is missing unless that is not wanted, and locks it against other processes.
pub(crate) async fn connect(options: &StoreOptions) -> Result<(Connections, ProcessLock), OpenError> {
    let path = path_of(&options.url)?;
    check_place(&path)?;
    if !options.make_missing && !path.exists() {
        return Err(OpenError::NotThere { path });
    }
    check_writable(&path)?;
    let lock = ProcessLock::take(&path)?;

    let base = SqliteConnectOptions::new()
        .filename(&path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT);
    let mut writer = base.clone();
    if let Some(pages) = options.sqlite_max_pages {
        writer = writer.pragma("max_page_count", pages.to_string());
    }
    let patience = options.acquire_timeout.unwrap_or(ACQUIRE_TIMEOUT);
    let pool = || SqlitePoolOptions::new().acquire_timeout(patience).idle_timeout(None).max_lifetime(None);
    let failed = |error| why(error, &path);
    let writers =
        pool().max_connections(1).after_release(is_usable).connect_with(writer).await.map_err(failed)?;
    let readers = pool()
        .max_connections(options.max_connections.clamp(1, MOST_READERS))
        // Else one could go on showing what was then: a credential that was revoked since would be taken.
        .after_release(is_usable)
        .connect_with(base.pragma("query_only", "ON"))
        .await
        .map_err(failed)?;
    let connections = Connections {
        readers: SqlxSqliteConnector::from_sqlx_sqlite_pool(readers),
        writers: Writers::Queue(Writer::new(SqlxSqliteConnector::from_sqlx_sqlite_pool(writers), patience)),
    };
    Ok((connections, lock))
}

/// SQLite undoes a whole transaction by itself after some errors, which the driver doesn't notice: it would take the
/// connection to be in a transaction for ever, and refuse to begin another. Such a connection is closed.
fn is_usable(
    connection: &mut SqliteConnection,
    _: PoolConnectionMetadata,
) -> Pin<Box<dyn Future<Output = Result<bool, sqlx::Error>> + Send + '_>> {
    Box::pin(async move {
        // Its turn comes after a rollback that is still under way.
        connection.ping().await?;
        Ok(!connection.is_in_transaction())
    })
}

pub(super) fn path_of(url: &str) -> Result<PathBuf, OpenError> {
    let malformed = |problem: &str| OpenError::Malformed { problem: problem.to_owned() };
    if url.contains(['?', '#']) {
        return Err(malformed("a SQLite URL takes no parameters"));
    }
    let parsed = SqliteConnectOptions::from_str(url).map_err(|error| malformed(&error.to_string()))?;
    let path = parsed.get_filename().to_owned();
    let name = path.to_string_lossy();
    if name.is_empty() || name.contains(":memory:") || name.starts_with("file:sqlx-in-memory") {
        return Err(malformed("Curfew keeps its database in a file: sqlite://curfew.db"));
    }
    Ok(path)
}

fn check_place(path: &Path) -> Result<(), OpenError> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    if parent.is_some_and(|parent| !parent.is_dir()) {
        return Err(OpenError::DirectoryMissing { path: path.to_owned() });
    }
    Ok(())
}

/// SQLite would open a read-only file and fail at the first write: better now. A new file is made here, for its
/// owner's eyes alone (it holds people's addresses and the hashes of their passwords); SQLite gives its side files
/// the same mode.
fn check_writable(path: &Path) -> Result<(), OpenError> {
    let mut options = File::options();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop).map_err(|source| OpenError::NotWritable { path: path.to_owned(), source })
}

fn why(error: sqlx::Error, path: &Path) -> OpenError {
    use sqlite_code::{CANT_OPEN, NOT_A_DATABASE, READ_ONLY};
    match error.as_database_error().map(sqlite_code::primary) {
        Some(NOT_A_DATABASE) => OpenError::NotADatabase { path: path.to_owned() },
        Some(READ_ONLY | CANT_OPEN) => {
            OpenError::NotWritable { path: path.to_owned(), source: std::io::Error::other(error) }
        }
        _ => OpenError::Failed(error),
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use sea_orm::sqlx::error::{DatabaseError, ErrorKind};

    use super::*;

    /// What SQLite says, by its code.
    #[derive(Debug, thiserror::Error)]
    #[error("code {0}")]
    struct Said(u32);

    impl DatabaseError for Said {
        fn message(&self) -> &'static str {
            "said"
        }

        fn code(&self) -> Option<Cow<'_, str>> {
            Some(self.0.to_string().into())
        }

        fn as_error(&self) -> &(dyn std::error::Error + Send + Sync + 'static) {
            self
        }

        fn as_error_mut(&mut self) -> &mut (dyn std::error::Error + Send + Sync + 'static) {
            self
        }

        fn into_error(self: Box<Self>) -> Box<dyn std::error::Error + Send + Sync + 'static> {
            self
        }

        fn kind(&self) -> ErrorKind {
            ErrorKind::Other
        }
    }

    #[test]
    fn extended_codes_say_what_their_primary_ones_say() {
        const READ_ONLY_DIRECTORY: u32 = 1544;
        const CANT_OPEN_FULL_PATH: u32 = 1038;
        let said = |code| why(sqlx::Error::Database(Box::new(Said(code))), Path::new("curfew.db"));
        for code in [sqlite_code::READ_ONLY, READ_ONLY_DIRECTORY, sqlite_code::CANT_OPEN, CANT_OPEN_FULL_PATH]
        {
            assert!(matches!(said(code), OpenError::NotWritable { .. }), "{code}");
        }
        assert!(matches!(said(sqlite_code::NOT_A_DATABASE), OpenError::NotADatabase { .. }));
        assert!(matches!(said(sqlite_code::FULL), OpenError::Failed(_)));
    }
}
