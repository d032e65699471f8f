//! Writing an entry beside the change that it tells of.

use curfew_domain::audit::{self, NewEntry, WrittenEntry};
use curfew_domain::{AuditEntryId, Entropy, Timestamp};
use sea_orm::ActiveValue::Set;
use sea_orm::EntityTrait;

use crate::entity::{audit_entry, audit_text, audit_unsealed};
use crate::{StoreError, WriteUnit};

impl WriteUnit {
    /// Records `entry` in this transaction. It has no place in the chain until it is sealed, so entries of units
    /// that run together never wait for each other.
    pub async fn record(
        &self,
        entry: NewEntry,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<AuditEntryId, StoreError> {
        let columns = Columns::of(&entry);
        let written = audit::write(self.tenant(), entry, now, entropy)
            .map_err(|problem| StoreError::corrupt("audit_entry", "new", problem))?;
        let id = written.id;
        let row = audit_entry::ActiveModel {
            tenant_id: Set(self.wall()),
            id: Set(id.uuid()),
            body: Set(written.body.clone()),
            created_at: Set(now.micros()),
            actor_id: Set(columns.actor_id),
            person_id: Set(columns.person_id),
            action: Set(columns.action.to_owned()),
            resource_type: Set(columns.resource_type.to_owned()),
            resource_id: Set(columns.resource_id),
            ..audit_entry::ActiveModel::default()
        };
        audit_entry::Entity::insert(row).exec_without_returning(self.tx()).await?;
        self.insert_texts(written).await?;
        let unsealed = audit_unsealed::ActiveModel {
            entry_id: Set(id.uuid()),
            tenant_id: Set(self.wall()),
            created_at: Set(now.micros()),
        };
        audit_unsealed::Entity::insert(unsealed).exec_without_returning(self.tx()).await?;
        Ok(id)
    }

    async fn insert_texts(&self, written: WrittenEntry) -> Result<(), StoreError> {
        if written.personal.is_empty() {
            return Ok(());
        }
        let rows = written.personal.into_iter().map(|text| audit_text::ActiveModel {
            tenant_id: Set(self.wall()),
            entry_id: Set(written.id.uuid()),
            name: Set(text.name),
            salt: Set(text.salt.to_vec()),
            text: Set(text.text),
        });
        audit_text::Entity::insert_many(rows).exec_without_returning(self.tx()).await?;
        Ok(())
    }
}

/// What an entry is looked up by; its body says the same.
struct Columns {
    actor_id: String,
    person_id: Option<uuid::Uuid>,
    action: &'static str,
    resource_type: &'static str,
    resource_id: String,
}

impl Columns {
    fn of(entry: &NewEntry) -> Self {
        Self {
            actor_id: entry.actor.id(),
            person_id: entry.actor.person().map(curfew_domain::UserId::uuid),
            action: entry.action.as_str(),
            resource_type: entry.resource_type,
            resource_id: entry.resource_id.clone(),
        }
    }
}
