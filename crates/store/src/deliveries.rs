//! Messages to channels, and what became of them.
//!
//! Locks are taken in the order channel, message, its row in the outbox.

use curfew_domain::{
    AuditEntryId, ChannelId, Cursor, Delivery, DeliveryFailure, DeliveryId, DeliveryState, Page, PageRequest,
    Timestamp,
};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::LockType;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::entity::delivery::{ActiveModel, Column, Entity, Model};
use crate::row::{Row, micros, moment};
use crate::{ReadUnit, StoreError, WriteUnit};

impl ReadUnit {
    /// The message by that id; none once its channel is deleted.
    pub async fn delivery(&self, id: DeliveryId) -> Result<Option<Delivery>, StoreError> {
        Entity::find_by_id((self.wall(), id.uuid())).one(self.tx()).await?.map(delivery).transpose()
    }

    /// A channel's messages, newest first.
    pub async fn deliveries_of(
        &self,
        channel: ChannelId,
        page: &PageRequest,
    ) -> Result<Page<Delivery>, StoreError> {
        let rows = Entity::find()
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::ChannelId.eq(channel.uuid()))
            .filter(crate::page::after((Column::CreatedAt, Column::Id), page))
            .order_by_desc(Column::CreatedAt)
            .order_by_desc(Column::Id)
            .limit(page.limit.rows_to_read())
            .all(self.tx())
            .await?;
        let found = rows.into_iter().map(delivery).collect::<Result<Vec<_>, _>>()?;
        Ok(Page::cut(found, page.limit, |last| Cursor::at(last.created_at, last.id.uuid())))
    }
}

impl WriteUnit {
    /// Keeps new messages. Those that are not over are sent when their time comes.
    pub async fn insert_deliveries(&self, deliveries: &[Delivery]) -> Result<(), StoreError> {
        if deliveries.is_empty() {
            return Ok(());
        }
        let rows = deliveries.iter().map(|one| self.delivery_row(one)).collect::<Result<Vec<_>, _>>()?;
        Entity::insert_many(rows).exec_without_returning(self.tx()).await?;
        self.put_deliveries_into_outbox(deliveries).await
    }

    /// The message by that id, which nobody else changes before this unit ends.
    pub async fn lock_delivery(&self, id: DeliveryId) -> Result<Option<Delivery>, StoreError> {
        let row = Entity::find_by_id((self.wall(), id.uuid())).lock(LockType::NoKeyUpdate).one(self.tx());
        row.await?.map(delivery).transpose()
    }

    /// Keeps what became of a message: it is sent again when it says, or never. It is to be locked.
    pub async fn update_delivery(&self, delivery: &Delivery) -> Result<(), StoreError> {
        let row = ActiveModel { tenant_id: NotSet, id: NotSet, ..self.delivery_row(delivery)? };
        Entity::update_many()
            .set(row)
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::Id.eq(delivery.id.uuid()))
            .exec(self.tx())
            .await?;
        match delivery.next_attempt_at {
            Some(at) => self.put_off_delivery(delivery.id, at).await,
            None => self.take_delivery_from_outbox(delivery.id).await.map(drop),
        }
    }

    /// Forgets messages that were first to be sent before `before` and are over.
    pub async fn forget_deliveries(&self, before: Timestamp) -> Result<(), StoreError> {
        Entity::delete_many()
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::State.ne(DeliveryState::Pending.as_str()))
            .filter(Column::CreatedAt.lt(before.micros()))
            .exec(self.tx())
            .await?;
        Ok(())
    }

    fn delivery_row(&self, one: &Delivery) -> Result<ActiveModel, StoreError> {
        let attempts = i32::try_from(one.attempts)
            .map_err(|problem| StoreError::corrupt("delivery", one.id, problem))?;
        Ok(ActiveModel {
            tenant_id: Set(self.wall()),
            id: Set(one.id.uuid()),
            channel_id: Set(one.channel.uuid()),
            entry_id: Set(one.entry.uuid()),
            event_type: Set(one.event_type.clone()),
            state: Set(one.state.as_str().to_owned()),
            attempts: Set(attempts),
            next_attempt_at: Set(micros(one.next_attempt_at)),
            last_attempt_at: Set(micros(one.last_attempt_at)),
            status_code: Set(one.status_code.map(i32::from)),
            failure: Set(one.failure.map(|failure| failure.as_str().to_owned())),
            created_at: Set(one.created_at.micros()),
        })
    }
}

fn delivery(row: Model) -> Result<Delivery, StoreError> {
    let at = Row { table: "delivery", id: row.id };
    let status = row.status_code.map(u16::try_from).transpose();
    Ok(Delivery {
        id: DeliveryId::from_uuid(row.id),
        channel: ChannelId::from_uuid(row.channel_id),
        entry: AuditEntryId::from_uuid(row.entry_id),
        event_type: row.event_type,
        state: at.parse("state", &row.state)?,
        attempts: u32::try_from(row.attempts).map_err(|problem| at.corrupt("attempts", problem))?,
        next_attempt_at: moment(row.next_attempt_at),
        last_attempt_at: moment(row.last_attempt_at),
        status_code: status.map_err(|problem| at.corrupt("status_code", problem))?,
        failure: at.parse_some::<DeliveryFailure>("failure", row.failure.as_deref())?,
        created_at: Timestamp::from_micros(row.created_at),
    })
}
