//! API keys. What proves one is a row of `credential` with the key as its subject.

use curfew_domain::{ApiKey, ApiKeyId, Cursor, Page, PageRequest, Revoked, Timestamp, UserId};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use crate::entity::api_key::{ActiveModel, Column, Entity, Model};
use crate::row::{Row, micros, moment};
use crate::{CredentialSubject, ReadUnit, StoreError, WriteUnit};

impl ReadUnit {
    /// The key by that id, live or not.
    pub async fn api_key(&self, id: ApiKeyId) -> Result<Option<ApiKey>, StoreError> {
        let row = Entity::find_by_id((self.wall(), id.uuid())).one(self.tx()).await?;
        row.map(api_key).transpose()
    }

    /// The tenant's keys, newest first.
    pub async fn api_keys(&self, page: &PageRequest) -> Result<Page<ApiKey>, StoreError> {
        let rows = Entity::find()
            .filter(Column::TenantId.eq(self.wall()))
            .filter(crate::page::after((Column::CreatedAt, Column::Id), page))
            .order_by_desc(Column::CreatedAt)
            .order_by_desc(Column::Id)
            .limit(page.limit.rows_to_read())
            .all(self.tx())
            .await?;
        let keys = rows.into_iter().map(api_key).collect::<Result<Vec<_>, _>>()?;
        Ok(Page::cut(keys, page.limit, |last| Cursor::at(last.created_at, last.id.uuid())))
    }
}

impl WriteUnit {
    /// Keeps a new key.
    pub async fn insert_api_key(&self, key: &ApiKey) -> Result<(), StoreError> {
        let scopes = serde_json::to_value(&key.scopes)
            .map_err(|problem| StoreError::corrupt("api_key", key.id, problem))?;
        let row = ActiveModel {
            tenant_id: Set(self.wall()),
            id: Set(key.id.uuid()),
            name: Set(key.name.to_string()),
            scopes: Set(scopes),
            created_by: Set(key.maker.uuid()),
            last_used_at: Set(micros(key.last_used_at)),
            expires_at: Set(micros(key.expires_at)),
            revoked_at: Set(key.revoked.map(|revoked| revoked.at.micros())),
            revoked_by: Set(key.revoked.map(|revoked| revoked.by.uuid())),
            created_at: Set(key.created_at.micros()),
            identity_provider_id: Set(None),
        };
        Entity::insert(row).exec_without_returning(self.tx()).await?;
        Ok(())
    }

    /// Ends a key and its credential. False when it had ended.
    pub async fn revoke_api_key(&self, id: ApiKeyId, revoked: Revoked) -> Result<bool, StoreError> {
        let ended = Entity::update_many()
            .col_expr(Column::RevokedAt, Expr::value(revoked.at.micros()))
            .col_expr(Column::RevokedBy, Expr::value(revoked.by.uuid()))
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::Id.eq(id.uuid()))
            .filter(Column::RevokedAt.is_null())
            .exec(self.tx())
            .await?;
        self.revoke_credentials(CredentialSubject::ApiKey(id), revoked.at).await?;
        Ok(ended.rows_affected == 1)
    }

    /// Ends all keys that a user made. Answers which.
    pub async fn revoke_api_keys_of(
        &self,
        maker: UserId,
        revoked: Revoked,
    ) -> Result<Vec<ApiKeyId>, StoreError> {
        let live: Vec<Uuid> = Entity::find()
            .select_only()
            .column(Column::Id)
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::CreatedBy.eq(maker.uuid()))
            .filter(Column::RevokedAt.is_null())
            .into_tuple()
            .all(self.tx())
            .await?;
        let live: Vec<ApiKeyId> = live.into_iter().map(ApiKeyId::from_uuid).collect();
        for id in &live {
            self.revoke_api_key(*id, revoked).await?;
        }
        Ok(live)
    }

    /// Remembers when a key was last shown. An earlier moment than is kept changes nothing.
    pub async fn touch_api_key(&self, id: ApiKeyId, now: Timestamp) -> Result<(), StoreError> {
        let earlier = Column::LastUsedAt.is_null().or(Column::LastUsedAt.lt(now.micros()));
        Entity::update_many()
            .col_expr(Column::LastUsedAt, Expr::value(now.micros()))
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::Id.eq(id.uuid()))
            .filter(earlier)
            .exec(self.tx())
            .await?;
        Ok(())
    }
}

fn api_key(row: Model) -> Result<ApiKey, StoreError> {
    let at = Row { table: "api_key", id: row.id };
    let revoked = row
        .revoked_by
        .zip(row.revoked_at)
        .map(|(by, when)| Revoked { by: UserId::from_uuid(by), at: Timestamp::from_micros(when) });
    Ok(ApiKey {
        id: ApiKeyId::from_uuid(row.id),
        name: at.parse("name", &row.name)?,
        scopes: at.scopes("scopes", row.scopes)?,
        maker: UserId::from_uuid(row.created_by),
        last_used_at: moment(row.last_used_at),
        expires_at: moment(row.expires_at),
        revoked,
        created_at: Timestamp::from_micros(row.created_at),
    })
}
