//! Reading the log.

use curfew_domain::audit::{AuditAction, ChainHash, EntryBody, PersonalText};
use curfew_domain::{AuditEntryId, Cursor, Page, PageRequest, Timestamp};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::entity::{audit_entry, audit_text};
use crate::row::Row;
use crate::{ReadUnit, StoreError};

/// An entry as it is shown.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditRecord {
    /// Its id.
    pub id: AuditEntryId,
    /// What its canonical bytes say.
    pub body: EntryBody,
    /// Its personal texts that are not erased.
    pub personal: Vec<PersonalText>,
    /// Its place in the chain; none for the moment until it is sealed.
    pub sealed: Option<Sealed>,
}

impl AuditRecord {
    /// One of its personal texts; none when it has no such text, or it is erased.
    pub fn personal(&self, name: &str) -> Option<&str> {
        self.personal.iter().find(|text| text.name == name).map(|text| text.text.as_str())
    }
}

/// A place in the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sealed {
    /// Its number, from 1, without gaps.
    pub sequence: u64,
    /// Its hash.
    pub hash: ChainHash,
    /// The hash that it follows.
    pub previous: ChainHash,
}

/// Which entries are asked for; what is none does not restrict.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AuditFilter {
    /// Of this user or key, or `system`.
    pub actor_id: Option<String>,
    /// About this kind of thing.
    pub resource_type: Option<String>,
    /// About this one.
    pub resource_id: Option<String>,
    /// Of this.
    pub action: Option<AuditAction>,
    /// Not before.
    pub from: Option<Timestamp>,
    /// Before.
    pub to: Option<Timestamp>,
}

impl AuditFilter {
    fn condition(&self) -> Condition {
        use audit_entry::Column;
        Condition::all()
            .add_option(self.actor_id.as_ref().map(|id| Column::ActorId.eq(id)))
            .add_option(self.resource_type.as_ref().map(|kind| Column::ResourceType.eq(kind)))
            .add_option(self.resource_id.as_ref().map(|id| Column::ResourceId.eq(id)))
            .add_option(self.action.map(|action| Column::Action.eq(action.as_str())))
            .add_option(self.from.map(|from| Column::CreatedAt.gte(from.micros())))
            .add_option(self.to.map(|to| Column::CreatedAt.lt(to.micros())))
    }
}

impl ReadUnit {
    /// A page of the log, newest first.
    pub async fn audit_page(
        &self,
        filter: &AuditFilter,
        page: &PageRequest,
    ) -> Result<Page<AuditRecord>, StoreError> {
        let rows = audit_entry::Entity::find()
            .filter(audit_entry::Column::TenantId.eq(self.wall()))
            .filter(filter.condition())
            .filter(crate::page::after((audit_entry::Column::CreatedAt, audit_entry::Column::Id), page))
            .order_by_desc(audit_entry::Column::CreatedAt)
            .order_by_desc(audit_entry::Column::Id)
            .limit(page.limit.rows_to_read())
            .all(self.tx())
            .await?;
        let records = self.with_texts(rows).await?;
        Ok(Page::cut(records, page.limit, |last| Cursor::at(last.body.created_at, last.id.uuid())))
    }

    /// One entry.
    pub async fn audit_entry(&self, id: AuditEntryId) -> Result<Option<AuditRecord>, StoreError> {
        let row = audit_entry::Entity::find_by_id((self.wall(), id.uuid())).one(self.tx()).await?;
        Ok(self.with_texts(row.into_iter().collect()).await?.pop())
    }

    pub(crate) async fn with_texts(
        &self,
        rows: Vec<audit_entry::Model>,
    ) -> Result<Vec<AuditRecord>, StoreError> {
        let mut texts = self.texts_of(&rows).await?;
        rows.into_iter()
            .map(|row| {
                let own = texts.extract_if(.., |text| text.entry_id == row.id).collect();
                record(row, own)
            })
            .collect()
    }

    /// The texts that are kept of these entries.
    pub(super) async fn texts_of(
        &self,
        rows: &[audit_entry::Model],
    ) -> Result<Vec<audit_text::Model>, StoreError> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let texts = audit_text::Entity::find()
            .filter(audit_text::Column::TenantId.eq(self.wall()))
            .filter(audit_text::Column::EntryId.is_in(rows.iter().map(|row| row.id)))
            .order_by_asc(audit_text::Column::Name)
            .all(self.tx())
            .await?;
        Ok(texts)
    }
}

fn record(row: audit_entry::Model, texts: Vec<audit_text::Model>) -> Result<AuditRecord, StoreError> {
    let at = Row { table: "audit_entry", id: row.id };
    let body = serde_json::from_str(&row.body).map_err(|problem| at.corrupt("body", problem))?;
    let personal = texts.into_iter().map(personal_text).collect::<Result<_, _>>()?;
    Ok(AuditRecord { id: AuditEntryId::from_uuid(row.id), body, personal, sealed: sealed(&row)? })
}

/// A text off its row.
pub(super) fn personal_text(row: audit_text::Model) -> Result<PersonalText, StoreError> {
    let salt = Row { table: "audit_text", id: row.entry_id }.bytes("salt", &row.salt)?;
    Ok(PersonalText { name: row.name, salt, text: row.text })
}

/// An entry's place off its row.
pub(super) fn sealed(row: &audit_entry::Model) -> Result<Option<Sealed>, StoreError> {
    let at = Row { table: "audit_entry", id: row.id };
    match (row.sequence, &row.hash, &row.previous_hash) {
        (None, None, None) => Ok(None),
        (Some(sequence), Some(hash), Some(previous)) => Ok(Some(Sealed {
            sequence: at.count("sequence", sequence)?,
            hash: ChainHash::from_bytes(at.bytes("hash", hash)?),
            previous: ChainHash::from_bytes(at.bytes("previous_hash", previous)?),
        })),
        _ => Err(at.corrupt("sequence", "sealed in part")),
    }
}
