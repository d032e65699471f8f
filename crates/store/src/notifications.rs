//! What people are told of in the console.

use curfew_domain::{
    AuditEntryId, Cursor, Event, Notification, NotificationId, Page, PageRequest, Timestamp, UserId,
};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect, Statement,
};

use crate::entity::notification::{ActiveModel, Column, Entity, Model};
use crate::row::{Row, moment};
use crate::{ReadUnit, StoreError, WriteUnit};

/// Whose notifications, and which of them.
#[derive(Debug, Clone)]
pub struct Inbox<'a> {
    /// Whose.
    pub user: UserId,
    /// Of these events alone.
    pub events: &'a [Event],
}

impl Inbox<'_> {
    fn condition(&self, unit: &ReadUnit) -> Condition {
        Condition::all()
            .add(Column::TenantId.eq(unit.wall()))
            .add(Column::UserId.eq(self.user.uuid()))
            .add(Column::EventType.is_in(self.events.iter().map(|event| event.as_str())))
    }
}

impl ReadUnit {
    /// A person's notifications, newest first.
    pub async fn notifications(
        &self,
        inbox: &Inbox<'_>,
        unread_only: bool,
        page: &PageRequest,
    ) -> Result<Page<Notification>, StoreError> {
        let unread = unread_only.then(|| Column::ReadAt.is_null());
        let rows = Entity::find()
            .filter(inbox.condition(self).add_option(unread))
            .filter(crate::page::after((Column::CreatedAt, Column::Id), page))
            .order_by_desc(Column::CreatedAt)
            .order_by_desc(Column::Id)
            .limit(page.limit.rows_to_read())
            .all(self.tx())
            .await?;
        let items = rows.into_iter().map(notification).collect::<Result<Vec<_>, _>>()?;
        Ok(Page::cut(items, page.limit, |last| Cursor::at(last.created_at, last.id.uuid())))
    }

    /// How many of them are not read.
    pub async fn count_unread(&self, inbox: &Inbox<'_>) -> Result<u64, StoreError> {
        let unread = Entity::find().filter(inbox.condition(self)).filter(Column::ReadAt.is_null());
        Ok(unread.count(self.tx()).await?)
    }

    /// One of them.
    pub async fn notification(
        &self,
        inbox: &Inbox<'_>,
        id: NotificationId,
    ) -> Result<Option<Notification>, StoreError> {
        let row =
            Entity::find().filter(inbox.condition(self)).filter(Column::Id.eq(id.uuid())).one(self.tx());
        row.await?.map(notification).transpose()
    }
}

impl WriteUnit {
    /// Tells people of an entry: one notification each.
    pub async fn insert_notifications(
        &self,
        entry: AuditEntryId,
        told: impl IntoIterator<Item = (UserId, Notification)>,
    ) -> Result<(), StoreError> {
        let rows: Vec<_> =
            told.into_iter().map(|(user, one)| self.notification_row(entry, user, one)).collect();
        if !rows.is_empty() {
            Entity::insert_many(rows).exec_without_returning(self.tx()).await?;
        }
        Ok(())
    }

    fn notification_row(&self, entry: AuditEntryId, user: UserId, one: Notification) -> ActiveModel {
        ActiveModel {
            tenant_id: Set(self.wall()),
            id: Set(one.id.uuid()),
            user_id: Set(user.uuid()),
            entry_id: Set(entry.uuid()),
            event_type: Set(one.event.as_str().to_owned()),
            title: Set(one.title),
            body: Set(one.body),
            resource_type: Set(one.resource_type),
            resource_id: Set(one.resource_id),
            read_at: Set(one.read_at.map(Timestamp::micros)),
            created_at: Set(one.created_at.micros()),
        }
    }

    /// Marks those of a person's notifications as read that are not; one of them, or all.
    pub async fn read_notifications(
        &self,
        inbox: &Inbox<'_>,
        one: Option<NotificationId>,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let read = Entity::update_many()
            .col_expr(Column::ReadAt, Expr::value(now.micros()))
            .filter(inbox.condition(self))
            .filter(Condition::all().add_option(one.map(|id| Column::Id.eq(id.uuid()))))
            .filter(Column::ReadAt.is_null())
            .exec(self.tx())
            .await?;
        Ok(read.rows_affected)
    }

    /// Forgets what was told before `before`, and of what each person was told all but the newest `most`.
    pub async fn forget_notifications(&self, before: Timestamp, most: u16) -> Result<(), StoreError> {
        Entity::delete_many()
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::CreatedAt.lt(before.micros()))
            .exec(self.tx())
            .await?;
        let sql = "DELETE FROM notification WHERE tenant_id = $1 AND id IN ( \
                     SELECT id FROM ( \
                       SELECT id, row_number() OVER (PARTITION BY user_id ORDER BY created_at DESC, id DESC) AS place \
                       FROM notification WHERE tenant_id = $1 AND user_id IN ( \
                         SELECT user_id FROM notification WHERE tenant_id = $1 \
                         GROUP BY user_id HAVING count(*) > $2) \
                     ) AS ranked WHERE place > $2)";
        let values = [self.wall().into(), i64::from(most).into()];
        let statement = Statement::from_sql_and_values(self.tx().get_database_backend(), sql, values);
        self.tx().execute_raw(statement).await?;
        Ok(())
    }
}

fn notification(row: Model) -> Result<Notification, StoreError> {
    let at = Row { table: "notification", id: row.id };
    Ok(Notification {
        id: NotificationId::from_uuid(row.id),
        event: at.parse("event_type", &row.event_type)?,
        title: row.title,
        body: row.body,
        resource_type: row.resource_type,
        resource_id: row.resource_id,
        read_at: moment(row.read_at),
        created_at: Timestamp::from_micros(row.created_at),
    })
}
