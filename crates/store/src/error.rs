//! Why the database did not do what was asked.

use std::time::Duration;

use sea_orm::sqlx;
use sea_orm::{DbErr, RuntimeErr};

use crate::{Constraint, sqlite_code};

/// What went wrong with a unit of work. Nothing of the unit is kept, unless it was [`StoreError::Unavailable`] at
/// its commit: then it may have been.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database can't be reached, or is too busy; the same may work later.
    #[error("the database is unavailable")]
    Unavailable(#[source] DatabaseFault),
    /// Something by that name is there already.
    #[error("{0} is taken")]
    Conflict(Constraint),
    /// Another node owns the tenant's connection by now: a stale owner must write nothing.
    #[error("another node owns this connection by now")]
    Fenced,
    /// The row changed since it was read.
    #[error("the {table} row changed since it was read")]
    Stale {
        /// Where.
        table: &'static str,
    },
    /// A row holds what this program can't have written.
    #[error("row {id} of {table} is corrupt: {problem}")]
    Corrupt {
        /// Where.
        table: &'static str,
        /// Which row.
        id: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The disk, or the space that the database may use, is full.
    #[error("the database has no space left")]
    Full(#[source] DatabaseFault),
    /// Anything else that the database said.
    #[error("the database failed")]
    Database(#[source] DatabaseFault),
}

impl StoreError {
    /// A row that does not parse.
    pub(crate) fn corrupt(table: &'static str, id: impl ToString, problem: impl ToString) -> Self {
        Self::Corrupt { table, id: id.to_string(), problem: problem.to_string() }
    }

    /// The database has not answered for so long.
    pub(crate) fn silent(patience: Duration) -> Self {
        let problem = format!("no answer within {} s", patience.as_secs_f32());
        Self::Unavailable(DatabaseFault(DbErr::Conn(RuntimeErr::Internal(problem))))
    }

    /// Whether the same may work later without anybody doing anything.
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

/// The database's own words, for logs.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct DatabaseFault(DbErr);

impl From<DbErr> for StoreError {
    fn from(error: DbErr) -> Self {
        match Kind::of(&error) {
            Kind::Unavailable => Self::Unavailable(DatabaseFault(error)),
            Kind::Full => Self::Full(DatabaseFault(error)),
            Kind::Taken(constraint) => Self::Conflict(constraint),
            Kind::Other => Self::Database(DatabaseFault(error)),
        }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        DbErr::Query(RuntimeErr::SqlxError(error.into())).into()
    }
}

enum Kind {
    Unavailable,
    Full,
    Taken(Constraint),
    Other,
}

impl Kind {
    fn of(error: &DbErr) -> Self {
        match error {
            DbErr::ConnectionAcquire(_) => Self::Unavailable,
            DbErr::Conn(RuntimeErr::SqlxError(error))
            | DbErr::Exec(RuntimeErr::SqlxError(error))
            | DbErr::Query(RuntimeErr::SqlxError(error)) => Self::of_sqlx(error),
            _ => Self::Other,
        }
    }

    fn of_sqlx(error: &sqlx::Error) -> Self {
        match error {
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => Self::Unavailable,
            sqlx::Error::Database(error) => Self::of_database(error.as_ref()),
            _ => Self::Other,
        }
    }

    fn of_database(error: &dyn sqlx::error::DatabaseError) -> Self {
        if error.is_unique_violation() {
            return Constraint::violated(error).map_or(Self::Other, Self::Taken);
        }
        if error.try_downcast_ref::<sqlx::postgres::PgDatabaseError>().is_some() {
            Self::of_sqlstate(&error.code().unwrap_or_default())
        } else {
            Self::of_sqlite(sqlite_code::primary(error))
        }
    }

    /// PostgreSQL manual, appendix A. Deadlocks, serialization failures and what took longer than the session's limits
    /// are the database's own "try again".
    fn of_sqlstate(code: &str) -> Self {
        match code {
            "53100" => Self::Full,
            "25006" | "25P03" | "40001" | "40P01" | "53300" | "55P03" | "57014" | "57P01" | "57P02"
            | "57P03" => Self::Unavailable,
            _ if code.starts_with("08") => Self::Unavailable,
            _ => Self::Other,
        }
    }

    fn of_sqlite(primary: u32) -> Self {
        use sqlite_code::{BUSY, CANT_OPEN, FULL, IO, LOCKED};
        match primary {
            FULL => Self::Full,
            BUSY | LOCKED | IO | CANT_OPEN => Self::Unavailable,
            _ => Self::Other,
        }
    }
}

impl DatabaseFault {
    /// Whether no connection became free in time: trying again would only wait again.
    pub(crate) fn is_timeout(&self) -> bool {
        matches!(self.0, DbErr::ConnectionAcquire(_))
    }
}
