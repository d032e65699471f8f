//! Logins. What proves one is a row of `credential` with the session as its subject.

use curfew_domain::{Session, SessionId, Timestamp, UserId};
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use uuid::Uuid;

use crate::entity::session::{ActiveModel, Column, Entity, Model};
use crate::row::{Row, micros, moment};
use crate::{CredentialSubject, ReadUnit, StoreError, WriteUnit};

impl ReadUnit {
    /// The login by that id.
    pub async fn session(&self, id: SessionId) -> Result<Option<Session>, StoreError> {
        let row = Entity::find_by_id((self.wall(), id.uuid())).one(self.tx()).await?;
        row.map(session).transpose()
    }
}

impl WriteUnit {
    /// Keeps a new login.
    pub async fn insert_session(&self, new: &Session) -> Result<(), StoreError> {
        let row = ActiveModel {
            tenant_id: Set(self.wall()),
            id: Set(new.id.uuid()),
            user_id: Set(new.user.uuid()),
            kind: Set(new.kind.as_str().to_owned()),
            created_at: Set(new.created_at.micros()),
            expires_at: Set(new.expires_at.micros()),
            chain_ends_at: Set(new.chain_ends_at.micros()),
            ended_at: Set(micros(new.ended_at)),
            address: Set(new.source.map(|source| source.to_string())),
        };
        Entity::insert(row).exec_without_returning(self.tx()).await?;
        Ok(())
    }

    /// Moves the end of a login that has not ended. False when it has.
    pub async fn extend_session(&self, id: SessionId, expires_at: Timestamp) -> Result<bool, StoreError> {
        let moved = Entity::update_many()
            .col_expr(Column::ExpiresAt, Expr::value(expires_at.micros()))
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::Id.eq(id.uuid()))
            .filter(Column::EndedAt.is_null())
            .exec(self.tx())
            .await?;
        Ok(moved.rows_affected == 1)
    }

    /// Ends a login and all its credentials. False when it had ended.
    pub async fn end_session(&self, id: SessionId, now: Timestamp) -> Result<bool, StoreError> {
        let ended = Entity::update_many()
            .col_expr(Column::EndedAt, Expr::value(now.micros()))
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::Id.eq(id.uuid()))
            .filter(Column::EndedAt.is_null())
            .exec(self.tx())
            .await?;
        self.revoke_credentials(CredentialSubject::Session(id), now).await?;
        Ok(ended.rows_affected == 1)
    }

    /// Ends all logins of a user.
    pub async fn end_sessions_of(&self, user: UserId, now: Timestamp) -> Result<(), StoreError> {
        let live: Vec<Uuid> = Entity::find()
            .select_only()
            .column(Column::Id)
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::UserId.eq(user.uuid()))
            .filter(Column::EndedAt.is_null())
            .into_tuple()
            .all(self.tx())
            .await?;
        for id in live {
            self.end_session(SessionId::from_uuid(id), now).await?;
        }
        Ok(())
    }

    /// Forgets logins that could be refreshed no more before `before`, whenever they were ended, with their credentials.
    pub async fn forget_sessions(&self, before: Timestamp) -> Result<(), StoreError> {
        let over: Vec<Uuid> = Entity::find()
            .select_only()
            .column(Column::Id)
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::ChainEndsAt.lt(before.micros()))
            .into_tuple()
            .all(self.tx())
            .await?;
        for id in over {
            self.delete_credentials(CredentialSubject::Session(SessionId::from_uuid(id))).await?;
            Entity::delete_by_id((self.wall(), id)).exec(self.tx()).await?;
        }
        Ok(())
    }
}

fn session(row: Model) -> Result<Session, StoreError> {
    let at = Row { table: "session", id: row.id };
    Ok(Session {
        id: SessionId::from_uuid(row.id),
        user: UserId::from_uuid(row.user_id),
        kind: at.parse("kind", &row.kind)?,
        created_at: Timestamp::from_micros(row.created_at),
        expires_at: Timestamp::from_micros(row.expires_at),
        chain_ends_at: Timestamp::from_micros(row.chain_ends_at),
        ended_at: moment(row.ended_at),
        source: at.parse_some("address", row.address.as_deref())?,
    })
}
