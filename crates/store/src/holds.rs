//! Rows that must not change while something else is written on the strength of them.
//!
//! Whoever would change such a row waits for the units that hold it, and then sees what they wrote. Or the change came
//! first, and they see it.

use curfew_domain::UserId;
use curfew_domain::connection::Connection;
use sea_orm::sea_query::LockType;
use sea_orm::{ConnectionTrait, DbBackend, EntityTrait, QuerySelect, Statement};

use crate::connections::connection;
use crate::entity::{app_user, aws_connection};
use crate::{StoreError, WriteUnit};

impl WriteUnit {
    /// Whether the user by that id is there and active, which is held until the unit ends. Units that hold one user come
    /// one after the other: shared holds could follow each other for as long as somebody goes on asking, and whoever
    /// would suspend them would wait as long.
    pub async fn hold_active(&self, id: UserId) -> Result<bool, StoreError> {
        let held = app_user::Entity::find_by_id((self.wall(), id.uuid())).lock(LockType::NoKeyUpdate);
        Ok(held.one(self.tx()).await?.is_some_and(|user| user.active))
    }

    /// The same, and those who write something of theirs are waited for, and wait: so nothing of theirs is left over when
    /// they are erased.
    pub async fn hold_to_erase(&self, id: UserId) -> Result<bool, StoreError> {
        let held = app_user::Entity::find_by_id((self.wall(), id.uuid())).lock(LockType::Update);
        Ok(held.one(self.tx()).await?.is_some_and(|user| user.active))
    }

    /// Whether the user by that id is there, who is not erased before the unit ends. To be held first of all.
    pub async fn hold_author(&self, id: UserId) -> Result<bool, StoreError> {
        let held = app_user::Entity::find_by_id((self.wall(), id.uuid())).lock(LockType::KeyShare);
        Ok(held.one(self.tx()).await?.is_some())
    }

    /// The tenant's connection, held until the unit ends. Whoever waits to change it is let by first: shared holds could
    /// follow each other for as long as people ask for access, and a lockdown would wait as long.
    pub async fn hold_connection(&self) -> Result<Option<Connection>, StoreError> {
        self.queue_for_connection("pg_advisory_xact_lock_shared").await?;
        let held = aws_connection::Entity::find_by_id(self.wall()).lock(LockType::Share);
        held.one(self.tx()).await?.map(|row| connection(&row)).transpose()
    }

    /// Rows that are locked together know no queue, and advisory locks do (PostgreSQL, "Explicit Locking").
    pub(crate) async fn queue_for_connection(&self, how: &str) -> Result<(), StoreError> {
        if self.tx().get_database_backend() == DbBackend::Postgres {
            let (_, of_tenant) = self.wall().as_u64_pair();
            let key = i64::from_ne_bytes(of_tenant.to_ne_bytes());
            let lock = Statement::from_sql_and_values(
                DbBackend::Postgres,
                format!("SELECT {how}($1)"),
                [key.into()],
            );
            self.tx().execute_raw(lock).await?;
        }
        Ok(())
    }
}
