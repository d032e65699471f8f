//! Channels to the outside.

use curfew_domain::{ChannelId, Cursor, NotificationChannel, Page, PageRequest, Timestamp};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::LockType;
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::entity::notification_channel::{ActiveModel, Column, Entity, Model};
use crate::keyring::SealedText;
use crate::row::Row;
use crate::{ReadUnit, StoreError, WriteUnit};

/// A channel as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredChannel {
    /// What anybody who may read channels sees.
    pub channel: NotificationChannel,
    /// Where it leads, and by what: JSON of the channel type's own, sealed for `notification_channel.config`.
    pub config: SealedText,
    /// What signs messages, sealed for `notification_channel.secret`; none where the type has no such thing.
    pub secret: Option<SealedText>,
    /// The secret before it, which signs beside it until then.
    pub former_secret: Option<(SealedText, Timestamp)>,
}

impl ReadUnit {
    /// The channel by that id.
    pub async fn channel(&self, id: ChannelId) -> Result<Option<StoredChannel>, StoreError> {
        Entity::find_by_id((self.wall(), id.uuid())).one(self.tx()).await?.map(stored).transpose()
    }

    /// A page of the tenant's channels, newest first.
    pub async fn channel_page(&self, page: &PageRequest) -> Result<Page<StoredChannel>, StoreError> {
        let rows = Entity::find()
            .filter(Column::TenantId.eq(self.wall()))
            .filter(crate::page::after((Column::CreatedAt, Column::Id), page))
            .order_by_desc(Column::CreatedAt)
            .order_by_desc(Column::Id)
            .limit(page.limit.rows_to_read())
            .all(self.tx())
            .await?;
        let channels = rows.into_iter().map(stored).collect::<Result<Vec<_>, _>>()?;
        let position = |last: &StoredChannel| Cursor::at(last.channel.created_at, last.channel.id.uuid());
        Ok(Page::cut(channels, page.limit, position))
    }

    /// All of the tenant's channels.
    pub async fn all_channels(&self) -> Result<Vec<StoredChannel>, StoreError> {
        let rows = Entity::find().filter(Column::TenantId.eq(self.wall())).order_by_asc(Column::Id);
        rows.all(self.tx()).await?.into_iter().map(stored).collect()
    }

    /// How many there are.
    pub async fn count_channels(&self) -> Result<u64, StoreError> {
        Ok(Entity::find().filter(Column::TenantId.eq(self.wall())).count(self.tx()).await?)
    }
}

impl WriteUnit {
    /// The channel by that id, which nobody else changes before this unit ends.
    pub async fn lock_channel(&self, id: ChannelId) -> Result<Option<StoredChannel>, StoreError> {
        let row = Entity::find_by_id((self.wall(), id.uuid())).lock(LockType::NoKeyUpdate).one(self.tx());
        row.await?.map(stored).transpose()
    }

    /// Keeps a new channel.
    pub async fn insert_channel(&self, channel: &StoredChannel) -> Result<(), StoreError> {
        Entity::insert(self.channel_row(channel)?).exec_without_returning(self.tx()).await?;
        Ok(())
    }

    /// Keeps a channel's change. It is to be locked.
    pub async fn update_channel(&self, channel: &StoredChannel) -> Result<(), StoreError> {
        let row = ActiveModel { tenant_id: NotSet, id: NotSet, ..self.channel_row(channel)? };
        Entity::update_many()
            .set(row)
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::Id.eq(channel.channel.id.uuid()))
            .exec(self.tx())
            .await?;
        Ok(())
    }

    /// Deletes a channel, with all that was sent and that was to be sent there. It is to be locked.
    pub async fn delete_channel(&self, id: ChannelId) -> Result<(), StoreError> {
        Entity::delete_by_id((self.wall(), id.uuid())).exec(self.tx()).await?;
        self.forget_outbox_of(id).await
    }

    fn channel_row(&self, stored: &StoredChannel) -> Result<ActiveModel, StoreError> {
        let channel = &stored.channel;
        let filters = serde_json::to_value(&channel.event_filters)
            .map_err(|problem| StoreError::corrupt("notification_channel", channel.id, problem))?;
        let bytes = |sealed: &SealedText| sealed.as_bytes().to_vec();
        Ok(ActiveModel {
            tenant_id: Set(self.wall()),
            id: Set(channel.id.uuid()),
            name: Set(channel.name.to_string()),
            channel_type: Set(channel.channel_type.as_str().to_owned()),
            config_sealed: Set(bytes(&stored.config)),
            secret_sealed: Set(stored.secret.as_ref().map(bytes)),
            former_secret_sealed: Set(stored.former_secret.as_ref().map(|(secret, _)| bytes(secret))),
            former_until: Set(stored.former_secret.as_ref().map(|(_, until)| until.micros())),
            enabled: Set(channel.enabled),
            event_filters: Set(filters),
            created_at: Set(channel.created_at.micros()),
            updated_at: Set(channel.updated_at.micros()),
        })
    }
}

fn stored(row: Model) -> Result<StoredChannel, StoreError> {
    let at = Row { table: "notification_channel", id: row.id };
    let channel = NotificationChannel {
        id: ChannelId::from_uuid(row.id),
        name: at.parse("name", &row.name)?,
        channel_type: at.parse("channel_type", &row.channel_type)?,
        enabled: row.enabled,
        event_filters: at.json("event_filters", row.event_filters)?,
        created_at: Timestamp::from_micros(row.created_at),
        updated_at: Timestamp::from_micros(row.updated_at),
    };
    let former = row.former_secret_sealed.map(SealedText::from_bytes);
    Ok(StoredChannel {
        channel,
        config: SealedText::from_bytes(row.config_sealed),
        secret: row.secret_sealed.map(SealedText::from_bytes),
        former_secret: former.zip(row.former_until.map(Timestamp::from_micros)),
    })
}
