//! Units of work: one transaction each, behind one tenant's wall or before all of them.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use curfew_domain::TenantId;
use sea_orm::{ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbErr, Statement, TransactionTrait};
use tokio::sync::Notify;
use uuid::Uuid;

use crate::open::Writers;
use crate::writer::Turn;
use crate::{Backend, Store, StoreError};

/// How often a unit's beginning is tried: the connections that a restart of PostgreSQL broke fail here, before
/// anything was done.
const TRIES: u32 = 3;

/// One tenant's data: the only way to it.
#[derive(Debug, Clone)]
pub struct TenantStore {
    store: Store,
    tenant: TenantId,
}

impl TenantStore {
    pub(crate) fn new(store: Store, tenant: TenantId) -> Self {
        Self { store, tenant }
    }

    /// Whose data it is.
    pub fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// Begins a unit that reads.
    pub async fn read(&self) -> Result<ReadUnit, StoreError> {
        let tx = begin_read(&self.store, Wall::Tenant(self.tenant)).await?;
        Ok(ReadUnit { tenant: self.tenant, backend: self.store.backend(), tx })
    }

    /// Begins a unit that reads and writes. On SQLite one at a time: keep it short.
    pub async fn write(&self) -> Result<WriteUnit, StoreError> {
        let (tx, turn) = begin_write(&self.store, Wall::Tenant(self.tenant)).await?;
        let read = ReadUnit { tenant: self.tenant, backend: self.store.backend(), tx };
        let outbox_bell = Arc::clone(self.store.outbox_bell());
        let (aws_moved, outbox_written) = (AtomicBool::new(false), AtomicBool::new(false));
        Ok(WriteUnit { read, turn, aws_moved, outbox_written, outbox_bell })
    }
}

/// A transaction behind one tenant's wall, for reading: all that it reads is of one moment.
///
/// Repositories are `impl ReadUnit` blocks, one file a table group. On PostgreSQL the transaction is read-only and
/// row-level security repeats the wall; on SQLite the connection can't write.
#[derive(Debug)]
pub struct ReadUnit {
    tenant: TenantId,
    backend: Backend,
    tx: DatabaseTransaction,
}

impl ReadUnit {
    /// Whose data it sees.
    pub fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// The tenant's id as rows carry it: every query names it, for SQLite has no row-level security.
    pub(crate) fn wall(&self) -> Uuid {
        self.tenant.uuid()
    }

    /// What queries run on.
    pub(crate) fn tx(&self) -> &DatabaseTransaction {
        &self.tx
    }
}

/// A transaction behind one tenant's wall, for reading and writing. Dropping it without [`WriteUnit::commit`] undoes
/// everything.
#[derive(Debug)]
pub struct WriteUnit {
    // Dropped before the turn is.
    read: ReadUnit,
    turn: Option<Turn>,
    /// Whether it has written what AWS told, or the way there.
    aws_moved: AtomicBool,
    /// Whether it has written something that is to be told, and whom to wake for it.
    outbox_written: AtomicBool,
    outbox_bell: Arc<Notify>,
}

impl WriteUnit {
    /// Keeps what was done. After [`StoreError::Unavailable`] it may or may not have been kept.
    pub async fn commit(self) -> Result<(), StoreError> {
        if self.aws_moved.load(Ordering::Relaxed) {
            self.bump_aws_version().await?;
        }
        keep(self.read.tx, self.turn).await?;
        if self.outbox_written.into_inner() {
            self.outbox_bell.notify_one();
        }
        Ok(())
    }

    /// To be called by whatever writes into the outbox.
    pub(crate) fn note_outbox_written(&self) {
        self.outbox_written.store(true, Ordering::Relaxed);
    }

    /// To be called by whatever writes what AWS told, or the way there: caches must see that it moved.
    pub(crate) fn note_aws_moved(&self) {
        self.aws_moved.store(true, Ordering::Relaxed);
    }

    /// Takes the same transaction behind another wall. Only founding and deleting a tenant may.
    pub(crate) async fn cross(mut self, tenant: TenantId) -> Result<WriteUnit, StoreError> {
        if self.read.backend == Backend::Postgres {
            self.read.tx.execute_raw(set_wall(tenant)).await?;
        }
        self.read.tenant = tenant;
        Ok(self)
    }
}

impl Deref for WriteUnit {
    type Target = ReadUnit;

    fn deref(&self) -> &ReadUnit {
        &self.read
    }
}

/// The tables that are read before the tenant is known: ids, keyed hashes and times.
#[derive(Debug, Clone)]
pub struct UnwalledStore {
    store: Store,
}

impl UnwalledStore {
    pub(crate) fn new(store: Store) -> Self {
        Self { store }
    }

    /// What single statements run on, which need no unit. No tenant's data is seen by them.
    pub(crate) fn readers(&self) -> &DatabaseConnection {
        self.store.readers()
    }

    /// Begins a unit that reads. No tenant's data is seen by it.
    pub async fn read(&self) -> Result<UnwalledRead, StoreError> {
        Ok(UnwalledRead { tx: begin_read(&self.store, Wall::None).await? })
    }

    /// Begins a unit that reads and writes. Rows that belong to a tenant's change are written by [`WriteUnit`]s.
    pub async fn write(&self) -> Result<UnwalledWrite, StoreError> {
        let (tx, turn) = begin_write(&self.store, Wall::None).await?;
        Ok(UnwalledWrite { read: UnwalledRead { tx }, turn })
    }
}

/// A transaction over the unwalled tables, for reading.
#[derive(Debug)]
pub struct UnwalledRead {
    tx: DatabaseTransaction,
}

impl UnwalledRead {
    /// What queries run on.
    pub(crate) fn tx(&self) -> &DatabaseTransaction {
        &self.tx
    }
}

/// A transaction over the unwalled tables, for reading and writing. Dropping it undoes everything.
#[derive(Debug)]
pub struct UnwalledWrite {
    // Dropped before the turn is.
    read: UnwalledRead,
    turn: Option<Turn>,
}

impl UnwalledWrite {
    /// Keeps what was done. After [`StoreError::Unavailable`] it may or may not have been kept.
    pub async fn commit(self) -> Result<(), StoreError> {
        keep(self.read.tx, self.turn).await
    }
}

impl Deref for UnwalledWrite {
    type Target = UnwalledRead;

    fn deref(&self) -> &UnwalledRead {
        &self.read
    }
}

async fn keep(tx: DatabaseTransaction, turn: Option<Turn>) -> Result<(), StoreError> {
    match turn {
        Some(turn) => Ok(turn.keep(tx).await?),
        None => Ok(tx.commit().await?),
    }
}

/// Begins a bare writing transaction, for migrations. They wait for each other, and take the time they need.
pub(crate) async fn begin_migration(store: &Store) -> Result<DatabaseTransaction, StoreError> {
    let unit = store.writers().begin_alone().await?;
    if store.backend() == Backend::Postgres {
        unit.execute_unprepared(
            "SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0; \
             SET LOCAL idle_in_transaction_session_timeout = 0",
        )
        .await?;
    }
    Ok(unit)
}

#[derive(Clone, Copy)]
enum Wall {
    Tenant(TenantId),
    None,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Access {
    Read,
    Write,
}

async fn begin_read(store: &Store, wall: Wall) -> Result<DatabaseTransaction, StoreError> {
    let mut tries = Tries(1);
    loop {
        let begun = match store.backend() {
            Backend::Sqlite => store.readers().begin().await,
            Backend::Postgres => begin_postgres(store.readers(), wall, Access::Read).await,
        };
        match begun {
            Ok(tx) => return Ok(tx),
            Err(error) => tries.again(error)?,
        }
    }
}

async fn begin_write(store: &Store, wall: Wall) -> Result<(DatabaseTransaction, Option<Turn>), StoreError> {
    let mut tries = Tries(1);
    loop {
        let begun = match store.writers() {
            Writers::Queue(writer) => writer.begin().await.map(|(unit, turn)| (unit, Some(turn))),
            Writers::Pool(pool) => begin_postgres(pool, wall, Access::Write).await.map(|tx| (tx, None)),
        };
        match begun {
            Ok(unit) => return Ok(unit),
            Err(error) => tries.again(error)?,
        }
    }
}

/// How often a beginning was tried.
struct Tries(u32);

impl Tries {
    /// Whether to try again after this; else what to tell.
    fn again(&mut self, error: DbErr) -> Result<(), StoreError> {
        match StoreError::from(error) {
            StoreError::Unavailable(fault) if self.0 < TRIES && !fault.is_timeout() => {
                tracing::debug!(%fault, "a connection was broken");
                self.0 += 1;
                Ok(())
            }
            error => Err(error),
        }
    }
}

/// A task of its own: where somebody goes away while `BEGIN` is on its way, the driver leaves the transaction open on the
/// connection, and whoever gets that next finds themselves in the middle of it. Nobody does that way: a transaction that
/// nobody takes is dropped once it has begun, and rolled back.
async fn begin_postgres(
    pool: &DatabaseConnection,
    wall: Wall,
    access: Access,
) -> Result<DatabaseTransaction, DbErr> {
    let pool = pool.clone();
    let begun = tokio::spawn(async move { begin_behind(&pool, wall, access).await }).await;
    begun.unwrap_or_else(|_| Err(DbErr::Custom("the beginning of a transaction was lost".to_owned())))
}

async fn begin_behind(
    pool: &DatabaseConnection,
    wall: Wall,
    access: Access,
) -> Result<DatabaseTransaction, DbErr> {
    let tx = pool.begin().await?;
    match (wall, access) {
        (Wall::Tenant(tenant), Access::Read) => {
            tx.execute_unprepared(&read_of_one_moment(Some(tenant))).await?
        }
        (Wall::None, Access::Read) => tx.execute_unprepared(&read_of_one_moment(None)).await?,
        (Wall::Tenant(tenant), Access::Write) => tx.execute_raw(set_wall(tenant)).await?,
        // The setting lives in the transaction alone, so none stands from a unit before.
        (Wall::None, Access::Write) => return Ok(tx),
    };
    Ok(tx)
}

/// The wall of a transaction that writes.
fn set_wall(tenant: TenantId) -> Statement {
    let sql = "SELECT set_config('curfew.tenant', $1, true)";
    Statement::from_sql_and_values(sea_orm::DbBackend::Postgres, sql, [tenant.to_string().into()])
}

/// For readers, in one round trip: the wall, that nothing is written, and that every statement sees the same moment.
/// Else a policy's terms and its rules, which two statements read, could be those of two versions.
fn read_of_one_moment(tenant: Option<TenantId>) -> String {
    let wall = tenant.map(|tenant| tenant.to_string()).unwrap_or_default();
    format!(
        "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY; \
         SELECT set_config('curfew.tenant', '{wall}', true)"
    )
}
