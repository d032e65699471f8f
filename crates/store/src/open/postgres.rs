//! PostgreSQL: a pool of equal connections.

use std::str::FromStr;
use std::time::Duration;

use sea_orm::SqlxPostgresConnector;
use sea_orm::sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions};
use sea_orm::sqlx::{self, AssertSqlSafe, Connection, Executor};

use super::{Connections, OpenError, StoreOptions, TimeLimits, Writers};

/// How long a unit waits for a connection: with the server gone, a caller hears so after this long.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// A connection that was idle for longer is tried before it is used; asking each time would cost a round trip.
const TRY_AFTER: Duration = Duration::from_secs(1);

/// How long a connection may take to show that it lives, when it is taken or given back. One whose server has gone silent
/// would keep its place in the pool for ever.
const SIGN_OF_LIFE: Duration = Duration::from_secs(2);

/// Where a PostgreSQL is, without the password.
#[derive(Clone)]
pub(crate) struct Server {
    /// How to connect.
    pub(crate) options: PgConnectOptions,
    /// Host, port and database, for messages.
    pub(crate) name: String,
}

impl Server {
    /// Reads the URL.
    pub(crate) fn from_url(url: &str) -> Result<Self, OpenError> {
        let options = PgConnectOptions::from_str(url)
            .map_err(|error| OpenError::Malformed { problem: error.to_string() })?
            .application_name("curfewd");
        let database = options.get_database().unwrap_or(options.get_username());
        let name = match options.get_socket() {
            Some(socket) => format!("{}, database {database}", socket.display()),
            None => format!("{}:{}, database {database}", options.get_host(), options.get_port()),
        };
        Ok(Self { options, name })
    }

    /// One connection, to see whether and why not: a pool would go on trying until its time is up.
    pub(crate) async fn connect(&self) -> Result<PgConnection, OpenError> {
        let trying = PgConnection::connect_with(&self.options);
        match tokio::time::timeout(ACQUIRE_TIMEOUT, trying).await {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(error)) => Err(self.why(error)),
            Err(_) => Err(self.why(sqlx::Error::PoolTimedOut)),
        }
    }

    fn why(&self, error: sqlx::Error) -> OpenError {
        let server = self.name.clone();
        match error.as_database_error() {
            Some(refusal) => OpenError::Refused { server, reason: refusal.message().to_owned() },
            None if is_of_tls(&error) => OpenError::NoTls { server, source: error },
            None => OpenError::Unreachable { server, source: error },
        }
    }
}

/// Opens a pool, once one connection has shown that the server answers.
pub(crate) async fn connect(server: &Server, options: &StoreOptions) -> Result<Connections, OpenError> {
    server.connect().await?.close().await.map_err(OpenError::Failed)?;
    let limits = limits(options.time_limits);
    let pool = PgPoolOptions::new()
        .max_connections(options.max_connections.max(2))
        .acquire_timeout(options.acquire_timeout.unwrap_or(ACQUIRE_TIMEOUT))
        .test_before_acquire(false)
        // Not as start-up options: proxies before PostgreSQL refuse those that they don't know.
        .after_connect(move |connection, _| {
            let limits = limits.clone();
            Box::pin(async move { connection.execute(AssertSqlSafe(limits)).await.map(drop) })
        })
        .before_acquire(|connection, met| {
            Box::pin(async move {
                if met.idle_for > TRY_AFTER {
                    show_life(connection).await?;
                }
                Ok(true)
            })
        })
        // The pool tries it then too, but waits for an answer for ever.
        .after_release(|connection, _| Box::pin(async move { show_life(connection).await.map(|()| true) }))
        .connect_lazy_with(server.options.clone());
    let connection = SqlxPostgresConnector::from_sqlx_postgres_pool(pool);
    Ok(Connections { readers: connection.clone(), writers: Writers::Pool(connection) })
}

/// A certificate that does not do ends the handshake, which the driver tells as unsound data.
fn is_of_tls(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Tls(_) => true,
        sqlx::Error::Io(error) => error.kind() == std::io::ErrorKind::InvalidData,
        _ => false,
    }
}

async fn show_life(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let silent = || sqlx::Error::Io(std::io::ErrorKind::TimedOut.into());
    tokio::time::timeout(SIGN_OF_LIFE, connection.ping()).await.map_err(|_| silent())?
}

/// The statements that set a session's limits (in milliseconds).
fn limits(limits: TimeLimits) -> String {
    let TimeLimits { lock, statement, idle_unit } = limits;
    let [lock, statement, idle_unit] = [lock, statement, idle_unit].map(|limit| limit.as_millis());
    format!(
        "SET lock_timeout = {lock}; SET statement_timeout = {statement}; \
         SET idle_in_transaction_session_timeout = {idle_unit}"
    )
}
