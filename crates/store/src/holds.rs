//! Rows that must not change while something else is written on the strength of them.
//!
//! Many units can hold one row at once; whoever would change it waits for them, and then sees what they wrote. Or the
//! change came first, and they see it.

use curfew_domain::connection::Connection;
use curfew_domain::{User, UserId};
use sea_orm::sea_query::LockType;
use sea_orm::{EntityTrait, QuerySelect};

use crate::entity::{app_user, aws_connection};
use crate::{StoreError, WriteUnit};

impl WriteUnit {
    /// The user by that id, held until the unit ends.
    pub async fn hold_user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        let held = app_user::Entity::find_by_id((self.wall(), id.uuid())).lock(LockType::Share);
        match held.one(self.tx()).await? {
            Some(_) => self.user(id).await,
            None => Ok(None),
        }
    }

    /// The tenant's connection, held until the unit ends.
    pub async fn hold_connection(&self) -> Result<Option<Connection>, StoreError> {
        let held = aws_connection::Entity::find_by_id(self.wall()).lock(LockType::Share);
        match held.one(self.tx()).await? {
            Some(_) => self.connection().await,
            None => Ok(None),
        }
    }
}
