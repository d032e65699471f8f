//! What is to be told: entries of the audit log that are events, and messages to channels.
//!
//! A row is written in the transaction of what it tells of, and deleted in the transaction in which it is dealt with.
//! Whoever takes a row up moves its time by so much as dealing with it may take: if they die, it is due again then.
//! So nothing is lost, and nothing is dealt with twice that is dealt with in the database alone. What is urgent comes
//! first, of each tenant's entries and of each channel's messages.

use std::collections::BTreeSet;
use std::fmt::Write;

use curfew_domain::{AuditEntryId, ChannelId, Delivery, DeliveryId, Event, TenantId, Timestamp};
use sea_orm::sea_query::{Expr, ExprTrait, LockBehavior, LockType};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, EntityTrait, FromQueryResult, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, Statement, Value,
};
use uuid::Uuid;

use crate::entity::outbox_due::{ActiveModel, Column, Entity, Model};
use crate::row::Row;
use crate::{ReadUnit, Store, StoreError, WriteUnit};

/// So many rows are written by one statement.
const CHUNK: usize = 500;

/// An entry of the audit log that somebody is to be told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DueEntry {
    /// In whose log it is.
    pub tenant: TenantId,
    /// Which.
    pub entry: AuditEntryId,
    /// How often it was taken up before.
    pub claims: u64,
}

/// A message to a channel whose time has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DueDelivery {
    /// Whose.
    pub tenant: TenantId,
    /// To which channel.
    pub channel: ChannelId,
    /// Which.
    pub delivery: DeliveryId,
}

/// How many messages may be taken up, and of whom none, because as many as may be are under way.
#[derive(Debug, Clone, Default)]
pub struct DeliveryRoom {
    /// At most so many.
    pub places: u16,
    /// So many of one channel.
    pub of_a_channel: u16,
    /// So many of one tenant.
    pub of_a_tenant: u16,
    /// None of these channels.
    pub busy_channels: Vec<ChannelId>,
    /// None of these tenants.
    pub busy_tenants: Vec<TenantId>,
    /// How many of a tenant's are sent now: whoever has fewer comes first, however old the others' are.
    pub under_way: Vec<(TenantId, u16)>,
}

impl Store {
    /// Waits until a unit of this process has written something that is to be told.
    pub async fn outbox_written(&self) {
        self.outbox_bell().notified().await;
    }

    /// Takes up entries that are due by `now`: they are this caller's until `until`. Tenants take turns.
    pub async fn claim_entries(
        &self,
        now: Timestamp,
        until: Timestamp,
        limit: u16,
    ) -> Result<Vec<DueEntry>, StoreError> {
        let sql = "SELECT id FROM ( \
                     SELECT id, due_at, row_number() OVER (PARTITION BY tenant_id ORDER BY rank, due_at, id) AS turn \
                     FROM outbox_due WHERE channel_id IS NULL AND due_at <= $1 \
                   ) AS by_tenant ORDER BY turn, due_at, id LIMIT $2";
        let claimed = self.claim(sql, vec![now.micros().into(), i64::from(limit).into()], now, until).await?;
        claimed.into_iter().map(due_entry).collect()
    }

    /// Takes up messages that are due by `now`: they are this caller's until `until`. Tenants take turns, and so do the
    /// channels of a tenant: one where nothing arrives keeps no other waiting, however urgent what waits for it is.
    pub async fn claim_deliveries(
        &self,
        now: Timestamp,
        until: Timestamp,
        room: &DeliveryRoom,
    ) -> Result<Vec<DueDelivery>, StoreError> {
        if room.places == 0 {
            return Ok(Vec::new());
        }
        let (sql, values) = deal(now, room);
        let claimed = self.claim(&sql, values, now, until).await?;
        Ok(claimed.into_iter().filter_map(due_delivery).collect())
    }

    /// When the next row is due after `now`; none where there is none.
    pub async fn next_in_outbox(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        let next = Entity::find()
            .filter(Column::DueAt.gt(now.micros()))
            .order_by_asc(Column::DueAt)
            .one(self.readers())
            .await?;
        Ok(next.map(|row| Timestamp::from_micros(row.due_at)))
    }

    /// How many rows have been due since `moment` or longer.
    pub async fn outbox_backlog(&self, moment: Timestamp) -> Result<u64, StoreError> {
        Ok(Entity::find().filter(Column::DueAt.lte(moment.micros())).count(self.readers()).await?)
    }

    /// Those of the rows that a statement finds that nobody else takes up at the same time.
    async fn claim(
        &self,
        sql: &str,
        values: Vec<Value>,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<Model>, StoreError> {
        let statement = Statement::from_sql_and_values(self.readers().get_database_backend(), sql, values);
        let found = Dealt::find_by_statement(statement).all(self.readers()).await?;
        // Most of the time there is nothing, and then nothing is written.
        if found.is_empty() {
            return Ok(Vec::new());
        }
        let ids = found.into_iter().map(|row| row.id);
        let unit = self.unwalled().write().await?;
        let rows = Entity::find()
            .filter(Column::Id.is_in(ids))
            .filter(Column::DueAt.lte(now.micros()))
            .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
            .all(unit.tx())
            .await?;
        Entity::update_many()
            .col_expr(Column::DueAt, Expr::value(until.micros()))
            .col_expr(Column::Claims, Expr::col(Column::Claims).add(1))
            .filter(Column::Id.is_in(rows.iter().map(|row| row.id)))
            .exec(unit.tx())
            .await?;
        unit.commit().await?;
        Ok(rows)
    }
}

/// The statement of [`Store::claim_deliveries`], which both databases take.
fn deal(now: Timestamp, room: &DeliveryRoom) -> (String, Vec<Value>) {
    let mut values: Vec<Value> = vec![
        now.micros().into(),
        i64::from(room.of_a_channel).into(),
        i64::from(room.of_a_tenant).into(),
        i64::from(room.places).into(),
    ];
    let mut none_of = |column: &str, ids: Vec<Uuid>| {
        if ids.is_empty() {
            return String::new();
        }
        let first = values.len() + 1;
        let places: Vec<String> = (first..first + ids.len()).map(|place| format!("${place}")).collect();
        values.extend(ids.into_iter().map(Value::from));
        format!(" AND {column} NOT IN ({})", places.join(", "))
    };
    let channels = none_of("channel_id", room.busy_channels.iter().map(|id| id.uuid()).collect());
    let tenants = none_of("tenant_id", room.busy_tenants.iter().map(|id| id.uuid()).collect());
    let under_way = under_way(&mut values, &room.under_way);
    let sql = format!(
        "SELECT id FROM ( \
           SELECT id, tenant_id, due_at, row_number() OVER (PARTITION BY tenant_id ORDER BY channel_turn, rank, due_at, id) AS turn \
           FROM ( \
             SELECT id, tenant_id, rank, due_at, \
               row_number() OVER (PARTITION BY channel_id ORDER BY rank, due_at, id) AS channel_turn \
             FROM outbox_due WHERE channel_id IS NOT NULL AND due_at <= $1{channels}{tenants} \
           ) AS by_channel WHERE channel_turn <= $2 \
         ) AS by_tenant WHERE turn <= $3 ORDER BY turn + {under_way}, due_at, id LIMIT $4"
    );
    (sql, values)
}

/// How many of the row's tenant are under way.
fn under_way(values: &mut Vec<Value>, tenants: &[(TenantId, u16)]) -> String {
    if tenants.is_empty() {
        return "0".to_owned();
    }
    let mut cases = String::new();
    for (tenant, count) in tenants {
        values.push(tenant.uuid().into());
        let _ = write!(cases, "WHEN ${} THEN {count} ", values.len());
    }
    format!("CASE tenant_id {cases}ELSE 0 END")
}

#[derive(FromQueryResult)]
struct Dealt {
    id: Uuid,
}

fn due_entry(row: Model) -> Result<DueEntry, StoreError> {
    let at = Row { table: "outbox_due", id: row.id };
    Ok(DueEntry {
        tenant: TenantId::from_uuid(row.tenant_id),
        entry: AuditEntryId::from_uuid(row.id),
        claims: at.count("claims", row.claims)?,
    })
}

fn due_delivery(row: Model) -> Option<DueDelivery> {
    Some(DueDelivery {
        tenant: TenantId::from_uuid(row.tenant_id),
        channel: ChannelId::from_uuid(row.channel_id?),
        delivery: DeliveryId::from_uuid(row.id),
    })
}

impl ReadUnit {
    /// Those of the channels for which so many messages wait, or more. No more than that are counted of each.
    pub async fn channels_with_waiting(
        &self,
        channels: &[ChannelId],
        so_many: u64,
    ) -> Result<BTreeSet<ChannelId>, StoreError> {
        let mut full = BTreeSet::new();
        for channel in channels {
            let last = Entity::find()
                .select_only()
                .column(Column::Id)
                .filter(Column::TenantId.eq(self.wall()))
                .filter(Column::ChannelId.eq(channel.uuid()))
                .offset(so_many.saturating_sub(1))
                .limit(1)
                .into_tuple::<Uuid>()
                .one(self.tx())
                .await?;
            full.extend(last.map(|_| *channel));
        }
        Ok(full)
    }
}

impl WriteUnit {
    /// Entries are to be told of from `at` on.
    pub(crate) async fn put_entries_into_outbox(
        &self,
        entries: Vec<(AuditEntryId, Event)>,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let row = |(entry, event): (AuditEntryId, Event)| {
            self.outbox_row(entry.uuid(), None, event.is_urgent(), at)
        };
        let rows = entries.into_iter().map(row);
        self.put_into_outbox(rows.collect()).await
    }

    /// Messages are to be sent, each at its time; those without one are not.
    pub(crate) async fn put_deliveries_into_outbox(&self, deliveries: &[Delivery]) -> Result<(), StoreError> {
        let row = |one: &Delivery| {
            let urgent = one.event_type.parse::<Event>().is_ok_and(Event::is_urgent);
            Some(self.outbox_row(one.id.uuid(), Some(one.channel), urgent, one.next_attempt_at?))
        };
        let rows = deliveries.iter().filter_map(row);
        self.put_into_outbox(rows.collect()).await
    }

    async fn put_into_outbox(&self, rows: Vec<ActiveModel>) -> Result<(), StoreError> {
        if rows.is_empty() {
            return Ok(());
        }
        for chunk in rows.chunks(CHUNK) {
            Entity::insert_many(chunk.to_vec()).exec_without_returning(self.tx()).await?;
        }
        self.note_outbox_written();
        Ok(())
    }

    fn outbox_row(&self, id: Uuid, channel: Option<ChannelId>, urgent: bool, at: Timestamp) -> ActiveModel {
        ActiveModel {
            id: Set(id),
            tenant_id: Set(self.wall()),
            channel_id: Set(channel.map(ChannelId::uuid)),
            rank: Set(i32::from(!urgent)),
            due_at: Set(at.micros()),
            claims: Set(0),
        }
    }

    /// Takes an entry out for good, to tell of it in this unit. False where somebody else has: then there is nothing to do.
    pub async fn take_entry_from_outbox(&self, entry: AuditEntryId) -> Result<bool, StoreError> {
        self.take_from_outbox(entry.uuid()).await
    }

    /// Takes a message out for good. False where it was out.
    pub async fn take_delivery_from_outbox(&self, delivery: DeliveryId) -> Result<bool, StoreError> {
        self.take_from_outbox(delivery.uuid()).await
    }

    async fn take_from_outbox(&self, id: Uuid) -> Result<bool, StoreError> {
        let taken = Entity::delete_many()
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::Id.eq(id))
            .exec(self.tx())
            .await?;
        Ok(taken.rows_affected > 0)
    }

    /// A message is to be sent at `at`, and not before.
    pub(crate) async fn put_off_delivery(
        &self,
        delivery: DeliveryId,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        Entity::update_many()
            .col_expr(Column::DueAt, Expr::value(at.micros()))
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::Id.eq(delivery.uuid()))
            .exec(self.tx())
            .await?;
        Ok(())
    }

    /// Nothing is sent to a channel any more.
    pub(crate) async fn forget_outbox_of(&self, channel: ChannelId) -> Result<(), StoreError> {
        Entity::delete_many()
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::ChannelId.eq(channel.uuid()))
            .exec(self.tx())
            .await?;
        Ok(())
    }
}
