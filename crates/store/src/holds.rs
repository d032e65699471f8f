//! Rows that must not change while something else is written on the strength of them.
//!
//! Whoever would change such a row waits for the units that hold it, and then sees what they wrote. Or the change came
//! first, and they see it.

use curfew_domain::UserId;
use curfew_domain::connection::Connection;
use sea_orm::sea_query::LockType;
use sea_orm::{EntityTrait, QuerySelect};

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

    /// The tenant's connection, held until the unit ends.
    pub async fn hold_connection(&self) -> Result<Option<Connection>, StoreError> {
        let held = aws_connection::Entity::find_by_id(self.wall()).lock(LockType::Share);
        held.one(self.tx()).await?.map(|row| connection(&row)).transpose()
    }
}
