//! SQLite's one writer, whose units share commits.
//!
//! A commit waits for the disk, and units write one after the other: each with a commit of its own, all would wait
//! for the disk in turn. So a unit is a savepoint in a transaction that those who queue behind it join, and that is
//! committed for all of them at once. Nobody is told that a unit is kept before the disk has it.
//!
//! - The first unit of a group sends a closer into the queue: the group is whoever stood before the closer. Where
//!   nobody waits, that is one unit, and its commit comes at once.
//! - A unit that is undone ends its group: nobody joins after it. SQLite may have undone the whole transaction with
//!   it (<https://sqlite.org/lang_transaction.html>, "Response To Errors Within A Transaction"), and then the commit
//!   fails for those before.

use std::sync::Arc;
use std::time::Duration;

use sea_orm::{
    ConnAcquireErr, DatabaseConnection, DatabaseTransaction, DbErr, SqliteTransactionMode,
    TransactionOptions, TransactionTrait,
};
use tokio::sync::{Mutex, OwnedMutexGuard, oneshot};

/// The queue of those who write.
#[derive(Clone)]
pub(crate) struct Writer {
    connection: DatabaseConnection,
    /// How long a unit waits for its turn.
    patience: Duration,
    /// Whoever holds it writes. First come, first served.
    turn: Arc<Mutex<Option<Group>>>,
}

/// A transaction that units join.
#[derive(Debug)]
struct Group {
    transaction: DatabaseTransaction,
    /// Whom to tell that it is committed.
    kept: Vec<oneshot::Sender<Result<(), DbErr>>>,
    /// Whether a unit was undone.
    ends: bool,
}

/// A unit's turn to write, until it is dropped. Drop the unit's savepoint first.
#[derive(Debug)]
pub(crate) struct Turn {
    group: OwnedMutexGuard<Option<Group>>,
    undone: bool,
}

impl Writer {
    pub(crate) fn new(connection: DatabaseConnection, patience: Duration) -> Self {
        Self { connection, patience, turn: Arc::default() }
    }

    /// Waits for its turn, and begins a unit: a savepoint, undone when it is dropped.
    ///
    /// From the turn on it is a task of its own: the driver undoes the whole group where somebody goes away while a
    /// savepoint is being made. Nobody does that way: a unit that nobody takes is dropped once it has begun.
    pub(crate) async fn begin(&self) -> Result<(DatabaseTransaction, Turn), DbErr> {
        let waiting = tokio::time::timeout(self.patience, Arc::clone(&self.turn).lock_owned());
        let group = waiting.await.map_err(|_| DbErr::ConnectionAcquire(ConnAcquireErr::Timeout))?;
        let this = self.clone();
        tokio::spawn(async move { this.begin_in(group).await }).await.unwrap_or_else(|_| Err(lost()))
    }

    async fn begin_in(
        &self,
        mut group: OwnedMutexGuard<Option<Group>>,
    ) -> Result<(DatabaseTransaction, Turn), DbErr> {
        if group.as_ref().is_some_and(|group| group.ends) {
            end(&mut group).await;
        }
        let joined = if let Some(open) = group.as_ref() {
            open
        } else {
            let transaction = self.begin_alone().await?;
            self.close_after_those_who_wait();
            group.insert(Group { transaction, kept: Vec::new(), ends: false })
        };
        match joined.transaction.begin().await {
            Ok(unit) => Ok((unit, Turn { group, undone: true })),
            // For the driver its savepoint is open all the same, and what it undoes is the group.
            Err(error) => {
                undo(&mut group, &error);
                Err(error)
            }
        }
    }

    /// Begins a transaction that nobody joins. It takes its place as a writer at once: one that reads first and then
    /// writes would fail if another had written in between.
    pub(crate) async fn begin_alone(&self) -> Result<DatabaseTransaction, DbErr> {
        let immediate = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        self.connection.begin_with_options(immediate).await
    }

    fn close_after_those_who_wait(&self) {
        let turn = Arc::clone(&self.turn);
        tokio::spawn(async move { end(&mut *turn.lock().await).await });
    }

    /// The connection, for what is no unit.
    pub(crate) fn connection(&self) -> &DatabaseConnection {
        &self.connection
    }
}

/// Commits the group, if there still is one, and tells its units.
async fn end(group: &mut Option<Group>) {
    let Some(Group { transaction, kept, .. }) = group.take() else { return };
    let committed = transaction.commit().await;
    for unit in kept {
        // Whoever no longer waits needs no answer.
        let _ = unit.send(committed.clone());
    }
}

/// Undoes the group, and tells its units.
fn undo(group: &mut Option<Group>, error: &DbErr) {
    let Some(Group { transaction, kept, .. }) = group.take() else { return };
    drop(transaction);
    for unit in kept {
        let _ = unit.send(Err(error.clone()));
    }
}

impl Turn {
    /// Hands the turn on and waits until the unit is on the disk.
    pub(crate) async fn keep(mut self, unit: DatabaseTransaction) -> Result<(), DbErr> {
        unit.commit().await?;
        let (tell, told) = oneshot::channel();
        match self.group.as_mut() {
            Some(group) => group.kept.push(tell),
            None => return Err(lost()),
        }
        self.undone = false;
        drop(self);
        told.await.unwrap_or_else(|_| Err(lost()))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(group) = self.group.as_mut().filter(|_| self.undone) {
            group.ends = true;
        }
    }
}

/// Nobody knows any more whether it was committed.
fn lost() -> DbErr {
    DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed)
}
