use std::net::SocketAddr;
use std::path::PathBuf;

use curfew_app::credentials::password::PasswordError;
use curfew_domain::Invalid;
use curfew_http::MetricsError;
use curfew_store::keyring::DuplicateKey;
use curfew_store::{MigrateError, OpenError, StoreError};

use crate::SecretsError;
use crate::config::ConfigProblem;

/// Why the server did not start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Settings that are missing or malformed, each named.
    #[error("{}", lines(.0))]
    Config(Vec<ConfigProblem>),
    /// The secrets can't be had.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    /// Two master keys are one.
    #[error("CURFEW_MASTER_KEY is not valid: {0}")]
    Keyring(#[from] DuplicateKey),
    /// The database can't be opened.
    #[error("DATABASE_URL: {0}")]
    Open(#[source] OpenError),
    /// The role may not change the schema.
    #[error(
        "the database lacks migrations, and the role of DATABASE_URL may not make them: run `curfewd migrate` \
         with MIGRATE_DATABASE_URL as a role that may"
    )]
    NotMigrated(#[source] MigrateError),
    /// The database can't be opened as the role that may migrate it.
    #[error("MIGRATE_DATABASE_URL: {0}")]
    OpenToMigrate(#[source] OpenError),
    /// Migrating failed for another reason.
    #[error("the database could not be migrated: {0}")]
    Migrate(#[source] MigrateError),
    /// The database was made with another master key.
    #[error(
        "CURFEW_MASTER_KEY lacks the key with the id {key}, which this database still needs (credentials and login \
         names under it: {count}): give that one, or both as new,old until curfew_under_older_master_keys is 0; what shall not be good \
         any more has to be revoked before its key can go"
    )]
    OtherMasterKey {
        /// The id of the key that is missing.
        key: String,
        /// How much is under it.
        count: u64,
    },
    /// In `multi`, row-level security must bind the role.
    #[error(
        "the platform mode is multi, but the role of DATABASE_URL is a superuser or has BYPASSRLS: row-level \
         security would bind nobody; use another role"
    )]
    RoleBypassesWalls,
    /// Another process listens there.
    #[error("the port {} of {} (SERVER_PORT, BIND_ADDRESS) is taken by another process", address.port(), address.ip())]
    PortTaken {
        /// Where.
        address: SocketAddr,
    },
    /// It can't listen there for another reason.
    #[error("can't listen on {address} (SERVER_PORT, BIND_ADDRESS): {source}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file of audit heads can't be appended to.
    #[error("CURFEW_AUDIT_HEADS: {} can't be appended to: {source}", file.display())]
    Heads {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file that was named can't be read.
    #[error("{} can't be read: {source}", file.display())]
    Unread {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A line of a file of public keys holds none.
    #[error("{}, line {line}: {problem}", file.display())]
    NotAKey {
        /// The file.
        file: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// What is wrong with it.
        problem: Invalid,
    },
    /// No tenant is called that.
    #[error("there is no tenant with the slug or id {name}")]
    NoSuchTenant {
        /// What was said.
        name: String,
    },
    /// Signals can't be listened for.
    #[error("signals can't be listened for: {0}")]
    Signals(#[source] std::io::Error),
    /// Passwords can't be hashed.
    #[error(transparent)]
    Passwords(#[from] PasswordError),
    /// Metrics can't be collected.
    #[error(transparent)]
    Metrics(#[from] MetricsError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ServeError {
    /// The program's exit status: 2 for what whoever configures it must change, 1 for the rest.
    pub const fn exit_status(&self) -> u8 {
        match self {
            ServeError::Config(_)
            | ServeError::Secrets(_)
            | ServeError::Keyring(_)
            | ServeError::NotMigrated(_)
            | ServeError::OtherMasterKey { .. }
            | ServeError::RoleBypassesWalls
            | ServeError::Heads { .. }
            | ServeError::Unread { .. }
            | ServeError::NoSuchTenant { .. }
            | ServeError::NotAKey { .. } => 2,
            ServeError::Open(_)
            | ServeError::OpenToMigrate(_)
            | ServeError::Migrate(_)
            | ServeError::PortTaken { .. }
            | ServeError::Listen { .. }
            | ServeError::Signals(_)
            | ServeError::Passwords(_)
            | ServeError::Metrics(_)
            | ServeError::Store(_) => 1,
        }
    }
}

fn lines(problems: &[ConfigProblem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}
