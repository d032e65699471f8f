//! What people want to be told of, and where.

use std::collections::BTreeSet;

use curfew_domain::{Event, NotificationPreference, PersonalChannel, UserId};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use uuid::Uuid;

use crate::entity::notification_preference::{ActiveModel, Column, Entity, Model};
use crate::row::Row;
use crate::{ReadUnit, StoreError, WriteUnit};

impl ReadUnit {
    /// What a person has said.
    pub async fn notification_preferences(
        &self,
        user: UserId,
    ) -> Result<Vec<NotificationPreference>, StoreError> {
        let rows = Entity::find()
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::UserId.eq(user.uuid()))
            .all(self.tx())
            .await?;
        rows.into_iter().map(preference).collect()
    }

    /// Those of these people who don't want to be told of an event there.
    pub async fn who_wants_no(
        &self,
        event: Event,
        channel: PersonalChannel,
        people: &BTreeSet<UserId>,
    ) -> Result<BTreeSet<UserId>, StoreError> {
        let found: Vec<Uuid> = Entity::find()
            .select_only()
            .column(Column::UserId)
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::EventType.eq(event.as_str()))
            .filter(Column::Channel.eq(channel.as_str()))
            .filter(Column::Enabled.eq(false))
            .filter(Column::UserId.is_in(people.iter().map(|person| person.uuid())))
            .into_tuple()
            .all(self.tx())
            .await?;
        Ok(found.into_iter().map(UserId::from_uuid).collect())
    }
}

impl WriteUnit {
    /// Takes what a person says in place of all that they said before. The person is to be held.
    pub async fn replace_notification_preferences(
        &self,
        user: UserId,
        said: &[NotificationPreference],
    ) -> Result<(), StoreError> {
        Entity::delete_many()
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::UserId.eq(user.uuid()))
            .exec(self.tx())
            .await?;
        if said.is_empty() {
            return Ok(());
        }
        let rows = said.iter().map(|one| ActiveModel {
            tenant_id: Set(self.wall()),
            user_id: Set(user.uuid()),
            event_type: Set(one.event.as_str().to_owned()),
            channel: Set(one.channel.as_str().to_owned()),
            enabled: Set(one.enabled),
        });
        Entity::insert_many(rows).exec_without_returning(self.tx()).await?;
        Ok(())
    }
}

fn preference(row: Model) -> Result<NotificationPreference, StoreError> {
    let at = Row { table: "notification_preference", id: row.user_id };
    Ok(NotificationPreference {
        event: at.parse("event_type", &row.event_type)?,
        channel: at.parse("channel", &row.channel)?,
        enabled: row.enabled,
    })
}
