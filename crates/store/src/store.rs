//! The handle on one database.

use std::sync::Arc;

use curfew_domain::TenantId;
use parking_lot::Mutex;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, FromQueryResult, Statement};
use tokio::sync::Notify;

use crate::open::{self, Connections, OpenError, ProcessLock, Server, StoreOptions, Writers};
use crate::{StoreError, TenantStore, UnwalledStore};

/// Which of the two databases it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// The embedded one: one process.
    Sqlite,
    /// The served one: as many nodes as you like.
    Postgres,
}

/// An open database. Cheap to clone; the database is closed with the last clone.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) connections: Connections,
    pub(crate) backend: Backend,
    /// Where PostgreSQL is; none for SQLite.
    pub(crate) server: Option<Server>,
    /// Rung when a unit of this process has written something that is to be told.
    outbox_bell: Arc<Notify>,
    /// SQLite's lock on its file, while it is open.
    lock: Mutex<Option<ProcessLock>>,
}

impl Store {
    /// Opens the database that `options` name. A SQLite file is made when it is missing; nothing is migrated.
    pub async fn open(options: StoreOptions) -> Result<Self, OpenError> {
        let (url, outbox_bell) = (options.url.as_str(), Arc::default());
        let inner = if url.starts_with("sqlite:") {
            let (connections, lock) = open::connect_sqlite(&options).await?;
            Inner {
                connections,
                backend: Backend::Sqlite,
                server: None,
                outbox_bell,
                lock: Mutex::new(Some(lock)),
            }
        } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            let server = Server::from_url(url)?;
            let connections = open::connect_postgres(&server, &options).await?;
            let lock = Mutex::new(None);
            Inner { connections, backend: Backend::Postgres, server: Some(server), outbox_bell, lock }
        } else {
            return Err(OpenError::UnknownScheme);
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The only handle that can read or write a tenant's data.
    pub fn tenant(&self, tenant: TenantId) -> TenantStore {
        TenantStore::new(self.clone(), tenant)
    }

    /// The handle on the few tables that are read before the tenant is known.
    pub fn unwalled(&self) -> UnwalledStore {
        UnwalledStore::new(self.clone())
    }

    /// Which database it is.
    pub fn backend(&self) -> Backend {
        self.inner.backend
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), StoreError> {
        Ok(self.readers().execute_unprepared("SELECT 1").await.map(drop)?)
    }

    /// Whether the database's role passes every wall: a superuser or `BYPASSRLS` role of PostgreSQL. With such a
    /// role nothing stands behind the repositories.
    pub async fn role_bypasses_rls(&self) -> Result<bool, StoreError> {
        #[derive(FromQueryResult)]
        struct Role {
            bypasses: bool,
        }
        if self.backend() == Backend::Sqlite {
            return Ok(false);
        }
        let asking = "SELECT rolsuper OR rolbypassrls AS bypasses FROM pg_roles WHERE rolname = current_user";
        let asking = Statement::from_string(DbBackend::Postgres, asking);
        let role = Role::find_by_statement(asking).one(self.readers()).await?;
        Ok(role.is_none_or(|role| role.bypasses))
    }

    /// Whether every table and column that this program knows is there, whatever the migrations say.
    #[cfg(feature = "testing")]
    pub async fn check_schema(&self) -> Result<(), StoreError> {
        Ok(crate::entity::read_none_of_each(self.readers()).await?)
    }

    /// Waits for running units, closes all connections, and lets go of the file; what comes later fails as
    /// unavailable.
    pub async fn close(&self) {
        // Closing a pool can't fail: it only waits.
        let _ = self.readers().close_by_ref().await;
        self.writers().close().await;
        self.inner.lock.lock().take();
    }

    pub(crate) fn readers(&self) -> &DatabaseConnection {
        &self.inner.connections.readers
    }

    pub(crate) fn writers(&self) -> &Writers {
        &self.inner.connections.writers
    }

    pub(crate) fn outbox_bell(&self) -> &Arc<Notify> {
        &self.inner.outbox_bell
    }

    pub(crate) fn server(&self) -> Option<&Server> {
        self.inner.server.as_ref()
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("backend", &self.inner.backend).finish_non_exhaustive()
    }
}
