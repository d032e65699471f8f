//! Writing an entry beside the change that it tells of.

use curfew_domain::audit::{self, NewEntry, NotCanonical, WrittenEntry};
use curfew_domain::{AuditEntryId, Entropy, Event, Timestamp};
use sea_orm::ActiveValue::Set;
use sea_orm::EntityTrait;

use crate::entity::{audit_entry, audit_text, audit_unsealed};
use crate::{StoreError, WriteUnit};

/// So many rows are written by one statement.
const CHUNK: usize = 500;

impl WriteUnit {
    /// Records `entry` in this transaction, and puts it into the outbox where it is an event. It has no place in the chain
    /// until it is sealed, so entries of units that run together never wait for each other.
    pub async fn record(
        &self,
        entry: NewEntry,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<AuditEntryId, StoreError> {
        let columns = Columns::of(&entry);
        let written = audit::write(self.tenant(), entry, now, entropy).map_err(not_canonical)?;
        let id = written.id;
        self.insert_entries(vec![columns], vec![written], now).await?;
        Ok(id)
    }

    /// Records entries of one moment, to be sealed in this order.
    pub async fn record_all(
        &self,
        entries: Vec<NewEntry>,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<(), StoreError> {
        let mut ids = audit::ascending_ids(entries.len(), now, entropy).into_iter();
        let mut entries = entries.into_iter();
        // Piece by piece: to write down very many takes longer than the database lets a unit be idle.
        while let chunk = entries.by_ref().take(CHUNK).collect::<Vec<_>>()
            && !chunk.is_empty()
        {
            let columns = chunk.iter().map(Columns::of).collect();
            let written = chunk
                .into_iter()
                .zip(ids.by_ref())
                .map(|(entry, id)| audit::write_as(id, self.tenant(), entry, now, entropy))
                .collect::<Result<_, _>>()
                .map_err(not_canonical)?;
            self.insert_entries(columns, written, now).await?;
        }
        Ok(())
    }

    async fn insert_entries(
        &self,
        columns: Vec<Columns>,
        written: Vec<WrittenEntry>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let events: Vec<_> = written
            .iter()
            .zip(&columns)
            .filter_map(|(entry, columns)| Some((entry.id, columns.event?)))
            .collect();
        let unsealed: Vec<_> = written.iter().map(|entry| self.unsealed_row(entry, now)).collect();
        let rows = written.iter().zip(columns).map(|(entry, columns)| self.entry_row(entry, columns, now));
        audit_entry::Entity::insert_many(rows).exec_without_returning(self.tx()).await?;
        self.insert_texts(written).await?;
        audit_unsealed::Entity::insert_many(unsealed).exec_without_returning(self.tx()).await?;
        self.put_entries_into_outbox(events, now).await
    }

    fn unsealed_row(&self, entry: &WrittenEntry, now: Timestamp) -> audit_unsealed::ActiveModel {
        audit_unsealed::ActiveModel {
            entry_id: Set(entry.id.uuid()),
            tenant_id: Set(self.wall()),
            created_at: Set(now.micros()),
        }
    }

    fn entry_row(&self, entry: &WrittenEntry, columns: Columns, now: Timestamp) -> audit_entry::ActiveModel {
        audit_entry::ActiveModel {
            tenant_id: Set(self.wall()),
            id: Set(entry.id.uuid()),
            body: Set(entry.body.clone()),
            created_at: Set(now.micros()),
            actor_id: Set(columns.actor_id),
            person_id: Set(columns.person_id),
            action: Set(columns.action.to_owned()),
            resource_type: Set(columns.resource_type.to_owned()),
            resource_id: Set(columns.resource_id),
            ..audit_entry::ActiveModel::default()
        }
    }

    async fn insert_texts(&self, written: Vec<WrittenEntry>) -> Result<(), StoreError> {
        let rows: Vec<_> = written.into_iter().flat_map(|entry| self.text_rows(entry)).collect();
        if !rows.is_empty() {
            audit_text::Entity::insert_many(rows).exec_without_returning(self.tx()).await?;
        }
        Ok(())
    }

    fn text_rows(&self, entry: WrittenEntry) -> impl Iterator<Item = audit_text::ActiveModel> {
        let (wall, id) = (self.wall(), entry.id.uuid());
        entry.personal.into_iter().map(move |text| audit_text::ActiveModel {
            tenant_id: Set(wall),
            entry_id: Set(id),
            name: Set(text.name),
            salt: Set(text.salt.to_vec()),
            text: Set(text.text),
        })
    }
}

fn not_canonical(problem: NotCanonical) -> StoreError {
    StoreError::corrupt("audit_entry", "new", problem)
}

/// What an entry is looked up by; its body says the same.
struct Columns {
    actor_id: String,
    person_id: Option<uuid::Uuid>,
    action: &'static str,
    resource_type: &'static str,
    resource_id: String,
    /// What somebody is to be told of it.
    event: Option<Event>,
}

impl Columns {
    fn of(entry: &NewEntry) -> Self {
        Self {
            actor_id: entry.actor.id(),
            person_id: entry.actor.person().map(curfew_domain::UserId::uuid),
            action: entry.action.as_str(),
            resource_type: entry.resource_type,
            resource_id: entry.resource_id.clone(),
            event: Event::of(entry.action),
        }
    }
}
